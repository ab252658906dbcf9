package sops

import "github.com/ageenv/terraform-provider-ageenv/internal/secret"

// Leaf is a value or a comment of a file that is not opened.
type Leaf struct {
	Name      string   // keys and list indexes, joined by dots; empty for a comment
	Path      []string // the keys alone
	Clear     secret.Text
	Encrypted bool // Clear is empty then
	IsText    bool // of a value: it is a text, or is encrypted as one
	IsComment bool
	InList    bool
}

// Leaves are what a file holds.
type Leaves struct {
	All       []Leaf // in the file's order
	Documents int    // more than one only in YAML
	// MACOnlyEncrypted is whether the MAC leaves out what is in clear.
	MACOnlyEncrypted bool
}

// ReadLeaves reads what a file shows of its values, without opening it. The store is the
// file's syntax; empty takes what Detect finds.
func ReadLeaves(text string, store Store) (Leaves, error) {
	f, err := loadDetected(text, store)
	if err != nil {
		return Leaves{}, err
	}
	out := Leaves{All: make([]Leaf, len(f.leaves)), Documents: f.documents, MACOnlyEncrypted: f.meta.macOnlyEncrypted}
	for i, l := range f.leaves {
		plain, isText := l.value.(string)
		leaf := Leaf{Name: l.name, Path: l.path, IsText: isText && !l.comment, IsComment: l.comment, InList: l.inList}
		switch {
		case isText && isEncrypted(plain):
			leaf.Encrypted = true
			leaf.IsComment = l.comment || isEncryptedComment(plain)
			p, ok := cutEncrypted(plain)
			leaf.IsText = !leaf.IsComment && ok && p.kind == typeString
		case isText:
			leaf.Clear = secret.New(plain)
		}
		out.All[i] = leaf
	}
	return out, nil
}
