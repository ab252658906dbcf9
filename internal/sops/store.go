package sops

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Store is the syntax of a file.
type Store string

// The stores.
const (
	Dotenv Store = "dotenv"
	Binary Store = "binary" // a JSON object whose one value is the whole text
	JSON   Store = "json"
	YAML   Store = "yaml"
	INI    Store = "ini"
)

// leaf is a place in a file that holds a value or a comment.
type leaf struct {
	line    int      // from 1; 0 where the store has no lines
	name    string   // keys and list indexes, joined by dots; empty for a comment
	path    []string // the keys alone: what sops authenticates along with the value
	value   any      // string, int, float64, bool, time.Time, nil, or hollow
	comment bool
	block   bool // a comment of several lines, each of which the store marks as one
	inList  bool
	noEntry bool            // the value is in the text, and no entry: its name is empty, or another value has it
	put     func(plain any) // puts the decrypted value in its place, before emit
}

// maxLeaves is how many values and comments a file may hold. Each costs its
// reader many times what it takes in the file.
const maxLeaves = 1 << 17

var errTooManyLeaves = errors.New("it holds more values and comments than are read: 131,072")

// hollow is the value of a leaf that is an empty map or list.
type hollow struct{}

// removedComment is put where an element of a list turns out to be a comment:
// sops encrypts a comment inside a list as one more element.
type removedComment string

// file is a file that was loaded and not decrypted yet.
type file struct {
	store     Store
	leaves    []leaf
	meta      Metadata
	documents int // more than one only in YAML
	// noEntries says why values can't be told apart by flattened names, if they can't.
	noEntries error
	// emit writes the file, less its metadata, as sops does once it is decrypted.
	emit func() (secret.Text, error)
}

// Detect tells by the text which store a file claims to be of; it reports false
// where the text claims to be no file of sops. A JSON object that holds, beside
// the metadata, one text named "data" is taken for the binary store.
func Detect(text string) (Store, bool) {
	switch trimmed := strings.TrimLeft(text, " \t\r\n"); {
	case strings.HasPrefix(trimmed, "{"):
		if !strings.Contains(text, `"sops"`) {
			return "", false
		}
		if len(text) <= MaxSize && looksBinary(trimmed) {
			return Binary, true
		}
		return JSON, true
	case hasLine(text, "sops_mac="):
		return Dotenv, true
	case hasLine(text, "[sops]"):
		return INI, true
	case hasLine(text, "sops:"):
		return YAML, true
	}
	return "", false
}

func hasLine(text, start string) bool {
	return strings.HasPrefix(text, start) || strings.Contains(text, "\n"+start)
}

// load reads a file's syntax and its metadata.
func load(text string, store Store) (file, error) {
	within := func(limit int) bool { return len(text) <= limit }
	switch {
	case store == Dotenv && within(MaxSize):
		return loadDotenv(text)
	case store == Binary && within(MaxSize), store == JSON && within(MaxTree):
		return loadJSON(text, store)
	case store == YAML && within(MaxTree):
		return loadYAML(text)
	case store == INI && within(MaxINI):
		return loadINI(text)
	}
	return file{}, ErrTooLarge
}

// flatName joins what a name is made of, as users of terraform-provider-sops
// know it.
func flatName(parent, part string) string {
	if parent == "" {
		return part
	}
	return parent + "." + part
}

// extend returns the path with one key more, without sharing memory.
func extend(path []string, key string) []string {
	return append(append(make([]string, 0, len(path)+1), path...), key)
}

// problemSyntax hides what a parser said: it may quote the file.
func problemSyntax(store Store) error {
	return &Error{Problem: "it is not well-formed " + strings.ToUpper(string(store)) + " of the kind that sops writes"}
}

// maxName is how long a flattened name may be. Every leaf has one, so without a
// bound a crafted file makes names that take many times its size.
const maxName = 1024

// checkKey refuses what would take many times a file's size. The name is that of what
// holds the key.
func checkKey(key, name string) error {
	if len(name)+len(key) > maxName {
		return &Error{Problem: "a name is longer than 1,024 bytes, with those of what it stands in"}
	}
	return nil
}

// problemColon is the problem of a name that can't be told from others once it is
// authenticated: sops joins keys with ":".
const problemColon = `a name holds a ":", which sops does not tell from one name inside another: rename it`

// hasColon reports whether a value could have been moved to where it is, out of a
// mapping or into one. The names of a dotenv file stand in nothing.
func (l leaf) hasColon(store Store) bool {
	return store != Dotenv && slices.ContainsFunc(l.path, func(key string) bool { return strings.Contains(key, ":") })
}

// problemTwice is the problem of a name that one mapping has twice.
const problemTwice = "the name is there twice, and sops does not authenticate which one counts: remove one, or rename it"

// checkNames looks for values that have no flattened name of their own. They are in
// the text, and there are no entries then.
func (f *file) checkNames() {
	seen := make(map[string]int, len(f.leaves))
	for i := range f.leaves {
		l := &f.leaves[i]
		if l.comment || l.noEntry || l.value == (hollow{}) {
			continue
		}
		if empty := slices.Index(l.path, ""); empty >= 0 {
			l.noEntry = true
			f.refuseEntries(problemEmptyName(*l, empty))
			continue
		}
		if l.name == "" {
			continue // a comment that is an element of a list
		}
		if first, clash := seen[l.name]; clash {
			l.noEntry = true
			problem := "two values have this name once the names that stand inside one another are joined by dots"
			if first > 0 {
				problem += fmt.Sprintf(" (the other one is in line %d)", first)
			}
			f.refuseEntries(&Error{Line: l.line, Key: l.name, Problem: problem + ": rename one"})
			continue
		}
		seen[l.name] = l.line
	}
}

// problemEmptyName is the problem of a name that is empty, at an index of a leaf's path.
func problemEmptyName(l leaf, empty int) error {
	const remedy = " is empty, so no entry can be called after it: give it a name"
	if empty == 0 {
		return &Error{Line: l.line, Key: l.name, Problem: "a name on the way to this value" + remedy}
	}
	return &Error{Line: l.line, Key: strings.Join(l.path[:empty], "."), Problem: "a name inside it" + remedy}
}

func (f *file) refuseEntries(err error) {
	if f.noEntries == nil {
		f.noEntries = err
	}
}

// timeText is how sops writes a time.
func timeText(t time.Time) (string, bool) {
	text, err := t.MarshalText()
	return string(text), err == nil
}
