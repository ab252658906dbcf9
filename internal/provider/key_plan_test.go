package provider_test

import (
	"maps"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A rotation after which nothing of the old key stays needs no identity: neither for the
// present one, which is given up at once, nor for one whose grace period has ended.
func TestKeyNothingKept(t *testing.T) {
	operator := newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_key")
	arguments := map[string]any{"algorithm": "x25519", "rotation_days": 10, "grace_days": 5}
	for range 2 {
		if diagnostics := c.apply(arguments); coreFailed(diagnostics) {
			t.Fatal(unitText(diagnostics))
		}
		at.days(11)()
	}
	before := c.attribute("recipient")
	c.unitServer = valuesServer(t, at, operator, true)
	if diagnostics := c.apply(map[string]any{"algorithm": "x25519", "rotation_days": 10}); coreFailed(diagnostics) {
		t.Fatal(unitText(diagnostics))
	}
	if c.attribute("recipient") == before {
		t.Error("the key was not rotated")
	}
}

// A state that was altered is found though the same provider opened the wrap before.
func TestKeyTamperedLater(t *testing.T) {
	operator, stranger := newPerson(t), newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_key")
	arguments := map[string]any{"algorithm": "x25519"}
	mustNot(t, c.apply(arguments))
	mustNot(t, c.refresh())
	genuine := map[string]tftypes.Value{}
	if err := c.state.As(&genuine); err != nil {
		t.Fatal(err)
	}
	recipient := tftypes.NewValue(tftypes.String, stranger.recipient)
	for name, value := range map[string]tftypes.Value{
		"recipient":  recipient,
		"recipients": tftypes.NewValue(genuine["recipients"].Type(), []tftypes.Value{genuine["recipient"], recipient}),
	} {
		altered := maps.Clone(genuine)
		altered[name] = value
		_, diagnostics := c.plan(tftypes.NewValue(c.object(), altered), arguments)
		unitExpect(t, diagnostics, "The wrapped identity is another key's", "the state was altered")
	}
	plan, diagnostics := c.plan(c.state, arguments)
	mustNot(t, diagnostics)
	if !plan.empty {
		t.Error("the plan of the genuine state is not empty")
	}
}
