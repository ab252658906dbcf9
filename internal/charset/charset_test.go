package charset_test

import (
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

func TestSet(t *testing.T) {
	set := charset.New(charset.Lower + "_")
	for _, tt := range []struct {
		text   string
		holds  bool
		prefix int
		begins bool
	}{
		{"", true, 0, false},
		{"a_z", true, 3, true},
		{"a1", false, 1, true},
		{"1a", false, 0, false},
		{"a\x00", false, 1, true},
		{"aé", false, 1, true},
		{"a\xff", false, 1, true},
		{"A", false, 0, false},
	} {
		if got := set.Holds(tt.text); got != tt.holds {
			t.Errorf("%q holds: %t", tt.text, got)
		}
		if got := set.Prefix(tt.text); got != tt.prefix {
			t.Errorf("%q: prefix %d, want %d", tt.text, got, tt.prefix)
		}
		if got := set.Begins(tt.text); got != tt.begins {
			t.Errorf("%q begins: %t", tt.text, got)
		}
	}
}
