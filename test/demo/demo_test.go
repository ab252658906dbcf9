package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// needTerraform skips where acceptance tests were not asked for.
func needTerraform(t *testing.T) {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("runs a real Terraform or OpenTofu: set TF_ACC=1, and AGEENV_CLI to choose one")
	}
}

// runDemo runs it with a directory for temporary files of its own, which has to
// be empty again afterwards.
func runDemo(ctx context.Context, t *testing.T, list []step, env string, watch io.Writer) (said string, err error) {
	t.Helper()
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var out bytes.Buffer
	err = run(ctx, options{env: env, out: io.MultiWriter(&out, watch)}, list)
	left, readErr := os.ReadDir(temporary)
	if readErr != nil {
		t.Fatal(readErr)
	}
	for _, entry := range left {
		// The go command has its own, which it removes in its own time.
		if strings.HasPrefix(entry.Name(), "ageenv-") {
			t.Errorf("%s is left", entry.Name())
		}
	}
	return out.String(), err
}

func writeEnvFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAccSample(t *testing.T) {
	needTerraform(t)
	said, err := runDemo(t.Context(), t, steps, "", io.Discard)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for i, s := range steps {
		if !strings.Contains(said, fmt.Sprintf("%2d/%d %s\n", i+1, len(steps), s.name)) {
			t.Errorf("step %d, %s, was not said", i+1, s.name)
		}
	}
	for _, want := range []string{
		"TLS_PRIVATE_KEY (118)", "Plan: 3 to add", "3 added", "0600 written", "0600 unchanged", "20 entries, all names and values the same",
		"internal/sops verifies", "ended with 0: no changes", "another data key", "does not open the new bundle", "3 destroyed", "3 identities",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q was not said", want)
		}
	}
	if strings.Contains(said, "\x1b") {
		t.Error("there are colours, and no terminal")
	}
	if strings.Contains(said, "no sops on PATH") != (findSOPS() == "") {
		t.Error("it says the wrong thing about which sops there is")
	}
	if t.Failed() {
		t.Log(said)
	}
}

// TestAccOwnEnv has values that Terraform's log has anyway, and short ones.
func TestAccOwnEnv(t *testing.T) {
	needTerraform(t)
	const hidden = "hunter2-canary"
	path := writeEnvFile(t, "# mine\nPORT=80\nHOST=127.0.0.1\nTOKEN="+hidden+"\nTOKEN_B64="+base64.StdEncoding.EncodeToString([]byte(hidden))+
		"\nREGISTRY=registry.terraform.io/ageenv/ageenv\nTEXT=\"one\n"+hidden+" and $1\n\"\n")
	said, err := runDemo(t.Context(), t, steps, path, io.Discard)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{path + " has 6 entries", "PORT (2)", "6 entries, all names and values the same", "so no leak:\n        HOST"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q was not said", want)
		}
	}
	if strings.Contains(said, hidden) {
		t.Error("a value was said")
	}
	if t.Failed() {
		t.Log(said)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("the user's file is gone:", err)
	}
}

func TestBrokenEnv(t *testing.T) {
	const hidden = "hunter2-canary"
	for name, tt := range map[string]struct{ text, want string }{
		"no equals":       {"A=1\n" + hidden + "\n", "line 2: there is no ="},
		"unclosed quote":  {"A=1\n\nB=\"" + hidden + "\n", "line 3: the quote that opens the value is never closed"},
		"expansion":       {"A=" + hidden + "$HOME\n", "line 1: the $ is a reference"},
		"nothing in it":   {"# " + hidden + "\n", "has no entries"},
		"no such file":    {"", "can't be read: no such file or directory"},
		"name not a name": {hidden + "+=x\n", "line 1: the name is not one that every program reads"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "not there")
			if tt.text != "" {
				path = writeEnvFile(t, tt.text)
			}
			said, err := runDemo(t.Context(), t, steps, path, io.Discard)
			if err == nil || !strings.HasPrefix(err.Error(), "step 1, env: "+path) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if all := fmt.Sprint(err, said); strings.Contains(all, "hunter2") {
				t.Errorf("text of the file was said: %s", all)
			}
		})
	}
}

// stopAt cancels a run when it says a text.
type stopAt struct {
	text   string
	cancel context.CancelCauseFunc
}

func (s stopAt) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.text) {
		s.cancel(errInterrupted)
	}
	return len(p), nil
}

// TestAccInterrupted stops it before there is an account, with one, with a plan
// that waits, and with a script in the account.
func TestAccInterrupted(t *testing.T) {
	needTerraform(t)
	built := withPrograms(t)
	for _, tt := range []struct {
		step    string
		account bool
	}{{"build", false}, {"plan", true}, {"apply", true}, {"box", true}} {
		t.Run(tt.step, func(t *testing.T) {
			i := slices.IndexFunc(built, func(s step) bool { return s.name == tt.step })
			ctx, cancel := context.WithCancelCause(t.Context())
			said, err := runDemo(ctx, t, built, "", stopAt{fmt.Sprintf("%2d/%d ", i+1, len(steps)), cancel})
			var at *stepError
			if !errors.Is(err, errInterrupted) || !errors.As(err, &at) || at.name != tt.step {
				t.Errorf("got %v, want it to be interrupted in %s", err, tt.step)
			}
			if strings.Contains(said, "the simulator is stopped") != tt.account {
				t.Errorf("what was said of the simulator: %s", said)
			}
		})
	}
}

// TestUnusableCLI has a program that is no Terraform.
func TestUnusableCLI(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"too old":   {`echo '{"terraform_version":"1.10.5"}'`, "write-only arguments need 1.11 or later"},
		"something": {"echo hello", "does not tell its version"},
		"fails":     {`echo '{"terraform_version":"1.11.4"}'; exit 1`, "does not tell its version"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "terraform")
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv(stage.CLIVariables[0], path)
			_, err := runDemo(t.Context(), t, steps, "", io.Discard)
			if err == nil || !strings.Contains(err.Error(), "step 2, build") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
