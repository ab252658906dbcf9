package vultr

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The kinds of failure, for errors.Is. A call that its context ended is
// context.Canceled or context.DeadlineExceeded instead.
var (
	// ErrNotFound is a 404 in the API's own form. A 404 of any other form, such
	// as a proxy's page, is ErrBadResponse: it must not pass for a script that
	// is gone.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized is a 401 or 403. It says nothing about the script.
	ErrUnauthorized = errors.New("not authorized")
	// ErrRateLimited is a 429 that outlasted the retries.
	ErrRateLimited = errors.New("rate limit exceeded")
	// ErrInvalid is a 400 or another refusal of the request as it is, from the
	// server or, with Status 0, from here before anything was sent.
	ErrInvalid = errors.New("invalid request")
	// ErrUnavailable is a 5xx or a network fault that outlasted the retries.
	ErrUnavailable = errors.New("API unavailable")
	// ErrBadResponse is an answer that is not one of the API's.
	ErrBadResponse = errors.New("unexpected answer")
	// ErrRedirect is a 3xx. It was not followed.
	ErrRedirect = errors.New("redirect refused")
	// ErrOutcomeUnknown is a create whose request went out, whose answer did not
	// come back whole and whose script was looked for and not found: it may exist
	// all the same, or appear. Error.Since says what to look for later, with
	// [Client.FindScripts]. Why is an error of its own that errors.Is finds too:
	// ErrUnavailable, ErrBadResponse or the context's. Test for this kind first.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Error is what every method of a [Client] fails with. Its text holds no key,
// no body and nothing that the server wrote.
type Error struct {
	// Op is create, read, update, delete or list; empty from ValidID.
	Op string
	// Script is the script's ID or, for create, its name; empty for list.
	Script string
	// Status is the HTTP status of the last answer, 0 if there was none.
	Status int
	// Attempts is how many requests were made.
	Attempts int
	// Kind is one of the kinds above, or the context's error.
	Kind error
	// Cause is why the outcome is unknown; nil for all other kinds.
	Cause error
	// Since is when a create whose outcome is unknown began, by the server's clock
	// as far as that is known, and not later.
	Since time.Time

	detail string
	// inDoubt is whether the call may have had an effect, unanswered whether the
	// server may still be at work on it.
	inDoubt, unanswered bool
}

// Error says which call failed, why, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("vultr: ")
	if e.Op != "" {
		b.WriteString(e.Op + " startup script")
		if e.Op == opList {
			b.WriteString("s")
		}
		if e.Script != "" {
			fmt.Fprintf(&b, " %q", e.Script)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Kind.Error() + ": " + e.detail)
	var facts []string
	if e.Status != 0 {
		facts = append(facts, fmt.Sprintf("status %d", e.Status))
	}
	if e.Attempts > 1 {
		facts = append(facts, fmt.Sprintf("%d attempts", e.Attempts))
	}
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	return b.String()
}

// Unwrap gives the kind and the cause to errors.Is.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}
