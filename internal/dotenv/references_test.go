package dotenv_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func read(text string, references dotenv.References) (dotenv.Document, []dotenv.Warning, error) {
	return dotenv.Read(secret.New(text), dotenv.Options{Dialect: dotenv.Compose, References: references})
}

func TestReferences(t *testing.T) {
	for name, tt := range map[string]struct {
		references dotenv.References
		text       string
		want       map[string]string
	}{
		"bare and braces":      {dotenv.Resolve, "A=1\nB=$A${A}-${A}x\n", map[string]string{"A": "1", "B": "11-1x"}},
		"double quotes":        {dotenv.Resolve, "A=1\nB=\"${A} $A\\n\"\n", map[string]string{"A": "1", "B": "1 1\n"}},
		"read once":            {dotenv.Resolve, "A='$B ${C} $$'\nD=\"${A}\"\n", map[string]string{"A": "$B ${C} $$", "D": "$B ${C} $$"}},
		"defaults":             {dotenv.Resolve, "E=\nA=${X:-d}${E:-e}${E-f}.${X-}\n", map[string]string{"E": "", "A": "de."}},
		"alternatives":         {dotenv.Resolve, "E=\nA=1\nB=${X:+x}${E:+e}${E+f}${A:+a}${X+y}\n", map[string]string{"E": "", "A": "1", "B": "fa"}},
		"required":             {dotenv.Resolve, "E=\nA=1\nB=${A:?no}${E?no}\n", map[string]string{"E": "", "A": "1", "B": "1"}},
		"nested":               {dotenv.Resolve, "A=1\nB=${X:-${Y:-$A}z}\n", map[string]string{"A": "1", "B": "1z"}},
		"a default not used":   {dotenv.Resolve, "A=1\nB=${A:-$X}\n", map[string]string{"A": "1", "B": "1"}},
		"other dollars":        {dotenv.Resolve, "A=5$ $1 $-\nB=\"\\$A \\${A}\"\n", map[string]string{"A": "5$ $1 $-", "B": "$A ${A}"}},
		"its own name":         {dotenv.Resolve, "A=1\nA=${A}2\n", map[string]string{"A": "12"}},
		"single quotes, unset": {dotenv.Resolve, "A='$X ${Y}'\n", map[string]string{"A": "$X ${Y}"}},
		"php braces":           {dotenv.Braces, "A=1\nB=${A}$A$$x$(y)\nC=\"${A} $A\"\n", map[string]string{"A": "1", "B": "1$A$$x$(y)", "C": "1 $A"}},
		"php single, bare":     {dotenv.Braces, "A=1\nB='$A'\n", map[string]string{"A": "1", "B": "$A"}},
	} {
		t.Run(name, func(t *testing.T) {
			doc, _, err := read(tt.text, tt.references)
			if err != nil || !equalMaps(reveal(doc), tt.want) {
				t.Fatalf("got %q (%v), want %q", reveal(doc), err, tt.want)
			}
			if tt.references == dotenv.Resolve {
				checkReadBy(t, inProcess(dotenv.Compose), tt.text, doc)
			}
			checkRoundTrip(t, dotenv.Compose, doc)
		})
	}
}

