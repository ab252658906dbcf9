package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunPrints(t *testing.T) {
	root := filepath.Join(t.TempDir(), "it's a checkout") // quoting has something to do
	tofu := fake(t, filepath.Join(root, "own"), "tofu", answers("OpenTofu", "1.12.6"))
	t.Setenv("AGEENV_CLI", tofu)
	tests := map[string]struct {
		args []string
		want string
	}{
		"path": {want: tofu + "\n"},
		"kind": {args: []string{"-kind"}, want: "opentofu\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			if err := run(t.Context(), append(test.args, "-root", root), &stdout, io.Discard); err != nil {
				t.Fatal(err)
			}
			if stdout.String() != test.want {
				t.Fatalf("got %q, want %q", stdout.String(), test.want)
			}
		})
	}
}

// What -env prints is evaluated by a real shell, whatever characters a path has.
func TestRunEnv(t *testing.T) {
	tests := map[string]struct{ title, version, kind, host string }{
		"terraform": {"Terraform", "1.15.0", "terraform", "registry.terraform.io"},
		"opentofu":  {"OpenTofu", "1.12.6", "opentofu", "registry.opentofu.org"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "it's a $HOME; checkout")
			program := fake(t, filepath.Join(root, "own"), "program", answers(test.title, test.version))
			t.Setenv("AGEENV_CLI", program)
			var stdout bytes.Buffer
			if err := run(t.Context(), []string{"-env", "-root", root}, &stdout, io.Discard); err != nil {
				t.Fatal(err)
			}
			shell := exec.CommandContext(t.Context(), "sh", "-c", "set -a; "+stdout.String()+"exec env")
			shell.Env = []string{"PATH=" + os.Getenv("PATH")}
			output, err := shell.Output()
			if err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(root, "build/cli/empty.tfrc")
			for _, want := range []string{
				"AGEENV_CLI=" + program,
				"AGEENV_CLI_KIND=" + test.kind,
				"AGEENV_CLI_VERSION=" + test.version,
				"TF_ACC_TERRAFORM_PATH=" + program,
				"TF_ACC_PROVIDER_HOST=" + test.host,
				"TF_CLI_CONFIG_FILE=" + config,
				"CHECKPOINT_DISABLE=1",
			} {
				if !strings.Contains("\n"+string(output), "\n"+want+"\n") {
					t.Errorf("the environment lacks %q:\n%s", want, output)
				}
			}
			if content, err := os.ReadFile(config); err != nil || len(content) != 0 {
				t.Errorf("the configuration file: %q, %v; want it there and empty", content, err)
			}
		})
	}
}

func TestRunRefusesArguments(t *testing.T) {
	for name, args := range map[string][]string{
		"two outputs": {"-kind", "-env"},
		"a word":      {"terraform"},
		"a flag":      {"-version"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			if err := run(t.Context(), args, &stdout, io.Discard); err == nil || stdout.Len() > 0 {
				t.Fatalf("error %v, output %q", err, stdout.String())
			}
		})
	}
}
