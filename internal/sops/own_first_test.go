package sops

import (
	"slices"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
)

// A key exchange costs most of what a small file is opened in, so the first wrapped keys
// that are tried are those that name an own recipient. None is left out.
func TestOwnFirst(t *testing.T) {
	ids := []agekey.Identity{agekeytest.X25519(t), agekeytest.Hybrid(t), agekeytest.X25519(t)}
	name := func(i int) string { return ids[i].Recipient().String() }
	wrapped := []wrappedKey{{"age1other", "a"}, {name(2), "b"}, {"age1third", "c"}, {name(1), "d"}, {name(2), "e"}}
	if got, want := ownFirst(wrapped, ids), []string{"b", "d", "e", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
