package bundle

import (
	"slices"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// Wanted is the content that a configuration asks for.
type Wanted struct {
	Document dotenv.Document
	// Ordered is whether the order and the comments count: they do for an env
	// text, and not for a map of entries.
	Ordered bool
}

// WantedText is the content that an env text asks for, as far as the format can hold it:
// documents have no comments, and an order counts only where the format keeps one.
func WantedText(doc dotenv.Document, format Format) Wanted {
	if !format.HasText() {
		lines := slices.DeleteFunc(slices.Clone(doc.Lines), dotenv.Line.IsComment)
		doc = dotenv.Document{Lines: lines}
	}
	return Wanted{Document: doc, Ordered: format.keepsOrder()}
}

// Same reports whether a bundle's content is what is wanted already.
func (w Wanted) Same(have Content) bool {
	if w.Ordered {
		return w.Document.Equal(have.Document)
	}
	return w.Document.EqualEntries(have.Document)
}

// ChangedAt tells per name when its value last changed. A name whose value
// differs, or that is new, changed now; the others keep the time that is known,
// if one is. Names that are gone are left out.
func ChangedAt(before map[string]time.Time, old, current dotenv.Document, now time.Time) map[string]time.Time {
	was := old.Entries()
	at := map[string]time.Time{}
	for key, value := range current.Entries() {
		if previous, existed := was[key]; !existed || !previous.Equal(value) {
			at[key] = now
		} else if t, ok := before[key]; ok {
			at[key] = t
		}
	}
	return at
}

// setOf are the names as a set: a bundle may have thousands, and each is looked up.
func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// ChangedAtUnopened is ChangedAt where the old content can't be opened: only names that
// were not there before, and values that were just generated, are known to have changed.
// To call another one changed would tell a responder after a leak that it is safe.
func ChangedAtUnopened(before map[string]time.Time, oldKeys []string, current dotenv.Document, generated []string, now time.Time) map[string]time.Time {
	at := map[string]time.Time{}
	isGenerated, isOld := setOf(generated), setOf(oldKeys)
	for _, key := range current.Keys() {
		if isGenerated[key] || !isOld[key] {
			at[key] = now
		} else if t, ok := before[key]; ok {
			at[key] = t
		}
	}
	return at
}
