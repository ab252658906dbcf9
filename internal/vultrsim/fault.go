package vultrsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Op is one of the API's calls.
type Op string

// The calls that a [Rule] can name.
const (
	OpCreate Op = "create"
	OpRead   Op = "read"
	OpUpdate Op = "update"
	OpDelete Op = "delete"
	OpList   Op = "list"
)

// Fault is one thing that goes wrong with a call. Its name is the request log's.
//
// A fault strikes before the call has had its effect, so that the call has none,
// unless it says otherwise; see [Fault.AfterEffect].
type Fault struct {
	name   string
	effect bool
	delay  time.Duration // before everything else
	hide   time.Duration // how long the script that a create makes is not to be seen
	cut    cut
	// answer replaces the answer, or is nil. What it gets is the API's own, and is
	// empty if the call had no effect.
	answer func(reply) reply
}

// cut is how much of an answer is lost with its connection.
type cut int

const (
	cutNothing cut = iota
	cutAll
	cutHalf // of the body; of an answer without a body, all
)

// String is the fault's name.
func (f Fault) String() string { return f.name }

// AfterEffect is f, struck after the call has had its effect.
func (f Fault) AfterEffect() Fault {
	if !f.effect {
		f.effect, f.name = true, f.name+" after the effect"
	}
	return f
}

// RateLimited is a 429, with a Retry-After unless that is empty.
func RateLimited(retryAfter string) Fault {
	f := Refused(http.StatusTooManyRequests)
	if retryAfter == "" {
		return f
	}
	f.name += ", Retry-After: " + retryAfter
	plain := f.answer
	f.answer = func(own reply) reply {
		r := plain(own)
		r.header.Set("Retry-After", retryAfter)
		return r
	}
	return f
}

// Refused is an error of the API with this status.
func Refused(status int) Fault {
	return Fault{name: strconv.Itoa(status), answer: func(reply) reply {
		text := http.StatusText(status)
		switch status {
		case http.StatusTooManyRequests:
			text = rateLimitText
		case http.StatusUnauthorized:
			text = keyText
		}
		r := newReply()
		writeError(r, status, text)
		return *r
	}}
}

// EmptyBody is the right status with nothing behind it, after the effect. An
// answer that has no body anyway is unharmed.
func EmptyBody() Fault {
	return Fault{name: "empty body", effect: true, answer: func(own reply) reply {
		own.body = nil
		return own
	}}
}

// HTML is a portal's page with status 200, which never reached the API.
func HTML() Fault {
	return Fault{name: "HTML", answer: func(reply) reply {
		r := newReply()
		r.header.Set("Content-Type", "text/html; charset=utf-8")
		r.status, r.body = http.StatusOK, []byte("<!doctype html><title>Sign in</title>\n")
		return *r
	}}
}

// WrongType is the right answer announced as text/html, after the effect. An
// answer without a body is unharmed.
func WrongType() Fault {
	return Fault{name: "wrong content type", effect: true, answer: func(own reply) reply {
		if len(own.body) > 0 {
			own.header.Set("Content-Type", "text/html")
		}
		return own
	}}
}

// Cut is a connection that ends before the answer. AfterEffect makes it one that
// loses the answer only.
func Cut() Fault { return Fault{name: "cut", cut: cutAll} }

// CutInBody is a connection that ends within the answer, after the effect.
func CutInBody() Fault { return Fault{name: "cut in the body", effect: true, cut: cutHalf} }

// Slow is the right answer, and the effect, after a while, even if the caller has
// gone by then: a server does not notice that.
func Slow(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("slow by %s", d), effect: true, delay: d}
}

// SlowCut is Slow with a connection that ends at once: the effect comes late.
func SlowCut(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("cut, effect after %s", d), effect: true, delay: d, cut: cutAll}
}

// Redirect is a 307 to a URL.
func Redirect(to string) Fault {
	return Fault{name: "redirect", answer: func(reply) reply {
		r := newReply()
		r.header.Set("Location", to)
		r.status = http.StatusTemporaryRedirect
		return *r
	}}
}

// Hidden lets a create succeed and hides what it made for a while from reads,
// updates, deletes and lists: eventual consistency. Other calls are unharmed.
func Hidden(d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("hidden for %s", d), effect: true, hide: d}
}

// Hiding is f with what [Hidden] does.
func (f Fault) Hiding(d time.Duration) Fault {
	f.hide, f.name = d, fmt.Sprintf("%s, hidden for %s", f.name, d)
	return f
}

// Kinds has a fault of every kind that there is, and those that hide what a lost
// answer was about. Delays are of a few seconds, and none outlasts a client's
// timeout.
func Kinds() []Fault {
	return []Fault{
		RateLimited(""),
		RateLimited("2"),
		Refused(http.StatusInternalServerError),
		Refused(http.StatusInternalServerError).AfterEffect(),
		Refused(http.StatusServiceUnavailable),
		Refused(http.StatusServiceUnavailable).AfterEffect(),
		Refused(http.StatusUnauthorized),
		EmptyBody(),
		HTML(),
		WrongType(),
		Cut(),
		Cut().AfterEffect(),
		CutInBody(),
		Slow(3 * time.Second),
		SlowCut(2 * time.Second),
		Redirect("http://127.0.0.1:1/"),
		Hidden(3 * time.Second),
		Cut().AfterEffect().Hiding(3 * time.Second),
	}
}

// Rule says which calls go wrong, and how.
type Rule struct {
	// Ops are the calls that the rule is for; none are all.
	Ops []Op
	// After lets so many of them pass first.
	After int
	// Times is how often the rule strikes; 0 is for ever.
	Times int
	// Chance strikes a call with this probability, above 0 and below 1; 0 strikes all.
	Chance float64
	// Faults has one that always strikes, or several of which each stroke takes one
	// by chance.
	Faults []Fault
}

// ruleState is a rule in force.
type ruleState struct {
	Rule
	seen, struck int
}

// SetRules replaces the rules; without arguments nothing goes wrong any more. Of
// several rules for a call the first that strikes counts.
func (s *Server) SetRules(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	for _, r := range rules {
		if len(r.Faults) == 0 || r.Chance < 0 || r.Chance >= 1 || r.After < 0 || r.Times < 0 {
			panic("vultrsim: a Rule has no faults, or a number that is out of range")
		}
		s.rules = append(s.rules, &ruleState{Rule: r})
	}
}

// strike returns the fault of a call, and whether there is one.
func (s *Server) strike(op Op) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if len(r.Ops) > 0 && !slices.Contains(r.Ops, op) {
			continue
		}
		if r.seen++; r.seen <= r.After || r.Times > 0 && r.struck >= r.Times {
			continue
		}
		if r.Chance > 0 && s.chance.Float64() >= r.Chance {
			continue
		}
		r.struck++
		return r.Faults[s.chance.IntN(len(r.Faults))], true
	}
	return Fault{}, false
}

// Struck is how often the rules in force have struck.
func (s *Server) Struck() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		n += r.struck
	}
	return n
}

// newChance is what decides in rules; the same seed decides the same.
func newChance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) } //nolint:gosec // chooses faults, guards nothing

type stopKey struct{}

// pause waits, until the server is stopped.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	stopped, _ := ctx.Value(stopKey{}).(<-chan struct{})
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stopped: // nil for a call without a network: never
	}
}
