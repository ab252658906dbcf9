package firstboot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A sparse tar of some kilobytes would fill the box's memory. The tars are those of
// the real tar, in each of its ways to write a file with holes.
func TestSparseTarIsRefused(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "HOLES"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("end"), 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"GNU":     {"--format=gnu"},
		"PAX 0.0": {"--format=posix", "--sparse-version=0.0"},
		"PAX 0.1": {"--format=posix", "--sparse-version=0.1"},
		"PAX 1.0": {"--format=posix", "--sparse-version=1.0"},
	} {
		out, err := exec.Command("tar", append(args, "--sparse", "-C", dir, "-cf", "-", "HOLES")...).Output()
		if err != nil {
			t.Fatalf("tar: %v", err)
		}
		if len(out) > 64<<10 {
			t.Fatalf("%s: the tar has %d bytes, so it is not sparse", name, len(out))
		}
		if err := CheckTar(strings.NewReader(string(out))); err == nil || !strings.Contains(err.Error(), "holds a sparse file, as entry 1") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
