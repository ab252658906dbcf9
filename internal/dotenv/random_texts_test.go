package dotenv_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// syntax is what the texts of values are made of.
var syntax = []string{
	`"`, `"`, `'`, `'`, `\`, `\\`, `\"`, `\'`, `\$`, "\\`", `\n`, `\t`, "\\\n", "\n", "\r", " ", "\t", " #", "#", "$", "$$", "$1", "`", "=", ":=", "~", "!", ";", "(", "{a,b}", "*",
	"A", "7", "é", "\u00a0", "\v", "x y", `"x y"`, `'x y'`, `"\$"`, `'$'`, `"\\"`, "\"\n\"", "'\n'", `""`, `''`, "-", "/",
}

// readAsWritten reports whether a dialect's reader is to read a text as Parse does.
// Shells make the CR of a CR LF part of the value, and systemd knows no byte order
// mark: Parse reads what the writer meant, and warns.
func readAsWritten(text string, dialect dotenv.Dialect) bool {
	_, warnings, _ := dotenv.Read(secret.New(text), dotenv.Options{Dialect: dialect})
	for _, w := range warnings {
		switch {
		case strings.Contains(w.Text, "UTF-16"), strings.Contains(w.Text, "inside quotes too"):
			return false
		case strings.Contains(w.Text, "CR LF"), strings.Contains(w.Text, "byte order mark, which"):
			return dialect == dotenv.Compose || dialect == dotenv.Docker
		}
	}
	return true
}

// TestRandomTextsReadAlike writes random texts after NAME= and has the dialect's
// readers read those that Parse accepts: it may refuse what they read, and never
// read anything else.
func TestRandomTextsReadAlike(t *testing.T) {
	t.Parallel() // it waits for other programs
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			readers := oracles(t, dialect)
			rng := rand.New(rand.NewPCG(5, 6))
			var accepted []string
			for tries := 0; tries < 60000 && len(accepted) < 4000; tries++ {
				var text strings.Builder
				fmt.Fprintf(&text, "K%04d=", len(accepted))
				for range 1 + rng.IntN(6) {
					text.WriteString(syntax[rng.IntN(len(syntax))])
				}
				text.WriteString("\n")
				// With a line that ends in LF, so that a CR LF means the same in the whole text.
				if doc, err := dotenv.Parse(secret.New(text.String()+"Z=1\n"), dialect); err == nil && len(doc.Lines) == 2 && readAsWritten(text.String(), dialect) {
					accepted = append(accepted, text.String())
				}
			}
			t.Logf("%d texts", len(accepted))
			if len(accepted) < 2000 {
				t.Fatalf("only %d texts are accepted", len(accepted))
			}
			for chunk := range slices.Chunk(accepted, 1500) {
				text := strings.Join(chunk, "")
				doc, err := dotenv.Parse(secret.New(text), dialect)
				if err != nil {
					t.Fatal(err)
				}
				checkReadBy(t, readers, text, doc)
				checkRoundTrip(t, dialect, doc)
			}
		})
	}
}
