package dotenv

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// What is checked by hand is checked as these expressions do.
var (
	keyPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	dottedPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	paddedLine    = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_-]*)(==?)(?:["'\\]|[,;&)}\]].*)?$`)
)

func TestHandWrittenChecks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = "Az09_-.=\"'\\,;&)}] \n\r\x00\xff" + "AAaa=="
	matched := 0
	for range 300_000 {
		text := make([]byte, random.IntN(8))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		s := string(text)
		if isKey(s) != keyPattern.MatchString(s) || isDottedKey(s) != dottedPattern.MatchString(s) {
			t.Errorf("%q: a name %t, with dots %t", s, isKey(s), isDottedKey(s))
		}
		match := paddedLine.FindStringSubmatch(s)
		name, padding, ok := cutPadded(s)
		if ok != (match != nil) || ok && (name != match[1] || padding != match[2]) {
			t.Errorf("%q: cut into %q and %q, %t; the expression has %q", s, name, padding, ok, match)
		}
		if ok {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d lines are padded", matched)
	}
}
