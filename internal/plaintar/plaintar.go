// Package plaintar reads and writes plain tars: regular files with plain names, each name
// once. It has this rule for bundles and for startup scripts. The program on the box has its
// own reader, internal/firstboot/box/ageenv/untar.py, and a test holds the two together.
package plaintar

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// MaxName is the longest name that is read, in bytes: what Linux allows.
const MaxName = 255

var (
	nameStart      = charset.New(charset.Upper + charset.Lower + charset.Digit + "_")
	nameCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_.-")
)

// IsName reports whether a name is plain: no shell, tar or file system takes it for
// something else.
func IsName(name string) bool {
	return len(name) <= MaxName && nameStart.Begins(name) && nameCharacters.Holds(name)
}

// ErrNotTar means that the text is not a whole tar.
var ErrNotTar = errors.New("is not a tar")

// IsTar reports whether a text is a tar, an empty one too. Env text holds no NUL byte.
func IsTar(text string) bool {
	const magic, magicAt, empty = "ustar", 257, 1024
	if len(text) >= empty && strings.Trim(text[:empty], "\x00") == "" {
		return true
	}
	return len(text) >= magicAt+len(magic) && text[magicAt:magicAt+len(magic)] == magic
}

// Read calls each for every file of a plain tar, and returns each's error. Otherwise errors
// are ErrNotTar, or tell what is not plain, to follow the name of the tar. They name no file:
// a name may be a piece of a value. Together, the files are no larger than the tar.
func Read(text string, each func(name string, content io.Reader) error) error {
	reader, seen, rest := tar.NewReader(strings.NewReader(text)), map[string]bool{}, int64(len(text))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return ErrNotTar
		}
		n := len(seen) + 1
		rest -= header.Size
		switch {
		case isSparse(header) || rest < 0:
			return fmt.Errorf("holds a sparse file, as entry %d of its tar: make the tar without --sparse", n)
		case header.Typeflag != tar.TypeReg:
			return fmt.Errorf("holds something else than a regular file, as entry %d of its tar", n)
		case !IsName(header.Name):
			return fmt.Errorf("holds a file whose name is not plain, as entry %d of its tar: use letters, digits, '_', '.' and '-', and neither '.' nor '-' first", n)
		case seen[header.Name]:
			return fmt.Errorf("holds two files of the same name, the second as entry %d of its tar", n)
		}
		seen[header.Name] = true
		if err := each(header.Name, reader); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, reader); err != nil { //nolint:gosec // no compression: it is as long as the text
			return ErrNotTar
		}
	}
}

// isSparse reports whether a file has holes that the tar does not hold.
func isSparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// File is one file of a tar.
type File struct{ Name, Content string }

// Write makes a tar of the files, in their order. The same files always give the same bytes.
func Write(files []File) (string, error) {
	var out strings.Builder
	writer := tar.NewWriter(&out)
	for _, file := range files {
		header := tar.Header{
			Typeflag: tar.TypeReg, Name: file.Name, Size: int64(len(file.Content)), Mode: 0o600,
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if err := writer.WriteHeader(&header); err != nil {
			return "", err
		}
		if _, err := io.WriteString(writer, file.Content); err != nil {
			return "", err
		}
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	return out.String(), nil
}
