package sops

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Options say how a file is read.
type Options struct {
	// Store is the file's syntax; empty takes what Detect finds.
	Store Store
	// AllowUnauthenticated reads what sops does not authenticate, or not as a
	// whole: values and comments in clear, empty values, texts that change with
	// their type. The MAC is verified all the same.
	AllowUnauthenticated bool
	// Strings refuses encrypted values of another type than text, and takes texts that
	// another type would change: for files that EncryptTree wrote, whose values are all
	// texts. sops lets anybody who can write a file change a type.
	Strings bool
	// Unused tells of a path whether the reader uses no value there: such values, and
	// comments, may be in clear. The MAC is verified all the same.
	Unused func(path []string) bool
}

// Entry is a value of a decrypted file.
type Entry struct {
	Name  string // keys and list indexes, joined by dots
	Value secret.Text
}

// Plain is a decrypted file.
type Plain struct {
	Store    Store
	Metadata Metadata
	// Text is the file as `sops --decrypt` prints it; for the binary store, the
	// bytes that were encrypted.
	Text secret.Text
	// Entries are the values, flattened, in the file's order: text as it is,
	// numbers and times as sops authenticates them, true, false and null. There
	// are none for the binary store, nor where Documents is not 1.
	Entries   []Entry
	Documents int
	// NoEntries is an *Error that says why there are no entries, where that is because
	// of their names: one is empty, or two are alike once they are flattened.
	NoEntries error
	// Warnings tell what was read and is not authenticated as a whole. Each names the
	// entries, some of them where there are many, and no value.
	Warnings []string
}

// Decrypt decrypts a file that sops or this package wrote and verifies its MAC.
// Nothing is returned unless every entry is authentic. Comments are authenticated
// one by one, and not by the MAC: one that was taken away or moved is not noticed.
// Nor is it when what is one value becomes a list of one, or the other way round:
// a name then tells another place, and never another value.
//
// Errors are agekey.ErrNoMatch, ErrTampered, ErrNotSOPS, ErrTooLarge, or an *Error
// that names the entry, ErrUnauthenticated among them.
func Decrypt(text string, ids []agekey.Identity, options Options) (Plain, error) {
	f, err := loadDetected(text, options.Store)
	if err != nil {
		return Plain{}, err
	}
	dataKey, err := f.meta.dataKey(ids)
	if err != nil {
		return Plain{}, err
	}
	values, err := newValueCipher(dataKey)
	if err != nil {
		return Plain{}, err
	}
	d := decryption{values: values, sum: newMAC(f.meta.macOnlyEncrypted), options: options, store: f.store, onlyEncrypted: f.meta.macOnlyEncrypted}
	plain := Plain{Store: f.store, Metadata: f.meta, Documents: f.documents}
	for _, l := range f.leaves {
		value, err := d.leaf(l)
		if err != nil {
			return Plain{}, err
		}
		if l.put != nil {
			l.put(value)
		}
		if _, isComment := value.(removedComment); !isComment && !l.comment && !l.noEntry && value != (hollow{}) {
			plain.Entries = append(plain.Entries, Entry{Name: l.name, Value: secret.New(entryText(value))})
		}
	}
	stored, _, err := values.decrypt(f.meta.mac, f.meta.lastModified)
	if err != nil || !d.sum.matches(stored) {
		return Plain{}, errMAC
	}
	if plain.Text, err = f.emit(); err != nil {
		return Plain{}, err
	}
	if f.store == Binary || f.documents != 1 || f.noEntries != nil {
		plain.Entries = nil
	}
	plain.NoEntries = f.noEntries
	if len(d.truthTexts) > 0 {
		plain.Warnings = append(plain.Warnings, truthWarning(d.truthTexts))
	}
	return plain, nil
}

func loadDetected(text string, store Store) (file, error) {
	if store == "" {
		found, ok := Detect(text)
		if !ok {
			return file{}, ErrNotSOPS
		}
		store = found
	}
	f, err := load(text, store)
	if err != nil {
		if left := Conflict(text); left != nil {
			return file{}, left
		}
	}
	return f, err
}

// ReadMetadata reads what a file shows, without opening it.
func ReadMetadata(text string) (Metadata, error) {
	f, err := loadDetected(text, "")
	return f.meta, err
}

// Unauthenticated returns the *Error that Decrypt would give for what can be seen
// to be unauthenticated without opening the file, or nil.
func Unauthenticated(text string) error {
	f, err := loadDetected(text, "")
	if err != nil {
		return err
	}
	for _, l := range f.leaves {
		if value, isText := l.value.(string); !isText || !isEncrypted(value) || l.clear() || l.hasColon(f.store) {
			if err := unauthenticated(l, f.store); err != nil {
				return err
			}
		}
	}
	return nil
}

