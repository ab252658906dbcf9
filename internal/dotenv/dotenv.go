// Package dotenv reads and writes env text: NAME=value lines as docker compose,
// docker, systemd and shells take them from a .env file.
//
//   - dotenv.go: documents, and how they are compared and combined
//   - dialect.go: the dialects, and what sets one apart
//   - key.go, shellnames.go: which names are safe, and which a shell owns
//   - compose.go, docker.go, systemd.go, shell.go, portable.go: a dialect each: what
//     it can hold, how it quotes and how it is read
//   - parse.go, quoted.go: reading, what the dialects share
//   - ends.go: line ends and encodings
//   - references.go: what a $ means in compose's text
//   - problems.go: how reading goes on after a problem
//   - wrapped.go: what a value that was broken into lines looks like
//   - encode.go: writing in a dialect
//   - readers.go: writing for several readers, and who they are
//   - applications.go: the rules of the libraries inside applications
//   - compiled.go: regular expressions, compiled when they are first used
//   - quoting.go: the ways to write a value, in the order in which they are tried
//   - decode.go: reading again what was written for readers
//
// The same text means different things to different readers, so a dialect says
// whose rules count. Reading refuses, with the line and the name, what two readers
// would take differently, unless the caller says what it means, and what would come
// from somebody's environment. No error holds a value or a line of the text.
package dotenv

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Line is an entry or a comment.
type Line struct {
	// Key is the entry's name; empty for a comment.
	Key string
	// Value is the entry's value as a program finds it in its environment; for
	// a comment, the text after its "#".
	Value secret.Text
}

// IsComment reports whether the line is a comment.
func (l Line) IsComment() bool { return l.Key == "" }

// Document is env text in order.
type Document struct {
	Lines []Line
}

// FromMap makes a document of the entries, sorted by name.
func FromMap(entries map[string]secret.Text) Document {
	var doc Document
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		doc.Lines = append(doc.Lines, Line{Key: key, Value: entries[key]})
	}
	return doc
}

// Overlay returns the document with the entries put over it: a name that it has
// keeps its place and gets the new value, a new name follows at the end, sorted.
func (d Document) Overlay(entries map[string]secret.Text) Document {
	rest := maps.Clone(entries)
	out := Document{Lines: make([]Line, 0, len(d.Lines)+len(entries))}
	for _, line := range d.Lines {
		if value, ok := rest[line.Key]; ok {
			line.Value = value
			delete(rest, line.Key)
		}
		out.Lines = append(out.Lines, line)
	}
	out.Lines = append(out.Lines, FromMap(rest).Lines...)
	return out
}

// Without returns the document less the entries of some names.
func (d Document) Without(names map[string]bool) Document {
	out := Document{Lines: make([]Line, 0, len(d.Lines))}
	for _, line := range d.Lines {
		if line.IsComment() || !names[line.Key] {
			out.Lines = append(out.Lines, line)
		}
	}
	return out
}

// Keys returns the names, sorted.
func (d Document) Keys() []string {
	return slices.Sorted(maps.Keys(d.Entries()))
}

// Entries returns the values by name.
func (d Document) Entries() map[string]secret.Text {
	entries := make(map[string]secret.Text, len(d.Lines))
	for _, line := range d.Lines {
		if !line.IsComment() {
			entries[line.Key] = line.Value
		}
	}
	return entries
}

// Equal reports whether both hold the same lines, comments included, in the same
// order.
func (d Document) Equal(other Document) bool {
	return slices.EqualFunc(d.Lines, other.Lines, func(a, b Line) bool {
		return a.Key == b.Key && a.Value.Equal(b.Value)
	})
}

// EqualEntries reports whether both hold the same names with the same values,
// whatever the order and the comments.
func (d Document) EqualEntries(other Document) bool {
	return maps.EqualFunc(d.Entries(), other.Entries(), secret.Text.Equal)
}

// Error tells what is wrong with an env text or an entry, and where.
type Error struct {
	Line    int    // from 1; 0 where there is no text
	Key     string // empty where no valid name was read
	Problem string // what is wrong and what to do, without a value
}

// Error says where and what.
func (e *Error) Error() string {
	switch {
	case e.Line > 0 && e.Key != "":
		return fmt.Sprintf("line %d, %s: %s", e.Line, e.Key, e.Problem)
	case e.Line > 0:
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	case e.Key != "":
		return fmt.Sprintf("%s: %s", e.Key, e.Problem)
	}
	return e.Problem
}
