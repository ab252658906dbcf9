// Package regularfile reads files whose paths an operator gives. It reads regular
// files only, up to a limit: a FIFO would block for ever, and a device such as
// /dev/zero has no end.
//
// Its errors name neither the path nor anything that was read.
package regularfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Errors that a test or a caller tells apart.
var (
	ErrMissing   = errors.New("there is no such file")
	ErrForbidden = errors.New("the user that runs Terraform is not permitted to read it")
	ErrDirectory = errors.New("it is a directory, and a file is needed")
	// ErrIrregular: a FIFO, a socket or a device.
	ErrIrregular  = errors.New("it is a pipe, a socket or a device, and only regular files are read: write its content to a file")
	ErrUnreadable = errors.New("it can't be read: the system reports an error")
)

// TooLargeError says that the file is larger than Limit, in bytes: a multiple of
// 1 MiB.
type TooLargeError struct{ Limit int64 }

func (e TooLargeError) Error() string {
	return fmt.Sprintf("it is larger than %d MiB, the most that is read", e.Limit>>20)
}

// Read returns the content of a regular file, or of one that a symbolic link leads
// to, of at most limit bytes.
func Read(path string, limit int64) (secret.Text, error) {
	// Before it is opened too: to open a device can have an effect of its own.
	info, err := os.Stat(path)
	if err := check(info, err, limit); err != nil {
		return secret.Text{}, err
	}
	// The file may have been replaced since. Without O_NONBLOCK, to open a FIFO waits
	// for a writer; on a regular file it has no effect.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the path is the operator's to give
	if err != nil {
		return secret.Text{}, reason(err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	info, err = file.Stat()
	if err := check(info, err, limit); err != nil {
		return secret.Text{}, err
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return secret.Text{}, reason(err)
	case int64(len(content)) > limit:
		return secret.Text{}, TooLargeError{limit}
	}
	return secret.New(string(content)), nil
}

func check(info fs.FileInfo, err error, limit int64) error {
	switch {
	case err != nil:
		return reason(err)
	case info.IsDir():
		return ErrDirectory
	case !info.Mode().IsRegular():
		return ErrIrregular
	case info.Size() > limit:
		return TooLargeError{limit}
	}
	return nil
}

// reason drops the path, which the system's errors hold.
func reason(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return ErrMissing
	case errors.Is(err, fs.ErrPermission):
		return ErrForbidden
	}
	return ErrUnreadable
}
