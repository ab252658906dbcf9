package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// TestAccSabotage spoils something before a step, which has to fail then: no step
// says that all is well without having looked.
func TestAccSabotage(t *testing.T) {
	needTerraform(t)
	built := withPrograms(t)
	for name, tt := range map[string]struct {
		before string
		spoil  func(d *demo) error
		want   string
	}{
		"value in a log": {"leaks", func(d *demo) error {
			return appendTo(filepath.Join(d.workDir(), traceLog), base64.StdEncoding.EncodeToString([]byte("{"+d.input.entries["JWT_SECRET"].Reveal())))
		}, "JWT_SECRET (base64) in trace.log"},
		"identity in a file": {"leaks", func(d *demo) error {
			return appendTo(filepath.Join(d.workDir(), "terraform.tfstate.backup"), d.boxKey.Text().Reveal())
		}, "identity 1 of the box (plain) in terraform.tfstate.backup"},
		"other mode": {"box", func(d *demo) error {
			d.now.file.Mode = "0640"
			return nil
		}, "is " + accountText() + " 0600, and was to be " + accountText() + " 0640"},
		"no script": {"box", func(d *demo) error {
			d.now.scriptID = "00000000-0000-4000-8000-000000000000"
			return nil
		}, "has no script of that ID"},
		"other value on the box": {"compare", func(d *demo) error {
			text := strings.Replace(d.drop.text.Reveal(), "REDIS_URL=r", "REDIS_URL=R", 1)
			d.drop.text = secret.New(text)
			return nil
		}, "REDIS_URL has another value"},
		"tampered bundle": {"bundle", func(d *demo) error {
			d.now.bundle = strings.Replace(d.now.bundle, "REDIS_URL=", "REDIS_URI=", 1)
			return nil
		}, ""},
		"changed configuration": {"again", func(d *demo) error {
			return replaceIn(filepath.Join(d.workDir(), "main.tf"), `"0600"`, `"0640"`)
		}, "the plan is not empty"},
		"file touched on the box": {"reboot", func(d *demo) error {
			return appendTo(filepath.Join(d.firstBox.root, d.now.file.Path), "#\n")
		}, "the file was written again"},
		"script that is not replaced": {"plan", func(d *demo) error {
			copied := filepath.Join(d.dir, "examples", "complete")
			if err := os.CopyFS(copied, os.DirFS(filepath.Join(d.root, "examples", "complete"))); err != nil {
				return err
			}
			d.root = d.dir
			return replaceIn(filepath.Join(copied, "main.tf"), "key = ageenv_key.box.id\n", "key = \"always the same\"\n")
		}, "rotate: the script's ID has not changed"},
		"configuration that is broken": {"rotate", func(d *demo) error {
			return appendTo(filepath.Join(d.workDir(), "main.tf"), "\nresource \"ageenv_nothing\" \"n\" {}\n")
		}, "apply ended with code 1: Invalid resource type"},
	} {
		t.Run(name, func(t *testing.T) {
			list := slices.Clone(built)
			i := slices.IndexFunc(list, func(s step) bool { return s.name == tt.before })
			honest := list[i].run
			list[i].run = func(ctx context.Context, d *demo) error {
				if err := tt.spoil(d); err != nil {
					t.Errorf("the sabotage failed: %v", err)
				}
				return honest(ctx, d)
			}
			said, err := runDemo(t.Context(), t, list, "", io.Discard)
			var at *stepError
			failing, _, elsewhere := strings.Cut(tt.want, ": ")
			if !elsewhere || !slices.ContainsFunc(steps, func(s step) bool { return s.name == failing }) {
				failing = tt.before
			}
			if !errors.As(err, &at) || at.name != failing || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want step %s to fail with %q\n%s", err, tt.before, tt.want, said)
			}
		})
	}
}

// withPrograms returns the steps with programs that are built once, for a test
// that runs the demo often.
func withPrograms(t *testing.T) []step {
	t.Helper()
	root, err := stage.Repository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	if err := build(t.Context(), root, programs); err != nil {
		t.Fatal(err)
	}
	list := slices.Clone(steps)
	i := slices.IndexFunc(list, func(s step) bool { return s.name == "build" })
	list[i].run = func(ctx context.Context, d *demo) (err error) {
		d.root = root
		if err := os.CopyFS(filepath.Join(d.dir, "bin"), os.DirFS(programs)); err != nil {
			return err
		}
		d.cli, err = stage.FindCLI(ctx, d.dir, d.quietEnvironment())
		return err
	}
	return list
}

func accountText() string {
	owner, group := account()
	return owner + ":" + group
}

func appendTo(path, text string) error {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, append(content, text...), 0o600)
}

func replaceIn(path, old, text string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(content, []byte(old)) {
		return errors.New("the text to replace is not there")
	}
	return os.WriteFile(path, bytes.Replace(content, []byte(old), []byte(text), 1), 0o600)
}
