package dotenv_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// canary is hidden, in the form of a name: a reader that took it for one might show
// it.
const canary = "hunter2canary"

// aroundCanary is what the edits of TestNoErrorShowsAValue put into texts. There is no
// "=" that could make a name of the canary.
var aroundCanary = []string{"", "", "\"", "'", "`", "$", "${", "\\", "\n", "\r", "\r\n", " ", "\t", "#", " #", "\x00", "\xff", "\ufeff", "\ufffe", "\u00a0", ";", "~", "(", ":", "é", strings.Repeat("x", 65536)}

// TestNoErrorShowsAValue puts a canary wherever a value, a comment or a line that is
// no entry stands, breaks the text in many ways, and looks for the canary in each
// error of each dialect.
func TestNoErrorShowsAValue(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, rows := range refusals {
		for _, row := range rows {
			texts = append(texts, strings.ReplaceAll(row.text, hidden, canary))
		}
	}
	for _, row := range refusalsForAll {
		texts = append(texts, row.text, strings.ReplaceAll(row.text, hidden, canary))
	}
	broken := brokenTexts()
	texts = append(texts, broken...)
	seen := map[dotenv.Dialect]map[string]bool{}
	for _, dialect := range dotenv.Dialects() {
		seen[dialect] = map[string]bool{}
		check := func(err error, what string) {
			if err == nil {
				return
			}
			for _, piece := range []string{"hunter", "canary"} {
				if strings.Contains(err.Error(), piece) {
					t.Errorf("%s, of %.200q: %.200v", dialect, what, err)
				}
			}
			seen[dialect][problem(err)] = true
		}
		for _, text := range texts {
			check(parseError(dialect, text), text)
		}
		for _, value := range broken {
			check(dialect.CheckValue("K", value), value)
			check(dialect.CheckKey(value), value)
			for _, doc := range []dotenv.Document{document("K", value), document("", value), document(value, "1"), document("K", canary, "K", value)} {
				_, err := doc.Encode(dialect)
				check(err, value)
			}
		}
		t.Logf("%s: %d kinds of errors", dialect, len(seen[dialect]))
		if len(seen[dialect]) < 14 {
			t.Errorf("%s: only %d kinds of errors were seen: %v", dialect, len(seen[dialect]), seen[dialect])
		}
	}
}

// brokenTexts are texts with the canary and one thing wrong, or nothing.
func brokenTexts() []string {
	whole := []string{
		"A=1\nB=" + canary + "\nC=3\n",
		"A=1\nB=\"" + canary + "\"\nC=3\n",
		"A=1\nB='" + canary + "' # " + canary + "\nC=3\n",
		"A=1\nB=\"x\n" + canary + "\n" + canary + " $x\"\nC=3",
		"export A=1\n# " + canary + "\n  B = " + canary + " \n\nC='" + canary,
		canary + "\n#\nA=1\n", // no edit can join it to a name
		"A=1\nA=" + canary,
	}
	rng := rand.New(rand.NewPCG(3, 4))
	broken := whole
	for _, text := range whole {
		for range 200 {
			at := rng.IntN(len(text) + 1)
			end := min(len(text), at+rng.IntN(2))
			broken = append(broken, text[:at]+aroundCanary[rng.IntN(len(aroundCanary))]+text[end:])
		}
	}
	return broken
}

var numbers = regexp.MustCompile(`line \d+`)

// problem is an error without its place.
func problem(err error) string { return numbers.ReplaceAllString(err.Error(), "line N") }
