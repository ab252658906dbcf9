package dotenv_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// inProcess are the dialect's readers that need no program started, so that fuzzing
// is fast. TestNastyValues and TestParseReadsAsTheProgram ask the others.
func inProcess(dialect dotenv.Dialect) []oracle {
	compose := oracle{"compose-go", func(_ *testing.T, text string) (map[string]string, error) { return readAsCompose(text) }}
	switch dialect {
	case dotenv.Compose, dotenv.Portable:
		return []oracle{compose}
	case dotenv.Docker:
		return []oracle{{"kvfile", func(_ *testing.T, text string) (map[string]string, error) { return readAsDocker(text) }}}
	}
	return nil
}

// fuzzParse holds Parse to its oracles: what it accepts they read alike, before and
// after it is written anew. What portable accepts, compose, systemd and shell do.
func fuzzParse(f *testing.F, dialect dotenv.Dialect) {
	seed := func(text string) {
		if len(text) < 1000 { // more makes every run slow
			f.Add(text)
		}
	}
	for _, text := range acceptedTexts[dialect] {
		seed(text)
	}
	for _, row := range refusals[dialect] {
		seed(row.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := dotenv.Parse(secret.New(text), dialect)
		if err != nil {
			return
		}
		if readAsWritten(text, dialect) {
			checkReadBy(t, inProcess(dialect), text, doc)
		}
		checkRoundTrip(t, dialect, doc)
		encoded, err := doc.Encode(dialect)
		if err != nil {
			t.Fatal(err)
		}
		checkReadBy(t, inProcess(dialect), encoded.Reveal(), doc)
		if dialect != dotenv.Portable {
			return
		}
		if strings.Contains(text, "\r\n") {
			return // the CR may be a line's end or a value's; compose refuses where it can be either
		}
		for _, other := range []dotenv.Dialect{dotenv.Compose, dotenv.Systemd, dotenv.Shell} {
			if again, err := dotenv.Parse(secret.New(text), other); err != nil || !again.Equal(doc) {
				t.Fatalf("%s reads %q (%v), want %q", other, reveal(again), err, reveal(doc))
			}
		}
	})
}

func FuzzParseCompose(f *testing.F)  { fuzzParse(f, dotenv.Compose) }
func FuzzParseDocker(f *testing.F)   { fuzzParse(f, dotenv.Docker) }
func FuzzParseSystemd(f *testing.F)  { fuzzParse(f, dotenv.Systemd) }
func FuzzParseShell(f *testing.F)    { fuzzParse(f, dotenv.Shell) }
func FuzzParsePortable(f *testing.F) { fuzzParse(f, dotenv.Portable) }

// FuzzRoundTrip writes any entries and comments in every dialect: what Encode does
// not refuse is read back, and what CheckKey and CheckValue accept it does not
// refuse.
func FuzzRoundTrip(f *testing.F) {
	for i, piece := range pieces {
		f.Add("A", "x"+piece, "a comment"+piece, "B", piece+pieces[(i+1)%len(pieces)])
	}
	f.Add("path", "x", "\\", "path", "y")
	f.Fuzz(func(t *testing.T, key, value, comment, key2, value2 string) {
		for _, dialect := range dotenv.Dialects() {
			doc := document(key, value, "", comment, key2, value2)
			text, err := doc.Encode(dialect)
			if err != nil {
				_, badComment := document("", comment).Encode(dialect)
				if key != key2 && badComment == nil && key != "" && key2 != "" &&
					dialect.CheckKey(key) == nil && dialect.CheckKey(key2) == nil && dialect.CheckValue(key, value) == nil && dialect.CheckValue(key2, value2) == nil {
					t.Errorf("%s refuses what it checked: %v", dialect, err)
				}
				continue
			}
			checkRoundTrip(t, dialect, doc)
			checkReadBy(t, inProcess(dialect), text.Reveal(), doc)
		}
	})
}
