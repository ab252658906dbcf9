package regularfile_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/regularfile"
)

const limit = 1 << 20

func write(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	path := write(t, "a file", "content\n", 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a file": path, "a link": link, "as large as may be": write(t, "large", strings.Repeat("x", limit), 0o600)} {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := regularfile.Read(path, limit); err != nil || got.Reveal() != string(want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if runtime.GOOS == "linux" { // its size is 0, and it has content
		if got, err := regularfile.Read("/proc/self/status", limit); err != nil || got.IsEmpty() {
			t.Errorf("a file of /proc: %v", err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	paths := map[string]struct {
		path string
		want error
	}{
		"nothing":           {filepath.Join(dir, "canary"), regularfile.ErrMissing},
		"below a file":      {filepath.Join(write(t, "canary", "", 0o600), "x"), regularfile.ErrMissing},
		"an empty path":     {"", regularfile.ErrMissing},
		"a directory":       {dir, regularfile.ErrDirectory},
		"too large":         {write(t, "canary", strings.Repeat("x", limit+1), 0o600), regularfile.TooLargeError{Limit: limit}},
		"a name with a NUL": {"canary\x00", regularfile.ErrUnreadable},
	}
	for name, tt := range paths {
		checkRefused(t, name, tt.path, tt.want)
	}
	if os.Getuid() != 0 && runtime.GOOS != "windows" {
		checkRefused(t, "not permitted", write(t, "canary", "x", 0), regularfile.ErrForbidden)
	}
	if runtime.GOOS != "windows" {
		socket := filepath.Join(dir, "socket")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close() //nolint:errcheck // nothing is buffered
		checkRefused(t, "a socket", socket, regularfile.ErrIrregular)
		checkRefused(t, "a device", "/dev/zero", regularfile.ErrIrregular)
	}
}

func checkRefused(t *testing.T, name, path string, want error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := regularfile.Read(path, limit)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: it hangs", name)
	}
}
