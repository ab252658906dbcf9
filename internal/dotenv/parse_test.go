package dotenv_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// acceptedTexts are read, by name, as the dialect's readers read them.
var acceptedTexts = map[dotenv.Dialect]map[string]string{
	dotenv.Compose: composeTexts, dotenv.Docker: dockerTexts, dotenv.Systemd: systemdTexts,
	dotenv.Shell: shellTexts, dotenv.Portable: portableTexts,
}

// textsForAll are those that every dialect accepts.
var textsForAll = map[string]string{
	"empty text":         "",
	"no final newline":   "A=1",
	"blank and comments": "\n  \t\n# one\n\t# two\nA=1\n#three",
	"blanks before":      "  A=1\n\tB=2\n",
	"empty value":        "A=\nB=2\n",
	"no comment's end":   "A=1\n#",
	"plain":              "A=a/b:c@1,2^d=%+-_.\n",
}

// TestParseReadsAsTheProgram compares each accepted text with the dialect's readers,
// before and after a round trip.
func TestParseReadsAsTheProgram(t *testing.T) {
	t.Parallel() // it waits for other programs
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			readers := oracles(t, dialect)
			texts := maps.Clone(acceptedTexts[dialect])
			maps.Copy(texts, textsForAll)
			for name, text := range texts {
				t.Run(name, func(t *testing.T) {
					doc, err := dotenv.Parse(secret.New(text), dialect)
					if err != nil {
						t.Fatal(err)
					}
					checkReadBy(t, readers, text, doc)
					checkRoundTrip(t, dialect, doc)
				})
			}
		})
	}
}

func reveal(doc dotenv.Document) map[string]string {
	out := map[string]string{}
	for key, value := range doc.Entries() {
		out[key] = value.Reveal()
	}
	return out
}

// hidden is in values, and must be in no message.
const hidden = "hunter2-canary"

// refusal is a text, and where and why it is refused.
type refusal struct {
	text string
	line int
	key  string
	want string // in the message
}

var refusals = map[dotenv.Dialect]map[string]refusal{
	dotenv.Compose: composeRefusals, dotenv.Docker: dockerRefusals, dotenv.Systemd: systemdRefusals,
	dotenv.Shell: shellRefusals, dotenv.Portable: portableRefusals,
}

// refusalsForAll are those of every dialect.
var refusalsForAll = map[string]refusal{
	"no equals":             {"A=1\n" + hidden + "\n", 2, "", "no ="},
	"inherited key":         {"A\n", 1, "", "no ="},
	"yaml style":            {"A: " + hidden + "\n", 1, "", "no ="},
	"empty name":            {"\n=" + hidden, 2, "", "name is empty"},
	"name with digit first": {"1A=" + hidden, 1, "", "not one that every program reads"},
	"name with space":       {"A B=7", 1, "", "not one that every program reads"},
	"name with plus":        {"A+=7", 1, "", "not one that every program reads"},
	"name with quotes":      {`"A"=7`, 1, "", "not one that every program reads"},
	"name with NUL":         {"A\x00=7", 1, "", "not one that every program reads"},
	"name outside ascii":    {"Ä=7", 1, "", "not one that every program reads"},
	"no-break space first":  {"\u00a0A=7", 1, "", "not one that every program reads"},
	"zero-width name":       {"A=1\nB\u200b=" + hidden, 2, "", "cannot be seen"},
	"utf-16 without a mark": {"A\x00=\x00" + "h\x00", 1, "", "UTF-16"},
	"utf-16 cut off":        {"\xff\xfeA\x00=", 1, "", "UTF-16"},
	"two byte order marks":  {"\ufeff\ufeffA=7", 1, "", "" /* says which in the dialects' own tests */},
	"name that takes over":  {"\n\nLD_PRELOAD=" + hidden, 3, "LD_PRELOAD", "takes over"},
	"path":                  {"PATH=" + hidden, 1, "PATH", "takes over"},
	"sops name":             {"sops_mac=" + hidden, 1, "sops_mac", "sops' metadata"},
	"name stored in clear":  {"A_unencrypted=" + hidden, 1, "A_unencrypted", "in clear"},
	"cr at the end":         {"A=1\r", 1, "A", "CR"},
	"cr in a comment":       {"A=1\n#" + hidden + "\rB=2\n", 2, "", "a CR"},
	"nul in a comment":      {"#" + hidden + "\x00\n", 1, "", "a NUL byte"},
	"invalid comment":       {"# \xff" + hidden, 1, "", "UTF-8"},
	"vertical tab line":     {"\v\n", 1, "", "no ="},
}

func TestParseRefuses(t *testing.T) {
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			rows := maps.Clone(refusals[dialect])
			maps.Copy(rows, refusalsForAll)
			if len(rows) != len(refusals[dialect])+len(refusalsForAll) {
				t.Error("a name is in both tables")
			}
			for name, tt := range rows {
				t.Run(name, func(t *testing.T) { checkRefused(t, dialect, tt) })
			}
		})
	}
}

func checkRefused(t *testing.T, dialect dotenv.Dialect, tt refusal) {
	t.Helper()
	_, err := dotenv.Parse(secret.New(tt.text), dialect)
	var at *dotenv.Error
	if !errors.As(err, &at) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if at.Line != tt.line || at.Key != tt.key || !strings.Contains(at.Error(), tt.want) {
		t.Errorf("got %q, want line %d, key %q, %q", at, tt.line, tt.key, tt.want)
	}
	if strings.Contains(at.Error(), hidden) {
		t.Errorf("the error shows the text: %q", at)
	}
}
