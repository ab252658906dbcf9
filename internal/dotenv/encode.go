package dotenv

import (
	"regexp"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// bare matches values that every dialect reads as they stand.
var bare = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,^=-]+$`)

// composeEscapes makes any value one line of compose's double-quoted text.
var composeEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`)

// Encode writes the document as text in the dialect, a line each, ending in LF.
// An empty value is written "" so that sops authenticates it. Names and values
// that the dialect can't hold are an *Error.
func (d Document) Encode(dialect Dialect) (secret.Text, error) {
	var out strings.Builder
	seen := make(map[string]bool, len(d.Lines))
	for _, line := range d.Lines {
		value := line.Value.Reveal()
		if line.IsComment() {
			if strings.ContainsAny(value, "\r\n\x00") {
				return secret.Text{}, &Error{Problem: "a comment holds a line break or a NUL byte"}
			}
			out.WriteString("#" + value + "\n")
			continue
		}
		if err := CheckKey(line.Key); err != nil {
			return secret.Text{}, err
		}
		if seen[line.Key] {
			return secret.Text{}, &Error{Key: line.Key, Problem: "the name is there twice: readers differ in which one counts"}
		}
		seen[line.Key] = true
		if err := dialect.CheckValue(line.Key, value); err != nil {
			return secret.Text{}, err
		}
		out.WriteString(line.Key + "=" + dialect.quote(value) + "\n")
	}
	return secret.New(out.String()), nil
}

// quote writes a value that check accepts.
func (d Dialect) quote(value string) string {
	if bare.MatchString(value) {
		return value
	}
	return `"` + composeEscapes.Replace(value) + `"`
}
