package bundle

import (
	"maps"
	"slices"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Cause says why the value of an entry changes, or may change.
type Cause int

// The causes.
const (
	ValueGiven       Cause = iota // the configuration gives another value
	Added                         // there is no such entry yet
	GeneratedNow                  // it was given so far, and is generated from now on
	GeneratorChanged              // it is generated in another way
	KeepersChanged                // its keepers differ
	ScheduleDue                   // its schedule has come
	NotYetKnown                   // its value, or how it is generated, is known only at apply
	NotCompared                   // the bundle that is there is not opened
)

// IsCertain reports whether the value is another one after the apply for sure.
func (c Cause) IsCertain() bool { return c != NotYetKnown && c != NotCompared }

// Effect is what an apply does to the values of a bundle.
type Effect struct {
	Names      []string // of all entries afterwards, sorted
	NamesKnown bool     // false: there may be other names
	// Changed has the entries whose value changes, or may. The others keep theirs.
	Changed map[string]Cause
	// Reread are the configured entries where another version asks for them. An apply that
	// can't open the bundle takes them as they are, so that a plan can't promise their times.
	Reread []string
}

// Effect tells which values an apply changes. opened is the content that is there, nil
// if it was not opened or not read.
func (r Request) Effect(p Prior, opened *Content) Effect {
	e := Effect{NamesKnown: !r.Generated.NamesUnknown, Changed: map[string]Cause{}}
	names, old := map[string]bool{}, setOf(p.Names)
	if r.CarriesOver(p) {
		generated := r.Generated.Names()
		for _, name := range p.Names {
			names[name] = !generated[name]
		}
	} else {
		given := slices.Concat(r.Content.Document.Keys(), r.Unknown)
		e.NamesKnown = e.NamesKnown && !r.NamesUnknown && !(r.mayCarryOver(p) && !sameNames(given, p.Names, r.Generated.Names()))
		maps.Copy(e.Changed, r.given(p, opened))
		for _, name := range given {
			names[name] = true
		}
		if r.Version.Set {
			e.Reread = given
		}
	}
	for _, name := range slices.Concat(r.Generated.Fresh, r.Generated.Kept) {
		names[name] = true
	}
	for _, name := range r.Generated.Fresh {
		cause := r.Generated.Why[name]
		if cause == Added && old[name] {
			cause = GeneratedNow
		}
		e.Changed[name] = cause
	}
	maps.DeleteFunc(names, func(_ string, there bool) bool { return !there })
	e.Names = slices.Sorted(maps.Keys(names))
	return e
}

// mayCarryOver reports whether the version may turn out to be the one that is there.
func (r Request) mayCarryOver(p Prior) bool { return r.Version.Unknown && p.Version.Set }

// sameNames reports whether the names are those that are there, but for the generated.
func sameNames(given, there []string, generated map[string]bool) bool {
	there = slices.DeleteFunc(slices.Sorted(slices.Values(there)), func(name string) bool { return generated[name] })
	return slices.Equal(slices.Sorted(slices.Values(given)), there)
}

// given are the changes of the configured entries.
func (r Request) given(p Prior, opened *Content) map[string]Cause {
	changed, old, names := map[string]Cause{}, map[string]secret.Text{}, setOf(p.Names)
	if opened != nil {
		old = opened.Document.Entries()
	}
	for name, value := range r.Content.Document.Entries() {
		switch {
		case !names[name]:
			changed[name] = Added
		case opened == nil:
			changed[name] = NotCompared
		default:
			if was, there := old[name]; !there || !was.Equal(value) {
				changed[name] = ValueGiven
			}
		}
	}
	for name, cause := range changed {
		if cause == ValueGiven && r.mayCarryOver(p) {
			changed[name] = NotYetKnown
		}
	}
	for _, name := range r.Unknown {
		if changed[name] = NotYetKnown; !names[name] {
			changed[name] = Added
		}
	}
	return changed
}

// Times are what a plan can say of the times at which values last changed. A name in
// neither has no time, after an import, and gets none.
type Times struct {
	Known map[string]time.Time // of the entries that keep their value
	Open  []string             // the entries that may get a time at apply; sorted
}

// Times tells the times that an apply leaves to the names that are known.
func (e Effect) Times(p Prior) Times {
	times := Times{Known: map[string]time.Time{}}
	reread := setOf(e.Reread)
	for _, name := range e.Names {
		_, changes := e.Changed[name]
		if changes || reread[name] {
			times.Open = append(times.Open, name)
		} else if at, timed := p.ChangedAt[name]; timed {
			times.Known[name] = at
		}
	}
	return times
}
