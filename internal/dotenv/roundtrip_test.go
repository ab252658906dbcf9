package dotenv_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// pieces are what values are made of to be hard to quote.
var pieces = []string{
	"", "$", "${", "}", "$(", "$$", `\`, `\\`, `"`, "'", "`", "#", " #", " ", "\t", "\n", "\r", "\r\n", "=", ":=", ":", "~", "*", "?", "[", "]", "{", ",", "!",
	"(", ")", "<", ">", "&", "|", ";", "^", "%", "@", "+", "-", ".", "/", `\n`, `\0`, `\c`, `\$`, `\'`, "export ", "\u00a0", "\u0085", "\u2028", "\ufeff", "\ufffd",
	"é", "🔑", "\x01", "\x1b", "\x7f", "\v", "A", "z", "7", "sops", "ENC[", "HOME", "true",
}

// nasty returns the pieces, each pair of them and as many random values.
func nasty(random int) []string {
	values := append([]string{}, pieces...)
	for _, a := range pieces[1:] {
		for _, b := range pieces[1:] {
			values = append(values, a+b)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range random {
		var value strings.Builder
		for range 3 + rng.IntN(8) {
			value.WriteString(pieces[rng.IntN(len(pieces))])
		}
		values = append(values, value.String())
	}
	return values
}

// holds returns the values that the dialect can hold.
func (tt dialectTest) holds(values []string) []string {
	var held []string
	for _, value := range values {
		if tt.dialect.CheckValue("K", value) == nil {
			held = append(held, value)
		}
	}
	return held
}

type dialectTest struct{ dialect dotenv.Dialect }

func TestNastyValuesRoundTrip(t *testing.T) {
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			for i, value := range (dialectTest{dialect}).holds(nasty(4000)) {
				doc := document(fmt.Sprintf("K%d", i), value)
				text, err := doc.Encode(dialect)
				if err != nil {
					t.Fatal(err)
				}
				again, err := dotenv.Parse(text, dialect)
				if err != nil || !again.Equal(doc) {
					t.Fatalf("%q is written %q and read %q (%v)", value, text.Reveal(), reveal(again), err)
				}
			}
		})
	}
}
