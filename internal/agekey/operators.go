package agekey

import "slices"

// OperatorSource is the list that the operators of a key or a bundle come from.
type OperatorSource int

// The sources, in order of precedence.
const (
	OperatorsOfResource   OperatorSource = iota // the resource's own list
	OperatorsOfProvider                         // the provider's list
	OperatorsKept                               // those that it was last encrypted to
	OperatorsOfIdentities                       // the recipients of this machine's identities
)

// OperatorLists says which lists of operators there are.
type OperatorLists struct {
	Resource bool // the resource has a list, even an empty one
	Provider bool // the provider has a list, even an empty one
	Existing bool // the key or bundle exists, and so has operators
}

// OperatorsFrom returns the source to use.
//
// A configured list is always followed. Without one, an existing key or bundle keeps
// its operators: two people with the same configuration and different identities must
// not encrypt it back and forth.
func OperatorsFrom(lists OperatorLists) OperatorSource {
	switch {
	case lists.Resource:
		return OperatorsOfResource
	case lists.Provider:
		return OperatorsOfProvider
	case lists.Existing:
		return OperatorsKept
	}
	return OperatorsOfIdentities
}

// Change is the difference between two sets of recipients.
type Change struct {
	Added, Removed []Recipient // sorted by their text
}

// Compare returns the recipients that are in one set only.
func Compare(before, after []Recipient) Change {
	return Change{Added: without(after, before), Removed: without(before, after)}
}

// IsEmpty reports whether the sets are equal.
func (c Change) IsEmpty() bool { return len(c.Added) == 0 && len(c.Removed) == 0 }

func without(all, some []Recipient) []Recipient {
	texts := Texts(some)
	return slices.DeleteFunc(Union(all), func(r Recipient) bool { return slices.Contains(texts, r.text) })
}

// WithoutIdentity returns the recipients, given as text, to which none of the identities
// belongs: each once, in order.
func WithoutIdentity(ids []Identity, recipients []string) (missing []string) {
	known := Texts(Recipients(ids))
	for _, text := range recipients {
		if !slices.Contains(known, text) && !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	return missing
}
