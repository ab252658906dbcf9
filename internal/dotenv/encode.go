package dotenv

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Encode writes the document as text in the dialect, an entry after the other,
// each ending in LF. An empty value is written with quotes where the dialect has
// them, so that sops authenticates it. Names, values and comments that the dialect
// can't hold are an *Error.
func (d Document) Encode(dialect Dialect) (secret.Text, error) {
	g, err := dialect.known()
	if err != nil {
		return secret.Text{}, err
	}
	var out strings.Builder
	seen := make(map[string]bool, len(d.Lines))
	for _, line := range d.Lines {
		value := line.Value.Reveal()
		if line.IsComment() {
			if err := dialect.checkComment(value); err != nil {
				return secret.Text{}, err
			}
			out.WriteString("#" + value + "\n")
			continue
		}
		if err := dialect.CheckKey(line.Key); err != nil {
			return secret.Text{}, err
		}
		if seen[line.Key] {
			return secret.Text{}, &Error{Key: line.Key, Problem: "the name is there twice: readers differ in which one counts"}
		}
		seen[line.Key] = true
		if err := dialect.CheckValue(line.Key, value); err != nil {
			return secret.Text{}, err
		}
		out.WriteString(line.Key + "=" + g.quote(value) + "\n")
	}
	return secret.New(out.String()), nil
}
