package bundle

import (
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// Action says what an apply does with a bundle that exists.
type Action int

// The actions, by how much they change.
const (
	Keep      Action = iota // the ciphertext stays
	Reencrypt               // the same content is encrypted again
	Rewrite                 // other content is encrypted
)

// Version is a content_version. The zero value is none.
type Version struct {
	Set     bool
	Unknown bool // it is set, and its text is not known yet
	Text    string
}

// Prior is a bundle as it was last encrypted.
type Prior struct {
	Params  Params
	Version Version
	Weak    bool // sops does not authenticate all of it

	Names     []string             // of its entries, sorted
	ChangedAt map[string]time.Time // when a value last changed; names for which that is not known are left out
}

// Request is what a configuration asks of a bundle. What is not known yet may turn out
// to be anything: a plan decides with it as if it changed.
type Request struct {
	Params          Params // a format, a dialect or readers that are not known are empty
	RecipientsKnown bool
	Content         Wanted
	Configured      bool     // some content is configured; otherwise the content is unmanaged
	ContentKnown    bool     // all of it; otherwise Content has what is known
	Unknown         []string // entries whose value is not known yet
	NamesUnknown    bool     // there may be further entries
	Version         Version
	Generated       Generated
}

// CarriesOver reports whether the content that is there stays, whatever is configured.
func (r Request) CarriesOver(p Prior) bool {
	return !r.Configured || r.Version.Set && r.Version == p.Version
}

// sealedAlike reports whether the ciphertext that is there is what encrypting its
// content for the request would give. One of which sops does not authenticate all
// never is.
func (r Request) sealedAlike(p Prior) bool {
	return r.RecipientsKnown && agekey.Compare(p.Params.Recipients, r.Params.Recipients).IsEmpty() &&
		r.Params.Format == p.Params.Format && (r.Params.sameReaders(p.Params) || !p.Params.Format.HasText()) &&
		r.Params.Kubernetes.Equal(p.Params.Kubernetes) && !p.Weak
}

// Opening says whether the bundle that is there has to be opened before Decide.
type Opening int

// How much depends on it.
const (
	NotOpened Opening = iota // nothing
	MayOpen                  // a new version rewrites the content even where it can't be opened
	MustOpen                 // the content is compared, or carried over
)

// Opening is decided before anything is opened, so that no identity is loaded in vain.
func (r Request) Opening(p Prior) Opening {
	carries := r.CarriesOver(p)
	switch {
	case carries && r.sealedAlike(p) && !r.Generated.Changes():
		return NotOpened
	case carries, r.Compares(p), len(r.Generated.Kept) > 0:
		return MustOpen
	}
	return MayOpen
}

// Compares reports whether the two contents alone decide whether the content changes.
func (r Request) Compares(p Prior) bool { return !r.CarriesOver(p) && !r.Version.Set }

// Reads reports whether the opened text has to be read as entries. Text that is only
// carried over is not: it may be what no dialect reads.
func (r Request) Reads(p Prior) bool { return !r.CarriesOver(p) || r.Generated.Changes() }

// Decide decides what an apply does. opened is the content that is there, nil if it was
// not opened or not read. Plan and apply both ask it: a plan that lacks nothing decides
// as its apply does, and one that lacks something never decides on less.
func (r Request) Decide(p Prior, opened *Content) Action {
	switch {
	case r.Generated.Changes(), !r.CarriesOver(p) && !r.sameContent(opened):
		return Rewrite
	case !r.sealedAlike(p):
		return Reencrypt
	}
	return Keep
}

// sameContent reports whether the given part of the content is known to be the same.
func (r Request) sameContent(opened *Content) bool {
	return opened != nil && r.ContentKnown && r.Content.Same(Content{Document: opened.Document.Without(r.Generated.Names())})
}
