package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	composego "github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// input is the .env that goes in.
type input struct {
	path    string // absolute; this is what Terraform reads
	text    secret.Text
	entries map[string]secret.Text // as docker compose reads the text
}

// userInput reads a user's own file, where it is: no copy of it is made.
func userInput(path string) (input, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return input{}, fmt.Errorf("the working directory can't be told, so name the .env by its absolute path: %w", err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return input{}, fmt.Errorf("%s can't be read: %w", path, err)
	}
	return newInput(path, secret.New(string(content)))
}

// sampleInput writes a new sample to the path, for its owner only.
func sampleInput(path string) (input, error) {
	text, err := newSample()
	if err != nil {
		return input{}, err
	}
	if err := os.WriteFile(path, []byte(text.Reveal()), 0o600); err != nil {
		return input{}, err
	}
	return newInput(path, text)
}

// newInput reads the text as the provider will, and as docker compose does. An
// error has the line and the reason. It has not even the line's name: in a
// broken text, what looks like a name may be a piece of a value.
func newInput(path string, text secret.Text) (input, error) {
	doc, err := dotenv.Parse(text, dotenv.Compose)
	var at *dotenv.Error
	switch {
	case errors.As(err, &at):
		return input{}, fmt.Errorf("%s, line %d: %s", path, at.Line, at.Problem)
	case err != nil:
		return input{}, fmt.Errorf("%s can't be read as an env text", path)
	case len(doc.Entries()) == 0:
		return input{}, fmt.Errorf("%s has no entries: write NAME=value lines into it", path)
	}
	entries, err := readAsCompose(text)
	if err != nil {
		return input{}, fmt.Errorf("%s: %w", path, err)
	}
	return input{path: path, text: text, entries: entries}, nil
}

// readAsCompose returns what docker compose makes of an env text, by its own
// parser, with an empty environment to expand from.
func readAsCompose(text secret.Text) (map[string]secret.Text, error) {
	plain, err := composego.ParseWithLookup(strings.NewReader(text.Reveal()), func(string) (string, bool) { return "", false })
	if err != nil {
		return nil, errors.New("docker compose's parser can't read the text") // its own words quote the text
	}
	entries := make(map[string]secret.Text, len(plain))
	for name, value := range plain {
		entries[name] = secret.New(value)
	}
	return entries, nil
}

// sameEntries compares entry by entry, and names those that differ.
func sameEntries(want, got map[string]secret.Text) error {
	var differ []string
	for name, value := range want {
		if other, ok := got[name]; !ok {
			differ = append(differ, name+" is missing")
		} else if !other.Equal(value) {
			differ = append(differ, name+" has another value")
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			differ = append(differ, name+" is not in the input")
		}
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	return errors.New(strings.Join(differ, ", "))
}

// lengths lists the names with the lengths of their values, which is all that
// is ever shown of them.
func lengths(entries map[string]secret.Text) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		list = append(list, fmt.Sprintf("%s (%d)", name, entries[name].Len()))
	}
	return list
}
