package agekey_test

import (
	"slices"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

func TestOperatorsFrom(t *testing.T) {
	for _, tt := range []struct {
		own, provider, encrypted bool
		want                     agekey.OperatorSource
	}{
		{true, true, true, agekey.OperatorsOfResource},
		{true, false, true, agekey.OperatorsOfResource},
		{true, true, false, agekey.OperatorsOfResource},
		{true, false, false, agekey.OperatorsOfResource},
		{false, true, true, agekey.OperatorsOfProvider},
		{false, true, false, agekey.OperatorsOfProvider},
		{false, false, true, agekey.OperatorsKept},
		{false, false, false, agekey.OperatorsOfIdentities},
	} {
		if got := agekey.OperatorsFrom(agekey.OperatorLists{Resource: tt.own, Provider: tt.provider, Existing: tt.encrypted}); got != tt.want {
			t.Errorf("own %t, provider %t, encrypted %t: source %d, want %d", tt.own, tt.provider, tt.encrypted, got, tt.want)
		}
	}
}

func TestCompare(t *testing.T) {
	var people []agekey.Recipient
	for range 3 {
		id, err := agekey.GenerateX25519()
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, id.Recipient())
	}
	a, b, c := people[0], people[1], people[2]
	for name, tt := range map[string]struct {
		before, after, added, removed []agekey.Recipient
	}{
		"nobody":   {},
		"the same": {before: []agekey.Recipient{a, b}, after: []agekey.Recipient{b, a, a}},
		"added":    {before: []agekey.Recipient{a}, after: []agekey.Recipient{b, a}, added: []agekey.Recipient{b}},
		"removed":  {before: []agekey.Recipient{a, b}, after: []agekey.Recipient{b}, removed: []agekey.Recipient{a}},
		"all":      {before: []agekey.Recipient{a, b}, after: []agekey.Recipient{c}, added: []agekey.Recipient{c}, removed: agekey.Union(people[:2])},
	} {
		got := agekey.Compare(tt.before, tt.after)
		if !slices.Equal(agekey.Texts(got.Added), agekey.Texts(tt.added)) || !slices.Equal(agekey.Texts(got.Removed), agekey.Texts(tt.removed)) {
			t.Errorf("%s: added %v, removed %v", name, got.Added, got.Removed)
		}
		if got.IsEmpty() != (len(tt.added)+len(tt.removed) == 0) {
			t.Errorf("%s: empty is %t", name, got.IsEmpty())
		}
	}
}

func TestWithoutIdentity(t *testing.T) {
	var ids []agekey.Identity
	for range 2 {
		id, err := agekey.GenerateX25519()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	mine, other := ids[0].Recipient().String(), ids[1].Recipient().String()
	for name, tt := range map[string]struct{ recipients, want []string }{
		"none":         {nil, nil},
		"held":         {[]string{mine}, nil},
		"one not held": {[]string{mine, other, other, ""}, []string{other, ""}},
	} {
		if got := agekey.WithoutIdentity(ids[:1], tt.recipients); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
