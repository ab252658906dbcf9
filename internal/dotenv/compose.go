package dotenv

import (
	"strings"
	"unicode"
)

// composeGrammar reads as compose-go's dotenv parser does, and refuses what that parser
// would have to guess.
type composeGrammar struct{}

// composeEscapes turns any value into one line of compose's double-quoted text.
var composeEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`)

// quote prefers forms that most other readers decode alike: single quotes, and double
// quotes without a backslash or a $. php reads =" as the start of a value everywhere
// except in double quotes.
func (composeGrammar) quote(value string) string {
	switch {
	case value != "" && isPlain(value):
		return value
	case value != "" && fitsSingleQuotes(value) && !strings.ContainsAny(value, "\r\n") && !strings.Contains(value, `="`):
		return "'" + value + "'"
	}
	return `"` + composeEscapes.Replace(value) + `"`
}

func (composeGrammar) unrepresentable(_, value string) string { return notText(value) }

func (composeGrammar) uncommentable(string) string { return "" }

func (composeGrammar) isReserved(string) bool { return false }

// readEntry reads NAME=value, with compose's optional "export" before it.
func (g composeGrammar) readEntry(r *reader) error {
	name, _, found := strings.Cut(r.peekLine(), "=")
	if !found {
		return r.fail("", problemNoEquals)
	}
	key := withoutExport(name)
	if err := r.checkName(key); err != nil {
		return err
	}
	afterEquals := r.rest[len(name)+len("="):]
	r.rest = strings.TrimLeft(afterEquals, blanks)
	if strings.HasPrefix(r.rest, "#") && r.rest != afterEquals {
		return r.fail(key, `a value that begins with # after a space is a comment to some readers and a value to others: write NAME="" or put quotes around the value`)
	}
	value, err := g.value(r, key)
	if err != nil {
		return err
	}
	return r.add(key, value)
}

// withoutExport returns the name without blanks around it, and without "export" before it.
func withoutExport(name string) string {
	key := strings.TrimLeft(name, blanks)
	if after, ok := strings.CutPrefix(key, "export"); ok && strings.TrimLeft(after, blanks) != after {
		key = strings.TrimLeft(after, blanks)
	}
	return strings.TrimRight(key, blanks)
}

// value reads a bare or quoted value and the rest of its last line.
func (g composeGrammar) value(r *reader, key string) (string, error) {
	if r.rest == "" || r.rest[0] != '"' && r.rest[0] != '\'' {
		return g.bareValue(r, key)
	}
	quote := r.rest[0]
	body, length, closed := scanQuoted(r.rest[1:], quote)
	if !closed {
		return "", r.fail(key, problemUnclosed)
	}
	raw := r.rest[1 : 1+length]
	if r.strict && strings.Contains(raw, "\r\n") {
		return "", r.fail(key, problemMixedEnds)
	}
	value := body
	if quote == '"' {
		var err error
		value, err = r.unescapeDouble(key, body)
		if err != nil {
			return "", r.fail(key, err.Error())
		}
	} else {
		if r.options.References == Braces && strings.IndexByte(body, '\'') >= 0 {
			return "", r.fail(key, problemBracesQuote)
		}
		r.noteSingle(key, body)
	}
	r.line += strings.Count(raw, "\n")
	r.rest = r.rest[length+2:]
	return value, r.closeLine(key, comments, problemAfter)
}

// bareValue reads an unquoted value, which ends at " #" or at the end of the line.
func (composeGrammar) bareValue(r *reader, key string) (string, error) {
	line := r.peekLine()
	value, comment, _ := strings.Cut(line, " #")
	if cannotBeComment(comment) {
		return "", r.fail(key, problemComment)
	}
	value = strings.TrimRight(value, blanks)
	if r.strict && strings.IndexByte(value, '\r') >= 0 {
		return "", r.fail(key, problemCR)
	}
	if trimmed := strings.TrimFunc(value, unicode.IsSpace); trimmed != value {
		return "", r.fail(key, "the value begins or ends with a space that is not a plain one, which readers trim or keep as they like: put quotes around the value")
	}
	if r.strict && strings.Trim(value, invisible) != value {
		return "", r.fail(key, problemInvisible)
	}
	value, err := r.bareDollars(key, value)
	if err != nil {
		return "", r.fail(key, err.Error())
	}
	r.cutLine()
	return value, nil
}

// bareDollars replaces the references in an unquoted value. The error is a problem.
func (r *reader) bareDollars(key, value string) (string, error) {
	switch mode := r.options.References; {
	case mode != NoReferences && strings.Contains(value, `\$`):
		return "", problem(problemBareEscape)
	case mode == Braces && strings.IndexByte(value, '#') >= 0:
		return "", problem(problemBracesHash)
	case mode == Braces:
		return r.expandBraces(key, value)
	case r.strict && strings.Contains(value, "$$"):
		return "", problem(problemDoubled)
	}
	return r.expand(key, value)
}

// scanQuoted finds the closing quote. It returns the body, in which it has unescaped only
// the quote, and the body's length in the text.
func scanQuoted(text string, quote byte) (body string, length int, closed bool) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			return out.String(), i, true
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] != quote {
				out.WriteByte('\\')
			}
			out.WriteByte(text[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", 0, false
}

// escapePattern matches the escapes that compose knows inside double quotes. \$ becomes
// $$, which unescapeDollars turns into one $. Other backslashes are kept.
var (
	escapePattern  = compiled(`\\[abcfnrtv$"\\0]`)
	composeEscaped = map[string]string{
		`\a`: "\a", `\b`: "\b", `\f`: "\f", `\n`: "\n", `\r`: "\r", `\t`: "\t", `\v`: "\v",
		`\$`: "$$", `\"`: `"`, `\\`: `\`, `\c`: `\c`,
	}
)

// unescapeDouble decodes the text between double quotes. The error is a problem.
func (r *reader) unescapeDouble(key, body string) (string, error) {
	braces := r.options.References == Braces
	if r.strict && !braces && hasDoubledDollar(body) {
		return "", problem(problemDoubled)
	}
	if braces && escapes(body, func(c byte) bool { return c == '$' }) {
		return "", problem(problemBracesSlash)
	}
	octal := false
	body = escapePattern().ReplaceAllStringFunc(body, func(match string) string {
		octal = octal || match == `\0`
		return composeEscaped[match]
	})
	if octal {
		return "", problem(`there is an octal escape (\0…), which readers take differently: write \\ for a backslash`)
	}
	if braces {
		return r.expandBraces(key, body)
	}
	return r.expand(key, body)
}

// hasDoubledDollar reports whether the body has a $$ without a backslash before it.
func hasDoubledDollar(body string) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] == '\\' {
			i++
		} else if body[i] == '$' && body[i+1] == '$' {
			return true
		}
	}
	return false
}

// expandedForms matches what compose's template language replaces. With (?i), as in
// compose, it also matches two letters outside ASCII.
var expandedForms = compiled(`\$(?:\$|\{|(?i:[_a-z]))`)

// unescapeDollars turns $$ into $ and refuses references. The error is a problem.
func unescapeDollars(text string) (string, error) {
	if strings.IndexByte(text, '$') < 0 {
		return text, nil
	}
	expanded := false
	value := expandedForms().ReplaceAllStringFunc(text, func(match string) string {
		expanded = expanded || match != "$$"
		return "$"
	})
	if expanded {
		return "", problem(problemReference)
	}
	return value, nil
}
