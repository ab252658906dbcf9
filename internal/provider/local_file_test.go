//go:build unix

package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// Wherever a path is given, a FIFO hangs nothing and a device is not read: an import,
// a path of an ephemeral resource, and the sources of identities.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	const problem = "it is a pipe, a socket or a device, and only regular files are read"
	opened := func(u *unitServer, name string, attributes map[string]any) []*tfprotov6.Diagnostic {
		_, diagnostics := u.open(name, attributes)
		return diagnostics
	}
	imported := func(name string) func(*testing.T, string) []*tfprotov6.Diagnostic {
		return func(t *testing.T, path string) []*tfprotov6.Diagnostic {
			u := newUnitServer(t, nil)
			u.configure("1.11.4", nil)
			return newCore(u, name).imported(path)
		}
	}
	for name, use := range map[string]func(*testing.T, string) []*tfprotov6.Diagnostic{
		"import of a key":    imported("ageenv_key"),
		"import of a bundle": imported("ageenv_bundle"),
		"ephemeral bundle": func(t *testing.T, path string) []*tfprotov6.Diagnostic {
			return opened(newUnitServer(t, nil), "ageenv_bundle", map[string]any{"path": path})
		},
		"ephemeral dotenv": func(t *testing.T, path string) []*tfprotov6.Diagnostic {
			return opened(newUnitServer(t, nil), "ageenv_dotenv", map[string]any{"path": path})
		},
		"identity_files": func(t *testing.T, path string) []*tfprotov6.Diagnostic {
			u := newUnitServer(t, nil)
			u.configure("1.11.4", map[string]any{"identity_files": []string{path}})
			return opened(u, "ageenv_identity", map[string]any{"wrapped_identity": "x"})
		},
		"SOPS_AGE_KEY_FILE": func(t *testing.T, path string) []*tfprotov6.Diagnostic {
			u := newUnitServer(t, map[string]string{"SOPS_AGE_KEY_FILE": path})
			u.configure("1.11.4", nil)
			return opened(u, "ageenv_identity", map[string]any{"wrapped_identity": "x"})
		},
	} {
		for _, path := range []string{fifo, "/dev/zero"} {
			t.Run(name+", "+filepath.Base(path), func(t *testing.T) {
				done := make(chan []*tfprotov6.Diagnostic, 1)
				go func() { done <- use(t, path) }()
				select {
				case diagnostics := <-done:
					// A source of identities that fails is named by what needs one.
					if text := unitText(diagnostics); !strings.Contains(text, problem) || !strings.Contains(text, fmt.Sprintf("%q", path)) {
						t.Errorf("it says %s", text)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("it hangs")
				}
			})
		}
	}
}
