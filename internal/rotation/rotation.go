// Package rotation knows when keys and values are due to be rotated.
//
//   - rotation.go: schedules in days
//   - key.go: which identities of a key a change keeps, adds and removes
//   - report.go: what is due, by whom it is owned, and how much of it is automated
//   - scope.go: of the report, who can read what is stored, and who may
//
// It reads no clock: whoever calls it says what time it is. Terraform applies a plan
// later than it makes it, so the time must be read where that can't contradict.
package rotation

import "time"

// day is 24 hours: times are in UTC, which knows no other.
const day = 24 * time.Hour

// MaxDays is the longest schedule, about a hundred years.
const MaxDays = 36500

// DueAt is when what was made at some time has to be rotated.
func DueAt(made time.Time, days int64) time.Time {
	return made.Add(time.Duration(days) * day)
}

// IsDue reports whether the time has come.
func IsDue(due, now time.Time) bool { return !now.Before(due) }

// StaysDue reports whether what was found due under a schedule is due under another one
// for certain, without a look at the clock: if that is no longer. A schedule is in days;
// 0 is none, under which nothing is due.
func StaysDue(before, after int64) bool { return after > 0 && after <= before }
