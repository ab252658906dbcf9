package rotation

import (
	"slices"
	"time"
)

// Generation is one identity of a key, named by its recipient.
type Generation struct {
	Recipient string
	CreatedAt time.Time // zero if that is not known
	RetireAt  time.Time // when its grace period ends; zero for the current one
}

// KeyDue is what of a key is due at a time.
type KeyDue struct {
	Rotation bool     // the current identity has to be replaced
	Retired  []string // the recipients whose grace period has ended
}

// KeyDueAt tells what is due of a key's generations, the current one first. rotateAt is
// zero for a key without a schedule.
func KeyDueAt(generations []Generation, rotateAt, now time.Time) KeyDue {
	due := KeyDue{Rotation: !rotateAt.IsZero() && IsDue(rotateAt, now)}
	for _, g := range generations {
		if !g.RetireAt.IsZero() && IsDue(g.RetireAt, now) {
			due.Retired = append(due.Retired, g.Recipient)
		}
	}
	return due
}

// KeyRequest is what a configuration asks of a key.
type KeyRequest struct {
	GraceDays int64 // how long a rotation keeps the previous identity
	Rewrap    bool  // the wrap has to be encrypted to other operators
}

// KeyChange is what an apply does with a key. Plan and apply both get it from
// DecideKey, so that one can't do what the other does not expect.
type KeyChange struct {
	Rotate  bool         // a new identity becomes the current one
	Kept    []Generation // the generations that stay, in their order
	Retired []Generation // the generations that are taken out of the wrap, in their order
	Wrap    bool         // the identities are wrapped again
	Rewrap  bool         // to other operators

	graceDays int64
}

// DecideKey decides from the generations, the current one first, and from what the last
// refresh found due. A current identity is never retired: it can only be replaced. A
// rotation without a grace period retires it at once.
func DecideKey(generations []Generation, due KeyDue, wanted KeyRequest) KeyChange {
	c := KeyChange{Rotate: due.Rotation, Rewrap: wanted.Rewrap, graceDays: wanted.GraceDays}
	for i, g := range generations {
		current := i == 0
		if current && due.Rotation && wanted.GraceDays <= 0 || !current && slices.Contains(due.Retired, g.Recipient) {
			c.Retired = append(c.Retired, g)
		} else {
			c.Kept = append(c.Kept, g)
		}
	}
	c.Wrap = c.Rotate || len(c.Retired) > 0 || wanted.Rewrap
	return c
}

// Unwraps reports whether identities have to be taken out of the present wrap.
func (c KeyChange) Unwraps() bool { return c.Wrap && len(c.Kept) > 0 }

// GraceEnds reports whether a generation goes because its grace period has ended.
func (c KeyChange) GraceEnds() bool {
	return slices.ContainsFunc(c.Retired, func(g Generation) bool { return !g.RetireAt.IsZero() })
}

// Generations are those of the key after the change, the current one first. fresh is
// the new current one of a rotation, made now; it is not read otherwise.
func (c KeyChange) Generations(fresh Generation) []Generation {
	if !c.Rotate {
		return slices.Clone(c.Kept)
	}
	after := append([]Generation{fresh}, c.Kept...)
	if c.graceDays > 0 && len(c.Kept) > 0 {
		after[1].RetireAt = DueAt(fresh.CreatedAt, c.graceDays)
	}
	return after
}
