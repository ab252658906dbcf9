package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fake writes a shell script that plays the program and returns its path.
func fake(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// answers is a script that answers both forms of the version command as the
// real programs do.
func answers(title, version string) string {
	return `case "$*" in
"version -json") printf '{"terraform_version": "` + version + `", "platform": "linux_amd64", "provider_selections": {}}' ;;
"version") printf '` + title + ` v` + version + `\non linux_amd64\n' ;;
*) exit 1 ;;
esac`
}

func TestProbe(t *testing.T) {
	tests := map[string]struct {
		script  string
		want    string // "kind version"
		wantErr string
	}{
		"terraform at the floor":    {script: answers("Terraform", "1.11.0"), want: "terraform 1.11.0"},
		"terraform":                 {script: answers("Terraform", "1.15.0"), want: "terraform 1.15.0"},
		"opentofu":                  {script: answers("OpenTofu", "1.12.6"), want: "opentofu 1.12.6"},
		"two digits count as ten":   {script: answers("Terraform", "1.9.8"), wantErr: "too old, needs 1.11.0 or later"},
		"old opentofu":              {script: answers("OpenTofu", "1.10.7"), wantErr: "opentofu 1.10.7"},
		"prerelease of a later one": {script: answers("Terraform", "1.16.0-beta1"), want: "terraform 1.16.0-beta1"},
		"development build":         {script: answers("OpenTofu", "1.13.0-dev"), want: "opentofu 1.13.0-dev"},
		// 1.11.0-rc1 has write-only arguments, but betas before it did not all have them.
		"prerelease of the floor": {script: answers("Terraform", "1.11.0-rc1"), wantErr: "too old"},
		"warning beside the answer": {
			script: "echo 'a warning' >&2\n" + answers("Terraform", "1.12.2"), want: "terraform 1.12.2",
		},
		"fails": {script: "echo 'No version is set' >&2; exit 126", wantErr: "version -json: exit status 126 (No version is set)"},
		// What a pretender prints is not repeated.
		"not json":         {script: "echo surprise", wantErr: "the answer is not JSON"},
		"other json":       {script: `echo '{"version": "1.15.0"}'`, wantErr: "has no terraform_version"},
		"not a version":    {script: answers("Terraform", "latest"), wantErr: `"latest" is not a version`},
		"another program":  {script: answers("Packer", "1.15.0"), wantErr: "neither Terraform nor OpenTofu"},
		"killed by itself": {script: "kill -9 $$", wantErr: "version -json: signal: killed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := fake(t, t.TempDir(), "program", test.script)
			got, err := probe(t.Context(), path)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("error %v, want one with %q", err, test.wantErr)
				}
				if strings.Contains(err.Error(), "too old") != errors.Is(err, errTooOld) {
					t.Fatalf("errTooOld and the words of error %q do not agree", err)
				}
				if strings.Contains(err.Error(), "surprise") {
					t.Fatalf("error repeats the output: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s := string(got.kind) + " " + got.version.String(); s != test.want || got.path != path {
				t.Fatalf("got %s at %s, want %s at %s", s, got.path, test.want, path)
			}
		})
	}
}

func TestProbeOfWhatCannotRun(t *testing.T) {
	dir := t.TempDir()
	notExecutable := filepath.Join(dir, "text")
	if err := os.WriteFile(notExecutable, []byte("#!/bin/sh\n"+answers("Terraform", "1.15.0")), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"missing":        filepath.Join(dir, "missing"),
		"not executable": notExecutable,
		"a directory":    dir,
	} {
		t.Run(name, func(t *testing.T) {
			if found, err := probe(t.Context(), path); err == nil {
				t.Fatalf("found %s", found)
			}
		})
	}
}

// The user's own settings must not reach the program: a configuration file
// that is not there makes Terraform warn or fail, and TF_CLI_ARGS adds
// arguments.
func TestProbeKeepsTheUsersSettingsOut(t *testing.T) {
	t.Setenv("TF_CLI_CONFIG_FILE", filepath.Join(t.TempDir(), "missing.tfrc"))
	t.Setenv("TF_CLI_ARGS", "-no-such-flag")
	t.Setenv("TF_LOG", "TRACE")
	t.Setenv("CHECKPOINT_DISABLE", "")
	path := fake(t, t.TempDir(), "terraform", `
[ -f "$TF_CLI_CONFIG_FILE" ] && [ ! -s "$TF_CLI_CONFIG_FILE" ] || { echo "config: $TF_CLI_CONFIG_FILE" >&2; exit 1; }
[ -z "${TF_CLI_ARGS+set}${TF_LOG+set}" ] || { echo "TF_ variables" >&2; exit 1; }
[ "$CHECKPOINT_DISABLE" = 1 ] || { echo "checkpoint" >&2; exit 1; }
[ -z "$(ls -A . | grep -v '^empty.tfrc$')" ] || { echo "not in an empty directory" >&2; exit 1; }
`+answers("Terraform", "1.15.0"))
	if _, err := probe(t.Context(), path); err != nil {
		t.Fatal(err)
	}
}

func TestProbeEnvKeepsTheRest(t *testing.T) {
	got := probeEnv([]string{"HOME=/home/u", "TF_VAR_x=1", "TFENV_ROOT=/opt/tfenv", "TF_PLUGIN_CACHE_DIR=/c"}, "/e.tfrc")
	want := []string{"HOME=/home/u", "TFENV_ROOT=/opt/tfenv", "TF_CLI_CONFIG_FILE=/e.tfrc", "CHECKPOINT_DISABLE=1"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
