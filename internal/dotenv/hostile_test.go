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

// hostileTexts are texts of about that many bytes for which a careless parser takes
// long.
func hostileTexts(size int) map[string]string {
	return map[string]string{
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
}

// Time grows with the text and not with its square, whatever it holds, in every dialect.
// A ratio of two times does not depend on the machine.
func TestHostileTextsTakeTimeInProportion(t *testing.T) {
	const size, factor, tries = 64 << 10, 8, 6
	small, large := hostileTexts(size), hostileTexts(factor*size)
	for _, dialect := range dotenv.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			took := func(text string) time.Duration {
				start := time.Now()
				if doc, err := dotenv.Parse(secret.New(text), dialect); err == nil {
					_, _ = doc.Encode(dialect) // what it says is other tests' concern
				}
				return time.Since(start)
			}
			for name := range small {
				// The shortest of each counts: other work on the machine only lengthens them.
				least, most := took(small[name]), took(large[name])
				for try := 1; try < tries && most > 3*factor*least; try++ {
					least, most = min(least, took(small[name])), min(most, took(large[name]))
				}
				// The square would be 8 times what is in proportion; collecting garbage costs a part of that.
				if most > 5*factor*least && most > 100*time.Millisecond {
					t.Errorf("%s: %d KB took %v, and %d KB %v", name, size>>10, least, factor*size>>10, most)
				}
			}
		})
	}
}