// clear reports whether sops leaves the leaf in clear by its name, unless the file
// has other rules. The rules themselves are not asked, since anybody can change
// them: each value tells by itself whether it is encrypted.
func (l leaf) clear() bool {
	for _, key := range l.path {
		if strings.HasSuffix(key, clearSuffix) {
			return true
		}
	}
	return false
}

// decryption is one reading of a file.
type decryption struct {
	values        *valueCipher
	sum           mac
	options       Options
	store         Store
	onlyEncrypted bool
	truthTexts    []leaf // see isTruthText
}

// leaf decrypts one value or comment and adds it to the MAC.
func (d *decryption) leaf(l leaf) (any, error) {
	if l.hasColon(d.store) && !d.options.allows(l) {
		return nil, unauthenticated(l, d.store)
	}
	text, isText := l.value.(string)
	if !isText || !isEncrypted(text) {
		if err := unauthenticated(l, d.store); err != nil && !d.options.allows(l) {
			return nil, err
		}
		if d.options.Strings && !isText && !d.options.unused(l) {
			return nil, &Error{Line: l.line, Key: l.name, Problem: "the value is no text, and all values of such a file are", err: ErrTampered}
		}
		if !l.comment && !d.onlyEncrypted {
			d.sum.add([]byte(plainText(l.value)))
		}
		return l.value, nil
	}
	fail := func(problem string, err error) (any, error) {
		return nil, &Error{Line: l.line, Key: l.name, Problem: problem, err: err}
	}
	decrypted, kind, err := d.values.decrypt(text, strings.Join(l.path, ":")+":")
	plain := string(decrypted)
	switch {
	case err == errValue: //nolint:errorlint // returned as it is
		return fail("the encrypted value is malformed: it was cut off or changed", ErrTampered)
	case err != nil:
		return fail("the value was changed after it was encrypted, or stood under another name, or comes from another version of the file (by a git merge: "+takeOne+")", ErrTampered)
	case (kind == typeComment) != (l.comment || l.inList && isEncryptedComment(text)):
		return fail("a comment stands where a value belongs, or a value where a comment does", ErrTampered)
	case kind == typeComment:
		if strings.Contains(plain, "\n") && !l.block {
			return fail("the comment holds a line break, which would make its rest an entry", nil)
		}
		if l.comment {
			return plain, nil
		}
		return removedComment(plain), nil
	}
	value, ok := typed(plain, kind)
	if !ok || d.options.Strings && kind != typeString && !d.options.unused(l) {
		return fail("the value's type is not the one that it was encrypted with: sops does not authenticate types, and the text would change", ErrTampered)
	}
	if l.clear() && !d.options.allows(l) {
		return nil, unauthenticated(l, d.store)
	}
	if isTruthText(value, d.store) && !d.options.Strings {
		d.truthTexts = append(d.truthTexts, l)
	}
	if changesWithType(value, d.store) && !d.options.Strings && !d.options.AllowUnauthenticated {
		return fail("the value's text depends on its type, which sops does not authenticate: encrypt it as another text, or set what reads it to allow unauthenticated content", ErrUnauthenticated)
	}
	d.sum.add(decrypted)
	return value, nil
}

func (o Options) unused(l leaf) bool { return o.Unused != nil && o.Unused(l.path) }

func (o Options) allows(l leaf) bool { return o.AllowUnauthenticated || o.unused(l) }

// unauthenticated is an error for a leaf in clear: anybody could have put it there,
// or changed what it is called, even where the MAC counts it.
func unauthenticated(l leaf, store Store) error {
	fail := func(problem string) error {
		return &Error{Line: l.line, Key: l.name, Problem: problem, err: ErrUnauthenticated}
	}
	const remedy = ", or set what reads it to allow unauthenticated content"
	switch {
	case l.hasColon(store):
		return fail(problemColon + " and encrypt the file again" + remedy)
	case l.comment && l.value == "":
		return nil
	case store == Binary && l.value == "":
		return nil // the MAC says that it is empty
	case l.comment:
		return fail("a comment is not encrypted, so anybody could have added or changed it: remove it" + remedy)
	case l.value == "" && store == Dotenv:
		return fail(`the value is empty, and sops does not authenticate that: anybody could have emptied or added it; write NAME="" and encrypt it again` + remedy)
	case l.clear():
		return fail("sops stores names that end in _unencrypted in clear, and does not authenticate them by name: rename it and encrypt the file again" + remedy)
	case l.value == "", l.value == nil, l.value == (hollow{}):
		return fail("the value is empty, and sops does not authenticate that: anybody could have emptied or added it; remove it and encrypt the file again" + remedy)
	}
	return fail("the value is not encrypted, and sops does not authenticate such by name: encrypt it" + remedy)
}
