package sops

import (
	"slices"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekeytest"
)

// A key exchange costs most of what a small file is opened in, so the first wrapped key
// that is tried is one that names an own recipient, with that identity. None is left out.
func TestTrials(t *testing.T) {
	ids := []agekey.Identity{agekeytest.X25519(t), agekeytest.Hybrid(t), agekeytest.X25519(t)}
	name := func(i int) string { return ids[i].Recipient().String() }
	wrapped := []wrappedKey{{"age1other", "a"}, {name(2), "b"}, {"age1third", "c"}, {name(1), "d"}, {name(2), "e"}}
	want := []struct {
		enc string
		ids []int
	}{{"b", []int{2, 0, 1}}, {"d", []int{1, 0, 2}}, {"e", []int{2, 0, 1}}, {"a", []int{0, 1, 2}}, {"c", []int{0, 1, 2}}}
	got := trials(wrapped, ids)
	if len(got) != len(want) {
		t.Fatalf("%d trials, want %d", len(got), len(want))
	}
	for i, w := range want {
		recipients := make([]string, len(got[i].ids))
		for j, id := range got[i].ids {
			recipients[j] = id.Recipient().String()
		}
		wanted := make([]string, len(w.ids))
		for j, id := range w.ids {
			wanted[j] = name(id)
		}
		if got[i].enc != w.enc || !slices.Equal(recipients, wanted) {
			t.Errorf("trial %d is of %s with %q, want %s with %q", i, got[i].enc, recipients, w.enc, wanted)
		}
	}
}