func TestReferencesRefused(t *testing.T) {
	const both = dotenv.References("both")
	for name, tt := range map[string]struct {
		references dotenv.References
		text       string
		line       int
		want       string
	}{
		"not set":             {both, "A=" + hidden + "${hunter2}", 1, "not set earlier"},
		"not set earlier":     {both, "A=1\nB=${C}\nC=2\n", 2, "not set earlier"},
		"in the second line":  {both, "A=1\nB=\"" + hidden + "\n${C}\"\n", 2, "not set earlier"},
		"itself":              {both, "A=${A}" + hidden, 1, "its own name"},
		"between":             {both, "A=1\nB=${A}" + hidden + "\nA=2\n", 2, "before and again after"},
		"single quotes":       {both, "A='" + hidden + "${B}'\nB=1\n", 1, "inside single quotes"},
		"single, name":        {dotenv.Resolve, "A='" + hidden + "$B'\nB=1\n", 1, "inside single quotes"},
		"escape bare":         {both, `A=\$A` + hidden, 1, "outside quotes"},
		"escape for php":      {dotenv.Braces, "A=\"" + hidden + "\\${A}\"", 1, "python keeps"},
		"command":             {dotenv.Resolve, "A=$(" + hidden + ")", 1, "$(…)"},
		"empty":               {both, "A=${}" + hidden, 1, "form"},
		"substring":           {both, "A=1\nB=${A:0:1}", 2, "form"},
		"length":              {dotenv.Resolve, "A=1\nB=${#A}", 2, "form"},
		"length for php":      {dotenv.Braces, "A=1\nB=\"${#A}\"", 2, "form"},
		"indirect":            {both, "A=1\nB=${!A}", 2, "form"},
		"replaced":            {both, "A=1\nB=${A/x/y}", 2, "form"},
		"dotted":              {both, "A.B=1\nB=${A.B}", 2, "form"},
		"not closed":          {both, "A=1\nB=${A", 2, "form"},
		"default not closed":  {both, "A=1\nB=${A:-" + hidden, 2, "form"},
		"default over lines":  {both, "A=1\nB=\"${A:-\n}\"", 2, "form"},
		"braces in a default": {both, "A=1\nB=${A:-{x}}", 2, "form"},
		"default for php":     {dotenv.Braces, "A=1\nB=${A:-x}", 2, "another form"},
		"required":            {dotenv.Resolve, "A=\nB=${A:?" + hidden + "}", 2, ":?"},
		"required, not set":   {dotenv.Resolve, "B=${A?" + hidden + "}", 1, "?…"},
		"doubled":             {dotenv.Resolve, "A=" + hidden + "$$x", 1, "$$ is one $"},
		"kelvin":              {dotenv.Resolve, "A=1\nB=$A\u212a", 2, "form"},
	} {
		t.Run(name, func(t *testing.T) {
			modes := []dotenv.References{tt.references}
			if tt.references == both {
				modes = dotenv.ReferenceModes()
			}
			for _, mode := range modes {
				_, _, err := read(tt.text, mode)
				var at *dotenv.Error
				if !errors.As(err, &at) || at.Line != tt.line || !strings.Contains(at.Error(), tt.want) {
					t.Errorf("%s: got %v, want line %d, %q", mode, err, tt.line, tt.want)
				} else if strings.Contains(err.Error(), hidden) {
					t.Errorf("%s: the error shows the text: %v", mode, err)
				}
			}
		})
	}
	hasDoubledDollar := "A0=x\n"
	for i := range 60 {
		hasDoubledDollar += fmt.Sprintf("A%d=${A%d}${A%d}\n", i+1, i, i)
	}
	for _, mode := range dotenv.ReferenceModes() {
		if _, _, err := read(hasDoubledDollar, mode); err == nil || !strings.Contains(err.Error(), "more than 4 MiB") {
			t.Errorf("%s: doubled 60 times: %v", mode, err)
		}
	}
	if _, _, err := dotenv.Read(secret.New("A=1\n"), dotenv.Options{Dialect: dotenv.Docker, References: dotenv.Resolve}); err == nil || !strings.Contains(err.Error(), `dialect = "compose"`) {
		t.Errorf("in another dialect: %v", err)
	}
}

var referencePieces = []string{
	"$", "$", "{", "}", "}", "${", "${", "A", "B", "EMPTY", "UNSET", "${A}", "${B}", "$A", ":-", "-", ":+", "+", ":?", "?", "${UNSET:-", "${EMPTY:-", "${EMPTY-", "${A:+", "${UNSET+",
	"x", " ", ".", "#", " #", "\\", `\$`, `\"`, "'", "(", "1", "\u212a", "\n", "$$",
}

// TestRandomReferences has compose-go, with no environment, read each random text
// whose references are resolved: it may be refused, and is never read as anything
// else.
func TestRandomReferences(t *testing.T) {
	const before = "A=one\nB='$X ${Y} }'\nEMPTY=\n"
	rng := rand.New(rand.NewPCG(7, 8))
	accepted, referring := 0, 0
	for tries := 0; tries < 400000 && accepted < 6000; tries++ {
		var value strings.Builder
		for range 1 + rng.IntN(9) {
			value.WriteString(referencePieces[rng.IntN(len(referencePieces))])
		}
		text := before + "C=" + value.String() + "\n"
		if rng.IntN(2) == 0 {
			text = before + "C=\"" + value.String() + "\"\n"
		}
		doc, _, err := read(text, dotenv.Resolve)
		if err != nil {
			continue
		}
		accepted++
		if strings.Contains(value.String(), "${") {
			referring++
		}
		checkReadBy(t, inProcess(dotenv.Compose), text, doc)
		checkRoundTrip(t, dotenv.Compose, doc)
		if t.Failed() {
			t.Fatalf("%q", text)
		}
	}
	t.Logf("%d texts, %d of them with ${", accepted, referring)
	if accepted < 4000 || referring < 1000 {
		t.Errorf("only %d texts are accepted, %d of them with ${", accepted, referring)
	}
}

func FuzzReferences(f *testing.F) {
	for _, piece := range referencePieces {
		f.Add("A=1\nB=" + piece + "${A:-x}\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, _, err := read(text, dotenv.Resolve)
		if err == nil {
			if readAsWritten(text, dotenv.Compose) {
				checkReadBy(t, inProcess(dotenv.Compose), text, doc)
			}
			checkRoundTrip(t, dotenv.Compose, doc)
		}
		if doc, _, err := read(text, dotenv.Braces); err == nil {
			checkRoundTrip(t, dotenv.Compose, doc)
		}
	})
}
