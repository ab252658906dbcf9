package dotenv

import "strings"

// quoting is a way to write a value: in quotes of a kind, or in none, with escapes or
// without. Whether a reader gets the value is for its rules to say.
type quoting struct {
	quote   byte // 0 for none
	escapes *strings.Replacer
	plain   bool // only what needs no quotes anywhere
}

// write returns what stands in the quotes.
func (w quoting) write(value string) (body string, can bool) {
	if w.plain && (value == "" || !isPlain(value)) {
		return "", false
	}
	if w.escapes == nil {
		return value, true
	}
	return w.escapes.Replace(value), true
}

func quoted(quote byte, body string) string {
	if quote == 0 {
		return body
	}
	return string(quote) + body + string(quote)
}

// The escapes that some readers need, fewest first.
var (
	breakEscapes       = strings.NewReplacer("\n", `\n`, "\r", `\r`)
	dollarEscapes      = strings.NewReplacer("$", `\$`)
	dollarBreakEscapes = strings.NewReplacer("$", `\$`, "\n", `\n`, "\r", `\r`)
	shellEscapes       = strings.NewReplacer("'", `'\''`)
)

// quotings are tried in this order: what most readers share comes first.
var quotings = []quoting{
	{plain: true},
	{quote: '\''},
	{quote: '"'},
	{quote: '"', escapes: breakEscapes},
	{quote: '`'},
	{quote: '\'', escapes: dollarEscapes},
	{quote: '"', escapes: dollarEscapes},
	{quote: '"', escapes: dollarBreakEscapes},
	{quote: '`', escapes: dollarEscapes},
	{quote: '"', escapes: portableEscapes},
	{quote: '"', escapes: composeEscapes},
	{quote: '"', escapes: systemdEscapes},
	{quote: '\'', escapes: shellEscapes},
	{}, // docker's
}
