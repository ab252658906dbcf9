package firstboot

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// plainName is the name of a file in a directory that is dropped: what every tar,
// every shell pattern and every reader of such a directory takes as it stands.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// checkNoTar refuses a tar that would be dropped as one file, for somebody to read as
// env text. The error goes on after the words "the payload".
func checkNoTar(plain []byte) error {
	const magicAt = 257
	if len(plain) >= magicAt+5 && string(plain[magicAt:magicAt+5]) == "ustar" {
		return errors.New(`is a tar of one file for each key: use layout = "directory"`)
	}
	return nil
}

// CheckTar reports why what is read cannot be dropped as a directory: it has to be
// a tar of regular files and nothing else, one at least, each with a plain name of
// its own. The error names no file: a name may be a piece of a value. It goes on
// after the words "the payload".
func CheckTar(r io.Reader) error {
	in, seen := tar.NewReader(r), map[string]bool{}
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		n := len(seen) + 1
		switch {
		case err != nil:
			return errors.New("is no tar: give a bundle of one file per key, or leave layout out")
		case h.Typeflag != tar.TypeReg:
			return fmt.Errorf("holds something else than a regular file, as entry %d of its tar", n)
		case !plainName.MatchString(h.Name) || len(h.Name) > maxNameBytes:
			return fmt.Errorf("holds a file whose name is not plain, as entry %d of its tar: use letters, digits, '_', '.' and '-', and neither '.' nor '-' first", n)
		case seen[h.Name]:
			return fmt.Errorf("holds two files of the same name, the second as entry %d of its tar", n)
		}
		if _, err := io.Copy(io.Discard, in); err != nil { //nolint:gosec // it has been in memory, whole
			return errors.New("is no tar: give a bundle of one file per key, or leave layout out")
		}
		seen[h.Name] = true
	}
	if len(seen) == 0 {
		return errors.New("is an empty tar: there is no file to drop")
	}
	return nil
}
