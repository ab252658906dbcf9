package rotation_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

func in(days int) time.Time { return ago(-days) }

// recipientsOf are the recipients of generations, in their order.
func recipientsOf(generations []rotation.Generation) string {
	texts := []string{}
	for _, g := range generations {
		texts = append(texts, g.Recipient)
	}
	return fmt.Sprint(texts)
}

func TestKeyDueAt(t *testing.T) {
	generations := []rotation.Generation{
		{Recipient: "current", CreatedAt: ago(5)},
		{Recipient: "in grace", CreatedAt: ago(35), RetireAt: now.Add(time.Second)},
		{Recipient: "just ended", CreatedAt: ago(65), RetireAt: now},
		{Recipient: "ended", CreatedAt: ago(95), RetireAt: ago(3)},
	}
	for name, tt := range map[string]struct {
		rotateAt time.Time
		rotation bool
	}{
		"no schedule":      {time.Time{}, false},
		"later":            {now.Add(time.Second), false},
		"due this second":  {now, true},
		"due for some day": {ago(9), true},
	} {
		t.Run(name, func(t *testing.T) {
			due := rotation.KeyDueAt(generations, tt.rotateAt, now)
			if due.Rotation != tt.rotation {
				t.Errorf("rotation is due: %t", due.Rotation)
			}
			if want := []string{"just ended", "ended"}; !slices.Equal(due.Retired, want) {
				t.Errorf("retired are %q, expected %q", due.Retired, want)
			}
		})
	}
}

func TestDecideKey(t *testing.T) {
	one := []rotation.Generation{{Recipient: "A", CreatedAt: ago(30)}}
	three := []rotation.Generation{
		{Recipient: "C", CreatedAt: ago(30)}, {Recipient: "B", CreatedAt: ago(60), RetireAt: in(1)}, {Recipient: "A", CreatedAt: ago(90), RetireAt: ago(1)},
	}
	rotate := rotation.KeyDue{Rotation: true}
	for name, tt := range map[string]struct {
		generations   []rotation.Generation
		due           rotation.KeyDue
		wanted        rotation.KeyRequest
		kept, retired string
		wrap, unwraps bool
		after         string // with a new identity N, if it is rotated
	}{
		"nothing":                    {one, rotation.KeyDue{}, rotation.KeyRequest{}, "[A]", "[]", false, false, "[A]"},
		"other operators":            {three, rotation.KeyDue{}, rotation.KeyRequest{Rewrap: true}, "[C B A]", "[]", true, true, "[C B A]"},
		"rotated, grace":             {one, rotate, rotation.KeyRequest{GraceDays: 7}, "[A]", "[]", true, true, "[N A]"},
		"rotated, no grace":          {one, rotate, rotation.KeyRequest{}, "[]", "[A]", true, false, "[N]"},
		"rotated, earlier stay":      {three, rotate, rotation.KeyRequest{}, "[B A]", "[C]", true, true, "[N B A]"},
		"grace ended":                {three, rotation.KeyDue{Retired: []string{"A"}}, rotation.KeyRequest{GraceDays: 7}, "[C B]", "[A]", true, true, "[C B]"},
		"both at once":               {three, rotation.KeyDue{Rotation: true, Retired: []string{"A"}}, rotation.KeyRequest{GraceDays: 7}, "[C B]", "[A]", true, true, "[N C B]"},
		"nothing of the old stays":   {three, rotation.KeyDue{Rotation: true, Retired: []string{"A", "B"}}, rotation.KeyRequest{Rewrap: true}, "[]", "[C B A]", true, false, "[N]"},
		"the current never retires":  {one, rotation.KeyDue{Retired: []string{"A"}}, rotation.KeyRequest{}, "[A]", "[]", false, false, "[A]"},
		"a stranger's grace is none": {one, rotation.KeyDue{Retired: []string{"X"}}, rotation.KeyRequest{}, "[A]", "[]", false, false, "[A]"},
	} {
		t.Run(name, func(t *testing.T) {
			c := rotation.DecideKey(tt.generations, tt.due, tt.wanted)
			if got := recipientsOf(c.Kept); got != tt.kept {
				t.Errorf("kept are %s, expected %s", got, tt.kept)
			}
			if got := recipientsOf(c.Retired); got != tt.retired {
				t.Errorf("retired are %s, expected %s", got, tt.retired)
			}
			if c.Rotate != tt.due.Rotation || c.Wrap != tt.wrap || c.Unwraps() != tt.unwraps {
				t.Errorf("rotate %t, wrap %t, unwraps %t", c.Rotate, c.Wrap, c.Unwraps())
			}
			after := c.Generations(rotation.Generation{Recipient: "N", CreatedAt: now})
			if got := recipientsOf(after); got != tt.after {
				t.Errorf("afterwards the generations are %s, expected %s", got, tt.after)
			}
			if c.Rotate && len(c.Kept) > 0 && tt.wanted.GraceDays > 0 && !after[1].RetireAt.Equal(in(7)) {
				t.Errorf("the grace period ends at %s", after[1].RetireAt)
			}
		})
	}
}

// Over random histories, in which an apply comes days after its refresh: a recipient is
// never retired before the day that was promised, one identity is current, none is lost,
// and a retired one never comes back.
func TestKeyHistories(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 13))
		at := now
		generations := []rotation.Generation{{Recipient: "0", CreatedAt: at}}
		promised := map[string]time.Time{} // until when a recipient has to be there
		gone := map[string]bool{}
		for step := 1; step < 40; step++ {
			at = at.Add(time.Duration(random.IntN(20*24)) * time.Hour)
			rotateAt := time.Time{}
			if days := random.Int64N(30); days > 0 {
				rotateAt = rotation.DueAt(generations[0].CreatedAt, days)
			}
			due := rotation.KeyDueAt(generations, rotateAt, at) // the refresh
			wanted := rotation.KeyRequest{GraceDays: random.Int64N(40), Rewrap: random.IntN(4) == 0}
			at = at.Add(time.Duration(random.IntN(3*24)) * time.Hour) // a saved plan waits
			applied := rotation.DecideKey(generations, due, wanted)
			before := len(generations)
			generations = applied.Generations(rotation.Generation{Recipient: fmt.Sprint(step), CreatedAt: at})
			if applied.Rotate {
				before++
				if wanted.GraceDays > 0 {
					promised[generations[1].Recipient] = at.AddDate(0, 0, int(wanted.GraceDays))
				}
			}
			for _, g := range applied.Retired {
				gone[g.Recipient] = true
				if at.Before(promised[g.Recipient]) {
					t.Fatalf("seed %d, step %d: %s is retired at %s, and was to stay until %s", seed, step, g.Recipient, at, promised[g.Recipient])
				}
			}
			if len(generations)+len(applied.Retired) != before {
				t.Fatalf("seed %d, step %d: of %d generations, %d stay and %d are retired", seed, step, before, len(generations), len(applied.Retired))
			}
			for i, g := range generations {
				if gone[g.Recipient] || (i == 0) != g.RetireAt.IsZero() {
					t.Fatalf("seed %d, step %d: generation %d is %v", seed, step, i, g)
				}
			}
		}
	}
}
