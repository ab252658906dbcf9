package dotenv_test

import (
	"errors"
	"strings"
	"testing"

	composego "github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// readAsCompose is the oracle: what docker compose makes of the text.
func readAsCompose(t *testing.T, text string) map[string]string {
	t.Helper()
	got, err := composego.ParseWithLookup(strings.NewReader(text), nil)
	if err != nil {
		t.Fatalf("compose-go refuses what was accepted: %v", err)
	}
	return got
}

func sameEntries(doc dotenv.Document, want map[string]string) bool {
	entries := doc.Entries()
	if len(entries) != len(want) {
		return false
	}
	for key, value := range want {
		if got, ok := entries[key]; !ok || got.Reveal() != value {
			return false
		}
	}
	return true
}

// accepted are texts that are read; each is compared with compose-go.
var accepted = map[string]string{
	"empty text":            "",
	"no final newline":      "A=1",
	"blank and comments":    "\n  \t\n# one\n\t# two\nA=1\n#three",
	"byte order mark":       "\ufeffA=1\n",
	"export":                "export A=1\nexport\tB=2\nexport=3\nexported=4\n",
	"spaces around =":       "A = 1 \nB=  two words  \n",
	"empty values":          "A=\nB=\"\"\nC=''\nD=   \n",
	"inline comment":        "A=one # two\nB=\"one # two\" # three\nC='x'#y\nD=a#b\nE=#e\n",
	"equals in value":       "A=b=c==\n",
	"url":                   "U=postgres://u:p%40s@db.internal:5432/app?sslmode=require&x=1\n",
	"single quotes":         `A='$X ${Y} "x" \n'` + "\n",
	"single quote escape":   `A='it\'s'` + "\n" + `B='C:\dir\\'` + "\n",
	"double quote escapes":  `A="a\"b\\c\$d\ne\rf\tg\vh\fi\aj\bk"` + "\n",
	"unknown escapes stay":  `A="\d \x41 \c \u00e9"` + "\n" + `B=\d\n` + "\n",
	"dollars that stay":     "A=$1 5$ $ $- $(x)\nB=\"$1 5$\"\n",
	"doubled dollars":       "A=a$$b$$$$c\nB=\"a$$b\"\n",
	"escape then dollars":   `A="\$\$x \$$$"` + "\n",
	"several lines":         "A=\"one\ntwo\n\nthree\"\nB='x\ny'\nC=3\n",
	"pem":                   "KEY=\"-----BEGIN X-----\nMIIE/abc+==\n-----END X-----\n\"\nNEXT=1\n",
	"quotes inside bare":    `A=foo"bar'baz` + "\n",
	"unicode":               "A=grüße 日本 🔑\n",
	"control characters":    "A=a\x01b\x7f\rc\n",
	"backslash before end":  `A="x\\"` + "\n" + `B='x\\'` + "\n" + `C=x\` + "\n",
	"json in single quotes": `A='{"a": ["$b", 1]}'` + "\n",
}

func TestParseReadsAsComposeDoes(t *testing.T) {
	for name, text := range accepted {
		t.Run(name, func(t *testing.T) {
			doc, err := dotenv.Parse(secret.New(text), dotenv.Compose)
			if err != nil {
				t.Fatal(err)
			}
			if want := readAsCompose(t, text); !sameEntries(doc, want) {
				t.Errorf("got %q, compose reads %q", reveal(doc), want)
			}
			encoded, err := doc.Encode(dotenv.Compose)
			if err != nil {
				t.Fatal(err)
			}
			again, err := dotenv.Parse(encoded, dotenv.Compose)
			if err != nil || !again.Equal(doc) {
				t.Errorf("the round trip gives %q (%v), want %q", reveal(again), err, reveal(doc))
			}
			if got := readAsCompose(t, encoded.Reveal()); !sameEntries(doc, got) {
				t.Errorf("what was written is read by compose as %q, want %q", got, reveal(doc))
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

func TestParseRefuses(t *testing.T) {
	const hidden = "hunter2-canary"
	for name, tt := range map[string]struct {
		text string
		line int
		key  string
		want string
	}{
		"no equals":              {"A=1\n" + hidden + "\n", 2, "", "no ="},
		"inherited key":          {"A\n", 1, "", "no ="},
		"yaml style":             {"A: " + hidden + "\n", 1, "", "no ="},
		"empty name":             {"\n=" + hidden, 2, "", "name is empty"},
		"export without name":    {"export =" + hidden, 1, "", "name is empty"},
		"name with dash":         {"A-B=" + hidden, 1, "", "not one that every program reads"},
		"name with digit first":  {"1A=" + hidden, 1, "", "not one that every program reads"},
		"name with dot":          {"A.B=7", 1, "", "not one that every program reads"},
		"name with space":        {"A B=7", 1, "", "not one that every program reads"},
		"name outside ascii":     {"Ä=7", 1, "", "not one that every program reads"},
		"name that takes over":   {"\n\nLD_PRELOAD=" + hidden, 3, "LD_PRELOAD", "takes over"},
		"path":                   {"PATH=" + hidden, 1, "PATH", "takes over"},
		"sops name":              {"sops_mac=" + hidden, 1, "sops_mac", "sops' metadata"},
		"name stored in clear":   {"A_unencrypted=" + hidden, 1, "A_unencrypted", "in clear"},
		"duplicate":              {"A=1\n# x\nB=\"1\n2\"\nA=" + hidden, 5, "A", "already, in line 1"},
		"unclosed double":        {"A=1\nB=\"" + hidden + "\nC=3\n", 2, "B", "never closed"},
		"unclosed single":        {"A='" + hidden + "\\'", 1, "A", "never closed"},
		"text after quote":       {"A=\"" + hidden + "\" more", 1, "A", "after the closing quote"},
		"text after quote later": {"A=\"x\n" + hidden + "\" more", 2, "A", "after the closing quote"},
		"expansion bare":         {"A=" + hidden + "$HOME", 1, "A", "expanded"},
		"expansion braces":       {"A=${" + hidden + "}", 1, "A", "expanded"},
		"expansion double":       {"A=\"x\n$y" + hidden + "\"", 1, "A", "expanded"},
		"expansion odd dollars":  {"A=$$$x", 1, "A", "expanded"},
		"expansion escape first": {`A="\\$x"`, 1, "A", "expanded"},
		"expansion kelvin":       {"A=$\u212a", 1, "A", "expanded"},
		"octal":                  {`A="\0101"`, 1, "A", "octal"},
		"crlf entry":             {"A=" + hidden + "\r\n", 1, "A", "CR LF"},
		"crlf quoted":            {"A=\"x\"\r\n", 1, "A", "CR LF"},
		"crlf blank":             {"\r\n", 1, "", "CR LF"},
		"crlf comment":           {"# c\r\n", 1, "", "CR LF"},
		"nul":                    {"A=\"a\n\x00\"", 1, "A", "NUL"},
		"invalid utf-8":          {"A=\xff" + hidden, 1, "A", "UTF-8"},
		"invalid utf-8 comment":  {"# \xff" + hidden, 1, "", "UTF-8"},
		"no-break space":         {"A=x\u00a0", 1, "A", "space"},
		"no-break space first":   {"A=\u00a0\"x\"", 1, "A", "space"},
		"hash after a space":     {"A= #" + hidden, 1, "A", "begins with #"},
		"vertical tab line":      {"\v\n", 1, "", "no ="},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dotenv.Parse(secret.New(tt.text), dotenv.Compose)
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
		})
	}
}
