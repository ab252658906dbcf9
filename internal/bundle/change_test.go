package bundle_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

func TestWantedSame(t *testing.T) {
	const have = "# note\nB=2\nA=1\n"
	for name, tt := range map[string]struct {
		wanted  string
		ordered bool
		same    bool
	}{
		"as it is":                         {have, true, true},
		"otherwise quoted":                 {"# note\nB='2'\n\nA=\"1\"\n", true, true},
		"another comment, ordered":         {"# other\nB=2\nA=1\n", true, false},
		"another order, ordered":           {"# note\nA=1\nB=2\n", true, false},
		"another order and no comment":     {"A=1\nB=2\n", false, true},
		"another value":                    {"A=1\nB=3\n", false, false},
		"a value moved to another name":    {"A=2\nB=1\n", false, false},
		"a name more":                      {"A=1\nB=2\nC=\n", false, false},
		"a name less":                      {"A=1\n", false, false},
		"nothing at all is not what it is": {"", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := bundle.Wanted{Document: parsed(t, tt.wanted), Ordered: tt.ordered}
			if got := wanted.Same(bundle.Content{Document: parsed(t, have)}); got != tt.same {
				t.Errorf("got %v, want %v", got, tt.same)
			}
		})
	}
}

// The order of an env text counts where the format keeps it, and its comments where the
// format has any.
func TestWantedText(t *testing.T) {
	for _, format := range bundle.Formats() {
		comments := format.HasText()
		order := comments || format == bundle.SOPSYAML || format == bundle.SOPSJSON
		wanted := bundle.WantedText(parsed(t, "# note\nB=2\nA=1\n"), format)
		for text, same := range map[string]bool{
			"# note\nB=2\nA=1\n": comments || !order,
			"B=2\nA=1\n":         !comments,
			"A=1\nB=2\n":         !order,
			"B=2\n":              false,
		} {
			// What is read of a format without comments has none.
			if strings.HasPrefix(text, "#") && !comments {
				continue
			}
			if got := wanted.Same(bundle.Content{Document: parsed(t, text)}); got != same {
				t.Errorf("%s, %q: got %v, want %v", format, text, got, same)
			}
		}
	}
}

var (
	long  = now.Add(-time.Hour)
	times = map[string]time.Time{"A": long, "B": long, "GONE": long}
)

func TestChangedAt(t *testing.T) {
	for name, tt := range map[string]struct {
		before       map[string]time.Time
		old, current string
		want         map[string]time.Time
	}{
		"nothing changed":      {times, "A=1\nB=2\n", "B=2\nA=1\n", map[string]time.Time{"A": long, "B": long}},
		"one value changed":    {times, "A=1\nB=2\n", "A=1\nB=3\n", map[string]time.Time{"A": long, "B": now}},
		"a name is new":        {times, "A=1\n", "A=1\nC=1\n", map[string]time.Time{"A": long, "C": now}},
		"a name is gone":       {times, "A=1\nGONE=1\n", "A=1\n", map[string]time.Time{"A": long}},
		"gone and back":        {times, "A=1\n", "A=1\nGONE=1\n", map[string]time.Time{"A": long, "GONE": now}},
		"emptied":              {times, "A=1\n", "A=\n", map[string]time.Time{"A": now}},
		"after an import":      {nil, "A=1\nB=2\n", "A=1\nB=3\n", map[string]time.Time{"B": now}},
		"a comment is no name": {times, "A=1\n", "# B=2\nA=1\n", map[string]time.Time{"A": long}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bundle.ChangedAt(tt.before, parsed(t, tt.old), parsed(t, tt.current), now); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestChangedAtUnopened(t *testing.T) {
	for name, tt := range map[string]struct {
		before    map[string]time.Time
		oldKeys   []string
		current   string
		generated []string
		want      map[string]time.Time
	}{
		"nothing is known to have changed": {times, []string{"A", "B"}, "A=other\nB=2\n", nil, map[string]time.Time{"A": long, "B": long}},
		"a name is new":                    {times, []string{"A"}, "A=1\nC=1\n", nil, map[string]time.Time{"A": long, "C": now}},
		"a name is gone":                   {times, []string{"A", "GONE"}, "A=1\n", nil, map[string]time.Time{"A": long}},
		"after an import":                  {nil, []string{"A"}, "A=1\nC=1\n", nil, map[string]time.Time{"C": now}},
		"a value was generated again":      {times, []string{"A", "B"}, "A=1\nB=2\n", []string{"B"}, map[string]time.Time{"A": long, "B": now}},
		"a new bundle":                     {nil, nil, "A=1\nB=2\n", nil, map[string]time.Time{"A": now, "B": now}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bundle.ChangedAtUnopened(tt.before, tt.oldKeys, parsed(t, tt.current), tt.generated, now); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
