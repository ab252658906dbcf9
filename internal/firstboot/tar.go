package firstboot

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

// plainName is the name of a file in a directory that is dropped: what every tar,
// every shell pattern and every reader of such a directory takes as it stands.
var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`) })

// checkNoTar refuses a tar that would be dropped as one file, for somebody to read as
// env text. The error goes on after the words "the payload".
func checkNoTar(plain []byte) error {
	const magicAt = 257
	if len(plain) >= magicAt+5 && string(plain[magicAt:magicAt+5]) == "ustar" {
		return errors.New(`is a tar of one file for each key: use layout = "directory"`)
	}
	return nil
}

// CheckTar reports why what is read cannot be dropped as a directory. It must be a
// tar of regular files and nothing else, at least one, each with a plain name that
// no other has. None is sparse, so that the files together are no larger than the
// tar. The error names no file, because a name may be a piece of a value. It follows
// the words "the payload".
func CheckTar(r io.Reader) error {
	errNoTar := errors.New("is no tar: give a bundle of one file per key, or leave layout out")
	plain, err := io.ReadAll(r)
	if err != nil {
		return errNoTar
	}
	in, seen, rest := tar.NewReader(bytes.NewReader(plain)), map[string]bool{}, int64(len(plain))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errNoTar
		}
		n := len(seen) + 1
		rest -= h.Size
		switch {
		case isSparse(h) || rest < 0:
			return fmt.Errorf("holds a sparse file, as entry %d of its tar: make the tar without --sparse", n)
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("holds something else than a regular file, as entry %d of its tar", n)
		case !plainName().MatchString(h.Name) || len(h.Name) > maxNameBytes:
			return fmt.Errorf("holds a file whose name is not plain, as entry %d of its tar: use letters, digits, '_', '.' and '-', and neither '.' nor '-' first", n)
		case seen[h.Name]:
			return fmt.Errorf("holds two files of the same name, the second as entry %d of its tar", n)
		}
		if _, err := io.CopyN(io.Discard, in, h.Size); err != nil {
			return errNoTar
		}
		seen[h.Name] = true
	}
	if len(seen) == 0 {
		return errors.New("is an empty tar: there is no file to drop")
	}
	return nil
}

// isSparse reports whether a file of a tar has holes that the tar does not hold.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for name := range h.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}
