package firstboot

import (
	"errors"
	"io"

	"github.com/ageenv/terraform-provider-ageenv/internal/plaintar"
)

// checkNoTar refuses a tar that would be dropped as one file, for somebody to read as
// env text. The error follows the words "the payload".
func checkNoTar(plain []byte) error {
	if plaintar.IsTar(string(plain)) {
		return errors.New(`is a tar of one file for each key: use layout = "directory"`)
	}
	return nil
}

// CheckTar reports why what is read cannot be dropped as a directory. It must be a plain
// tar (see plaintar) of at least one file. The error follows the words "the payload".
func CheckTar(r io.Reader) error {
	plain, err := io.ReadAll(r)
	files := 0
	if err == nil {
		err = plaintar.Read(string(plain), func(string, io.Reader) error { files++; return nil })
	} else {
		err = plaintar.ErrNotTar
	}
	switch {
	case errors.Is(err, plaintar.ErrNotTar):
		return errors.New("is no tar: give a bundle of one file per key, or leave layout out")
	case err != nil:
		return err
	case files == 0:
		return errors.New("is an empty tar: there is no file to drop")
	}
	return nil
}
