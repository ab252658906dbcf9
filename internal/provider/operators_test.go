package provider_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// operatorHistory is a key or a bundle whose operators change at random. The test says
// by itself who they should be.
type operatorHistory struct {
	t        *testing.T
	random   *rand.Rand
	people   []person
	env      map[string]string
	resource string
	argument string         // its own list
	fixed    map[string]any // the other arguments
	opens    func(c *core, p person) error
}

// some is a random list of people that is not empty, or nil for no list.
func (h *operatorHistory) some() (texts []string) {
	if h.random.IntN(2) == 0 {
		return nil
	}
	for _, i := range h.random.Perm(len(h.people))[:1+h.random.IntN(len(h.people))] {
		texts = append(texts, h.people[i].recipient)
	}
	return texts
}

func (h *operatorHistory) run() {
	all := slices.Collect(func(yield func(string) bool) {
		for _, p := range h.people {
			if !yield(p.recipient) {
				return
			}
		}
	})
	var c *core
	var wanted []string
	removed := false
	for step := range 25 {
		u := newUnitServer(h.t, h.env)
		own, provider := h.some(), h.some()
		configuration, arguments := map[string]any{}, maps.Clone(h.fixed)
		before := wanted
		switch {
		case own != nil:
			wanted = own
		case provider != nil:
			wanted = provider
		case wanted == nil:
			wanted = all
		}
		if own != nil {
			arguments[h.argument] = own
		}
		if provider != nil {
			configuration["escrow_recipients"] = provider
		}
		if diagnostics := u.configure("1.11.0", configuration); len(diagnostics) > 0 {
			h.t.Fatal(unitText(diagnostics))
		}
		if c == nil {
			c = newCore(u, h.resource)
		}
		c.unitServer = u
		if diagnostics := c.apply(arguments); coreFailed(diagnostics) {
			h.t.Fatalf("step %d: %s", step, unitText(diagnostics))
		}
		for _, p := range h.people {
			err := h.opens(c, p)
			if slices.Contains(wanted, p.recipient) != (err == nil) || err != nil && !errors.Is(err, agekey.ErrNoMatch) {
				h.t.Fatalf("step %d: own %v, provider %v: to %s it opens with %v", step, own, provider, p.recipient, err)
			}
		}
		for _, text := range before {
			removed = removed || !slices.Contains(wanted, text)
		}
		if at := c.attribute("operator_removed_at"); (at != "") != removed {
			h.t.Fatalf("step %d: operator_removed_at is %q, and somebody was removed: %t", step, at, removed)
		}
		if diagnostics := c.refresh(); len(diagnostics) > 0 {
			h.t.Fatal(unitText(diagnostics))
		}
		if plan, diagnostics := c.plan(c.state, arguments); !plan.empty {
			h.t.Fatalf("step %d: the second plan is not empty: %s", step, unitText(diagnostics))
		}
	}
}

// Whatever was configured before, the operators are those of the first list that is
// configured, what was planned comes true, and a second plan is empty.
func TestOperatorHistories(t *testing.T) {
	for name, start := range map[string]operatorHistory{
		"key": {
			resource: "ageenv_key", argument: "escrow_recipients", fixed: map[string]any{"algorithm": "x25519"},
			opens: func(c *core, p person) error {
				_, err := agekey.Unwrap(c.attribute("wrapped_identity"), p.identities(c.t))
				return err
			},
		},
		"bundle": {
			resource: "ageenv_bundle", argument: "operator_recipients",
			fixed: map[string]any{"entries_wo": map[string]string{"TOKEN": "x"}, "recipients": []string{newPerson(t).recipient}, "format": "sops_dotenv", "dialect": "compose"},
			opens: func(c *core, p person) error {
				_, err := openText(c.attribute("ciphertext"), p.identities(c.t))
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(4) {
				h := start
				h.t, h.random, h.env = t, rand.New(rand.NewPCG(seed, 13)), map[string]string{}
				for range 3 {
					p := newPerson(t)
					h.people = append(h.people, p)
					h.env["SOPS_AGE_KEY"] += p.identity + " "
				}
				h.run()
			}
		})
	}
}
