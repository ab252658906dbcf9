package dotenv_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// filled repeats what line returns for 0, 1, 2 … up to the size in bytes.
func filled(size int, line func(i int) string) string {
	var out strings.Builder
	for i := 0; out.Len() < size; i++ {
		out.WriteString(line(i))
	}
	return out.String()
}

func repeated(size int, text string) string { return strings.Repeat(text, size/len(text)) }

// Whatever a text of 10 MB holds, reading it and writing it anew takes a few seconds at
// most, in every dialect.
func TestHostileTextsTakeNoTime(t *testing.T) {
	const size, limit = 10 << 20 / raceFactor, 10 * time.Second
	texts := map[string]string{
		"comments":              repeated(size, "#\n"),
		"empty lines":           repeated(size, "\n"),
		"blank lines":           repeated(size, " \t\n"),
		"blanks":                repeated(size, " "),
		"entries":               filled(size, func(i int) string { return fmt.Sprintf("K%d=\n", i) }),
		"quoted entries":        filled(size, func(i int) string { return fmt.Sprintf("K%d=\"\n\"\n", i) }),
		"exported":              filled(size, func(i int) string { return fmt.Sprintf("export K%d='\n'\n", i) }),
		"values after comments": filled(size, func(i int) string { return fmt.Sprintf("K%d=x #\n", i) }),
		"long comment":          "#" + repeated(size, `\`),
		"long name":             repeated(size, "A") + "=\n",
		"long export":           "export" + repeated(size, " ") + "A=1\n",
		"blanks after a name":   "A" + repeated(size, " ") + "=1\n",
		"blanks after a value":  "A=1" + repeated(size, " ") + "\n",
		"blanks in a value":     "A=1" + repeated(size, " ") + "1\n",
		"no name":               repeated(size, "="),
		"no equals":             repeated(size, "A"),
		"long value":            "A=" + repeated(size, "x") + "\n",
		"escapes":               "A=" + repeated(size, `\\`) + "\n",
		"joined lines":          "A=" + repeated(size, "\\\n") + "x\n",
		"pieces":                "A=" + repeated(size, `''""\x`) + "\n",
		"colons":                "A=" + repeated(size, ":=") + "\n",
		"pieces of colons":      "A=" + repeated(size, `:\:`) + "\n",
		"unclosed single":       "A='" + repeated(size, "\n"),
		"unclosed double":       "A=\"" + repeated(size, "\\\n"),
		"unclosed entries":      repeated(size, "A=\"\n"),
		"double of breaks":      "A=\"" + repeated(size, "\n") + "\"\n",
		"double of escapes":     "A=\"" + repeated(size, `\$\\`) + "\"\n",
		"double of line breaks": "A=\"" + repeated(size, `\n`) + "\"\n",
		"double of dollars":     "A=\"" + repeated(size, "$$") + "\"\n",
		"double of quotes":      "A=\"" + repeated(size, `\"`) + "\"\n",
		"single of quotes":      "A='" + repeated(size, `\'`) + "'\n",
		"single of backticks":   "A='" + repeated(size, "`") + "'\n",
		"single of characters":  "A='" + repeated(size, "é") + "'\n",
		"hashes":                "A=" + repeated(size, " #") + "\n",
		"carriage returns":      "A='" + repeated(size, "\r") + "'\r\n",
	}
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			for name, text := range texts {
				start := time.Now()
				doc, err := dotenv.Parse(secret.New(text), dialect)
				parsed := time.Since(start)
				if err == nil {
					_, err = doc.Encode(dialect)
				}
				took := time.Since(start)
				if took > limit {
					t.Errorf("%s: it took %v", name, took)
				}
				t.Logf("%-22s %5d KB, read in %v, written in %v: %.90v", name, len(text)>>10, parsed.Round(time.Millisecond), (took - parsed).Round(time.Millisecond), err)
			}
		})
	}
}
