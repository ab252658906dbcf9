package dotenv

import "strings"

// portableGrammar is the part that compose, systemd and shells share: bare text
// without special characters, '…' and "…" with the escapes \\, \" and \$.
type portableGrammar struct{}

// portableEscapes makes double-quoted text of a value without backticks.
var portableEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

// fitsSingleQuotes reports whether a value can stand in single quotes: compose takes \'
// for an escaped quote.
func fitsSingleQuotes(value string) bool {
	return strings.IndexByte(value, '\'') < 0 && !endsInBackslash(value)
}

func (portableGrammar) quote(value string) string {
	switch {
	case value != "" && isBare(value):
		return value
	case fitsSingleQuotes(value):
		return "'" + value + "'"
	}
	return `"` + portableEscapes.Replace(value) + `"`
}

// unrepresentable refuses a backtick where single quotes can't be used: in double
// quotes a shell needs a backslash before it, which compose keeps.
func (portableGrammar) unrepresentable(key, value string) string {
	if strings.IndexByte(value, '`') >= 0 && !fitsSingleQuotes(value) {
		return "a backtick together with a single quote or a backslash at the end"
	}
	return systemdGrammar{}.unrepresentable(key, value)
}

func (portableGrammar) uncommentable(text string) string { return systemdGrammar{}.uncommentable(text) }

func (portableGrammar) isReserved(key string) bool { return isShellVariable(key) }

// readEntry reads what quote writes, and any other text of that form.
func (g portableGrammar) readEntry(r *reader) error {
	name, _, found := strings.Cut(r.peekLine(), "=")
	if !found {
		return r.fail("", problemNoEquals)
	}
	key := strings.TrimLeft(name, blanks)
	if err := r.checkName(key); err != nil {
		return err
	}
	r.rest = r.rest[len(name)+len("="):]
	var value string
	var err error
	switch {
	case strings.HasPrefix(r.rest, "'"):
		if value, err = r.singleQuoted(key); err == nil && !fitsSingleQuotes(value) {
			err = r.failFirst(key, `compose takes \' for a quote inside the value: put double quotes around the value, and write \\ for a backslash`)
		}
	case strings.HasPrefix(r.rest, `"`):
		value, err = g.doubleQuoted(r, key)
	default:
		value, err = g.bareValue(r, key)
	}
	if err != nil {
		return err
	}
	return r.add(key, value)
}

// failFirst is fail at the line where the entry begins.
func (r *reader) failFirst(key, problem string) error {
	return &Error{Line: r.began, Key: key, Problem: problem}
}

// doubleQuoted reads "…" and the line's end.
func (portableGrammar) doubleQuoted(r *reader, key string) (string, error) {
	value, end := unquoteDouble(r.rest[1:])
	if end < 0 {
		return "", r.fail(key, problemUnclosed)
	}
	body := r.rest[1 : 1+end]
	switch {
	case unescaped(body, "$"):
		return "", r.fail(key, `a $ in double quotes is expanded by some readers: write \$, or use single quotes`)
	case strings.IndexByte(body, '`') >= 0:
		return "", r.fail(key, "a backtick in double quotes is run by shells, and its escape is kept by compose: use single quotes")
	case escapes(body, func(c byte) bool { return strings.IndexByte(`\"$`, c) < 0 }):
		return "", r.fail(key, `readers take only the escapes \\, \" and \$ alike: write \\ for a backslash`)
	}
	r.line += strings.Count(body, "\n")
	r.rest = r.rest[end+2:]
	return value, r.closeLine(key, noComments, problemAfter)
}

// bareValue reads an unquoted value without special characters.
func (portableGrammar) bareValue(r *reader, key string) (string, error) {
	line := r.peekLine()
	value := strings.TrimRight(line, blanks)
	switch {
	case strings.HasSuffix(value, "\r"):
		return "", r.fail(key, problemCRLF)
	case !isPlain(value):
		return "", r.fail(key, "the value has a character that readers take differently outside quotes: put single quotes around the value")
	case !isBare(value):
		return "", r.fail(key, problemEquals)
	}
	r.cutLine()
	return value, nil
}
