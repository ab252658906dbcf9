package provider_test

import (
	"testing"
	"time"
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
