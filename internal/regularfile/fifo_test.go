//go:build unix

package regularfile_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/regularfile"
)

func TestReadDoesNotWaitForAWriter(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, "a FIFO", fifo, regularfile.ErrIrregular)
}
