package dotenv_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
)

// What messages and the guide say of readers, as the readers have it.
func TestRemedies(t *testing.T) {
	t.Parallel() // it waits for other programs
	for name, tt := range map[string]struct {
		text, want string
		keep       []dotenvtest.Reader // the others don't
	}{
		"single quotes, name":   {"word=1\nA='pa$word'\n", "pa$word", []dotenvtest.Reader{dotenvtest.Compose, dotenvtest.Node16, dotenvtest.Node, dotenvtest.PHP, dotenvtest.Python, dotenvtest.Ruby}},
		"single quotes, braces": {"word=1\nA='pa${word}'\n", "pa${word}", []dotenvtest.Reader{dotenvtest.Compose, dotenvtest.Node16, dotenvtest.Node, dotenvtest.PHP, dotenvtest.Ruby}},
		"single quotes, two":    {"A='pa$$word'\n", "pa$$word", []dotenvtest.Reader{dotenvtest.Compose, dotenvtest.Node16, dotenvtest.Node, dotenvtest.PHP, dotenvtest.Python, dotenvtest.Ruby}},
		"escaped":               {"word=1\nA=\"pa\\$word\"\n", "pa$word", []dotenvtest.Reader{dotenvtest.Compose, dotenvtest.PHP, dotenvtest.Ruby, dotenvtest.Next}},
		"the last one counts":   {"A=1\nA=2\n", "2", dotenvtest.Readers()},
	} {
		t.Run(name, func(t *testing.T) {
			for _, reader := range dotenvtest.Readers() {
				t.Run(string(reader), func(t *testing.T) {
					got := reader.Read(t, tt.text)["A"]
					if keeps := slices.Contains(tt.keep, reader); keeps != (got == tt.want) {
						t.Errorf("it reads %q, and is said to keep it: %v", got, keeps)
					}
				})
			}
		})
	}
}

var bracesPieces = []string{
	"${A}", "${A}", "${B}", "$A", "$", "$$", "$(x)", "{", "}", "x", " ", "é", "-", ".", "/", "#", " #", "'", `\"`, `\\`, `\n`, "=", "(", "1", "%", "&", ":", "${A:-x}", "`", "!",
}

// TestRandomBraces has phpdotenv read 4,000 random values that Read accepts.
func TestRandomBraces(t *testing.T) {
	t.Parallel() // it waits for other programs
	rng := rand.New(rand.NewPCG(9, 10))
	text := "A=one\nB='$A two'\n"
	count := 0
	for tries := 0; tries < 200000 && count < 4000; tries++ {
		var value strings.Builder
		for range 1 + rng.IntN(7) {
			value.WriteString(bracesPieces[rng.IntN(len(bracesPieces))])
		}
		line := fmt.Sprintf("K%04d=%s\n", count, value.String())
		switch rng.IntN(3) {
		case 0:
			line = fmt.Sprintf("K%04d=\"%s\"\n", count, value.String())
		case 1:
			line = fmt.Sprintf("K%04d='%s'\n", count, value.String())
		}
		if bare := line == fmt.Sprintf("K%04d=%s\n", count, value.String()); bare && strings.ContainsAny(line, " '\"") {
			continue // php refuses a space
		}
		if _, _, err := read("A=one\nB='$A two'\n"+line, dotenv.Braces); err != nil {
			continue
		}
		text += line
		count++
	}
	if count < 4000 {
		t.Fatalf("only %d texts are accepted", count)
	}
	doc, _, err := read(text, dotenv.Braces)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "4,000 values", dotenvtest.PHP.Read(t, text), reveal(doc))
}
