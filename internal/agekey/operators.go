package agekey

import "slices"

// OperatorSource says where the operators of a key or a bundle are named.
type OperatorSource int

// The sources, in order of precedence.
const (
	OperatorsOfResource   OperatorSource = iota // a list of its own
	OperatorsOfProvider                         // the provider's list
	OperatorsKept                               // those that it was last encrypted to
	OperatorsOfIdentities                       // the recipients of this machine's identities
)

// OperatorsFrom returns the source to use. own and provider report whether that list
// is configured, an empty one too. encrypted reports whether the key or bundle exists.
//
// A configured list is always followed. Without one, an existing key or bundle keeps
// its operators: two people with the same configuration and different identities must
// not encrypt it back and forth.
func OperatorsFrom(own, provider, encrypted bool) OperatorSource {
	switch {
	case own:
		return OperatorsOfResource
	case provider:
		return OperatorsOfProvider
	case encrypted:
		return OperatorsKept
	}
	return OperatorsOfIdentities
}

// Change is the difference between two sets of recipients.
type Change struct {
	Added, Removed []Recipient // sorted by their text
}

// Compare returns what is in one set only.
func Compare(before, after []Recipient) Change {
	return Change{Added: without(after, before), Removed: without(before, after)}
}

// IsEmpty reports whether the sets are equal.
func (c Change) IsEmpty() bool { return len(c.Added) == 0 && len(c.Removed) == 0 }

func without(all, some []Recipient) []Recipient {
	texts := Texts(some)
	return slices.DeleteFunc(Union(all), func(r Recipient) bool { return slices.Contains(texts, r.text) })
}

// NotHeld returns those of the recipients, given as text, that none of the identities
// belongs to: each once, in order.
func NotHeld(ids []Identity, recipients []string) (missing []string) {
	held := Texts(Recipients(ids))
	for _, text := range recipients {
		if !slices.Contains(held, text) && !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	return missing
}
