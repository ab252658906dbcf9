package agekey

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// A plugin's recipient is recognised as this expression does.
func TestPluginRecipient(t *testing.T) {
	pattern := regexp.MustCompile(`^age1[A-Za-z0-9+._-]+1[A-Za-z0-9]+$`)
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = "aZ0111+._- \n\xff"
	matched := 0
	for range 300_000 {
		text := make([]byte, random.IntN(8))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		for _, s := range []string{string(text), "age1" + string(text)} {
			got := isPluginRecipient(s)
			if got != pattern.MatchString(s) {
				t.Errorf("%q: got %t", s, got)
			}
			if got {
				matched++
			}
		}
	}
	if matched < 1000 {
		t.Errorf("only %d texts are recipients", matched)
	}
}
