package dotenv_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// pieces are what values are made of to be hard to quote.
var pieces = []string{
	"$", "${", "}", "$(", "$$", `\`, `\\`, `"`, "'", "`", "#", " #", " ", "\t", "\n", "\r", "\r\n", "=", ":=", ":", "~", "*", "?", "[", "]", "{", ",", "!",
	"(", ")", "<", ">", "&", "|", ";", "^", "%", "@", "+", "-", ".", "/", `\n`, `\0`, `\c`, `\$`, `\'`, "export ", "\u00a0", "\u0085", "\u2028", "\ufeff", "\ufffd",
	"é", "🔑", "\x01", "\x1b", "\x7f", "\v", "\x81", "\xe3", "\ufdd0", "\x00", "A", "z", "7", "sops", "ENC[", "HOME", "true",
}

// nasty returns nothing, the pieces, each pair of them and some random values.
func nasty(count int) []string {
	values := append([]string{"", strings.Repeat("x", 65529), strings.Repeat("x", 65530)}, pieces...)
	for _, a := range pieces {
		for _, b := range pieces {
			values = append(values, a+b)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range count {
		values = append(values, random(rng, 3+rng.IntN(8), pieces))
	}
	return values
}

// random joins pieces.
func random(rng *rand.Rand, length int, pieces []string) string {
	var value strings.Builder
	for range length {
		value.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return value.String()
}

// nastyComments are texts of comments that end or begin in what a reader could
// take for more than a comment.
var nastyComments = []string{"", " a comment", `\`, `\\`, `\\\`, " it's", ` "`, " `", " $(", "!/bin/sh", "A=1", ";", "\u00a0", "\t\\", "\x01", "é", "#"}

// TestNastyValues writes nasty and random values, as many in a text as a process can
// take, and has the dialect's readers and ours read them back.
func TestNastyValues(t *testing.T) {
	t.Parallel() // it waits for other programs
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			values := slices.DeleteFunc(nasty(4000), func(value string) bool { return dialect.CheckValue("K0000", value) != nil })
			comments := slices.DeleteFunc(slices.Clone(nastyComments), func(text string) bool {
				_, err := document("", text).Encode(dialect)
				return err != nil
			})
			if len(values) < 4000 || len(comments) < 14 {
				t.Fatalf("only %d values and %d comments can be held", len(values), len(comments))
			}
			readers := oracles(t, dialect)
			for chunk := range slices.Chunk(values, 1500) {
				var doc dotenv.Document
				for i, value := range chunk {
					doc.Lines = append(doc.Lines, document("", comments[i%len(comments)], fmt.Sprintf("K%04d", i), value).Lines...)
				}
				checkRoundTrip(t, dialect, doc)
				text, err := doc.Encode(dialect)
				if err != nil {
					t.Fatal(err)
				}
				checkReadBy(t, readers, text.Reveal(), doc)
			}
			t.Logf("%d values", len(values))
		})
	}
}

// checkRoundTrip writes the document, reads it, and writes it again.
func checkRoundTrip(t *testing.T, dialect dotenv.Dialect, doc dotenv.Document) {
	t.Helper()
	text, err := doc.Encode(dialect)
	if err != nil {
		t.Fatal(err)
	}
	again, err := dotenv.Parse(text, dialect)
	if err != nil || !again.Equal(doc) {
		t.Fatalf("%q is read back as %q (%v), want %q", text.Reveal(), reveal(again), err, reveal(doc))
	}
	if second, err := again.Encode(dialect); err != nil || !second.Equal(text) {
		t.Fatalf("%q is then written %q (%v)", text.Reveal(), second.Reveal(), err)
	}
}
