// Package agevectors reads age's official test vectors, for tests: files that
// describe themselves, with the outcome that a reader is to have.
//
// Source: https://c2sp.org/CCTV/age.
package agevectors

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	agetest "c2sp.org/CCTV/age"
)

// Vector is one file.
type Vector struct {
	Name       string
	Expect     string   // "success", "no match", "header failure" and so on
	Payload    string   // SHA-256 of what is inside, in hex
	Identities []string // AGE-SECRET-KEY-… lines
	Passphrase bool     // it is sealed with one
	Armored    bool
	File       []byte
}

// Load reads all vectors. That there is none is an error.
func Load() ([]Vector, error) {
	var vectors []Vector
	err := fs.WalkDir(agetest.Vectors, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(agetest.Vectors, path)
		if err != nil {
			return err
		}
		v, err := parse(entry.Name(), text)
		vectors = append(vectors, v)
		return err
	})
	if err == nil && len(vectors) == 0 {
		err = errors.New("there is no vector")
	}
	return vectors, err
}

func parse(name string, text []byte) (Vector, error) {
	v := Vector{Name: name}
	head, file, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		return v, errors.New(name + ": no empty line after the head")
	}
	v.File = file
	for line := range strings.SplitSeq(string(head), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "expect":
			v.Expect = value
		case "payload":
			v.Payload = value
		case "identity":
			v.Identities = append(v.Identities, value)
		case "passphrase":
			v.Passphrase = true
		case "armored":
			v.Armored = true
		case "compressed":
			r, err := zlib.NewReader(bytes.NewReader(file))
			if err != nil {
				return v, err
			}
			if v.File, err = io.ReadAll(r); err != nil {
				return v, err
			}
		case "file key", "comment":
		default:
			return v, fmt.Errorf("%s: unknown key %q", name, key)
		}
	}
	return v, nil
}
