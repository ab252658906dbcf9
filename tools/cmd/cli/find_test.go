package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	const (
		goodTerraform = "Terraform 1.15.0"
		oldTerraform  = "Terraform 1.5.7"
		goodTofu      = "OpenTofu 1.12.6"
		broken        = "broken"
	)
	tests := map[string]struct {
		files    map[string]string // path under a temporary directory: which fake is there
		explicit string            // path under it, for AGEENV_CLI
		fetches  string            // which fake a download brings; none: the download fails
		builds   string            // which fake a build makes; none: the build fails
		want     string            // the path that is found, or
		wantErr  []string          // what the error must say
		wantLog  []string
	}{
		"terraform on PATH wins over tofu": {
			files:   map[string]string{"path/terraform": goodTerraform, "path/tofu": goodTofu},
			want:    "path/terraform",
			wantLog: []string{"found terraform 1.15.0 at "},
		},
		"terraform too old, tofu taken": {
			files:   map[string]string{"path/terraform": oldTerraform, "path/tofu": goodTofu},
			want:    "path/tofu",
			wantLog: []string{"passing over terraform 1.5.7", "too old, needs 1.11.0 or later", "found opentofu 1.12.6"},
		},
		"terraform broken, tofu taken": {
			files:   map[string]string{"path/terraform": broken, "path/tofu": goodTofu},
			want:    "path/tofu",
			wantLog: []string{"passing over ", "exit status 1 (it does not work)"},
		},
		"a download from earlier before a build from earlier": {
			files:   map[string]string{"cli/fetched/terraform": goodTerraform, "cli/tofu-1.12.6/tofu": goodTofu},
			want:    "cli/fetched/terraform",
			wantLog: []string{"no terraform on PATH", "no tofu on PATH", "found from earlier terraform 1.15.0"},
		},
		"a build from earlier, no download": {
			files: map[string]string{"cli/tofu-1.12.6/tofu": goodTofu}, fetches: goodTerraform,
			want: "cli/tofu-1.12.6/tofu",
		},
		"a terraform built for the matrix is not taken": {
			files: map[string]string{"cli/terraform-1.15.0/terraform": goodTerraform}, builds: goodTofu,
			want: "built/tofu",
		},
		"an unusable file from earlier is replaced": {
			files: map[string]string{"cli/fetched/terraform": broken}, fetches: goodTerraform,
			want:    "cli/fetched/terraform",
			wantLog: []string{"passing over ", "downloading", "downloaded terraform 1.15.0"},
		},
		"network closed, built": {
			builds:  goodTofu,
			want:    "built/tofu",
			wantLog: []string{"cannot download: closed", "building OpenTofu", "built opentofu 1.12.6"},
		},
		"an unusable download, built": {
			fetches: broken, builds: goodTofu,
			want: "built/tofu",
		},
		"nothing to be had": {
			files:   map[string]string{"path/terraform": oldTerraform},
			wantErr: []string{"1.11.0 or later", "download: closed", "build: no compiler", "AGEENV_CLI"},
		},
		"asked for by name": {
			files:    map[string]string{"own/tofu": goodTofu, "path/terraform": goodTerraform},
			explicit: "own/tofu", want: "own/tofu",
		},
		"asked for by name and too old: nothing else is tried": {
			files:    map[string]string{"own/terraform": oldTerraform, "path/terraform": goodTerraform},
			explicit: "own/terraform",
			wantErr:  []string{"AGEENV_CLI names ", "terraform 1.5.7", "too old"},
		},
		"asked for by name and missing: nothing else is tried": {
			files:    map[string]string{"path/terraform": goodTerraform},
			explicit: "own/missing",
			wantErr:  []string{"AGEENV_CLI names "},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			place := func(path, which string) string {
				script := "echo 'it does not work' >&2; exit 1"
				if title, version, ok := strings.Cut(which, " "); ok {
					script = answers(title, version)
				}
				return fake(t, filepath.Join(tmp, filepath.Dir(path)), filepath.Base(path), script)
			}
			for path, which := range test.files {
				place(path, which)
			}
			var log bytes.Buffer
			f := finder{
				lookPath: func(name string) (string, error) {
					if _, ok := test.files["path/"+name]; !ok {
						return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
					}
					return filepath.Join(tmp, "path", name), nil
				},
				dir: filepath.Join(tmp, "cli"),
				fetch: func(_ context.Context, dir string) (string, error) {
					if test.fetches == "" {
						return "", errors.New("closed")
					}
					if dir != filepath.Join(tmp, "cli/fetched") {
						t.Errorf("download into %s", dir)
					}
					return place("cli/fetched/terraform", test.fetches), nil
				},
				build: func(context.Context) (string, error) {
					if test.builds == "" {
						return "", errors.New("no compiler")
					}
					return place("built/tofu", test.builds), nil
				},
				log: &log,
			}
			if test.explicit != "" {
				f.explicit = filepath.Join(tmp, test.explicit)
			}

			found, err := f.find(t.Context())
			if test.wantErr != nil {
				if err == nil {
					t.Fatalf("found %s", found)
				}
				for _, want := range test.wantErr {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(tmp, test.want); found.path != want {
				t.Errorf("found %s, want %s", found.path, want)
			}
			for _, want := range test.wantLog {
				if !strings.Contains(log.String(), want) {
					t.Errorf("log does not say %q:\n%s", want, log.String())
				}
			}
		})
	}
}

func TestFindStopsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := finder{
		lookPath: func(name string) (string, error) { return "", &exec.Error{Name: name, Err: exec.ErrNotFound} },
		dir:      t.TempDir(),
		fetch: func(context.Context, string) (string, error) {
			cancel()
			return "", ctx.Err()
		},
		build: func(context.Context) (string, error) { t.Fatal("builds after an interrupt"); return "", nil },
		log:   &bytes.Buffer{},
	}
	if _, err := f.find(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
}
