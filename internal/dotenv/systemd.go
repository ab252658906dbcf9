package dotenv

import (
	"strings"
)

// systemdGrammar is systemd's parser of EnvironmentFile.
type systemdGrammar struct{}

// systemdEscapes makes any value systemd's double-quoted text; line breaks stay.
var systemdEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

func (systemdGrammar) quote(value string) string {
	if value != "" && isPlain(value) {
		return value
	}
	return `"` + systemdEscapes.Replace(value) + `"`
}

func (systemdGrammar) unrepresentable(_, value string) string {
	if what := notText(value); what != "" {
		return what
	}
	return noncharacter(value)
}

// noncharacter names a code point that is valid UTF-8 and that systemd takes for
// invalid nevertheless; with one of them it drops the whole file.
func noncharacter(value string) string {
	for _, c := range value {
		if 0xfdd0 <= c && c <= 0xfdef || c&0xfffe == 0xfffe {
			return "a Unicode noncharacter (such as U+FFFE)"
		}
	}
	return ""
}

// uncommentable refuses what makes the next line part of the comment in systemd
// before 254.
func (systemdGrammar) uncommentable(text string) string {
	if endsInBackslash(text) {
		return "a backslash at its end, which joins the next line to it"
	}
	return ""
}

func (systemdGrammar) isReserved(string) bool { return false }

// endsInBackslash reports whether the text ends in a backslash that is not itself
// escaped.
func endsInBackslash(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

// readEntry reads a name and a value that is bare or in one pair of quotes.
func (g systemdGrammar) readEntry(r *reader) error {
	name, _, found := strings.Cut(r.peekLine(), "=")
	if !found {
		return r.fail("", problemNoEquals)
	}
	key := strings.Trim(name, blanks)
	if err := r.checkName(key); err != nil {
		return err
	}
	r.rest = strings.TrimLeft(r.rest[len(name)+len("="):], blanks)
	var value string
	var err error
	switch {
	case strings.HasPrefix(r.rest, "'"):
		value, err = r.singleQuoted(key)
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

// doubleQuoted reads up to the closing quote and the line's end. Unlike a shell,
// systemd expands nothing there.
func (systemdGrammar) doubleQuoted(r *reader, key string) (string, error) {
	value, end := unquoteDouble(r.rest[1:])
	if end < 0 {
		return "", r.fail(key, problemUnclosed)
	}
	body := r.rest[1 : 1+end]
	if escapes(body, func(c byte) bool { return c == '\r' }) {
		// Some read "\CR LF" as a continued line.
		return "", r.fail(key, `there is a CR after a backslash: write \\ for a backslash`)
	}
	r.line += strings.Count(body, "\n")
	r.rest = r.rest[end+2:]
	return value, r.closeLine(key, noComments, problemAfter)
}

// bareValue reads an unquoted value. A backslash takes the next character as it
// is, or joins the next line.
func (systemdGrammar) bareValue(r *reader, key string) (string, error) {
	var value strings.Builder
	keep := 0 // the length up to the last character that is no trailing blank
	for {
		line := r.peekLine()
		if strings.HasSuffix(line, "\r") {
			return "", r.fail(key, problemCRLF)
		}
		if strings.IndexByte(line, '\r') >= 0 {
			return "", r.fail(key, "systemd takes a CR for the end of the line: put double quotes around the value")
		}
		joined := false
		for i := 0; i < len(line); i++ {
			c := line[i]
			switch {
			case c == '\\' && i+1 == len(line):
				joined = true
				keep = value.Len()
			case c == '\\':
				i++
				value.WriteByte(line[i])
				keep = value.Len()
			default:
				value.WriteByte(c)
				if strings.IndexByte(blanks, c) < 0 {
					keep = value.Len()
				}
			}
		}
		if joined && r.endsInCR() {
			return "", r.fail(key, "there is a backslash before a CR LF line end, which readers take differently: save the text with LF line ends")
		}
		if joined && len(line)+len("\n") >= len(r.rest) {
			return "", r.fail(key, "the text ends after a backslash that joins the next line: remove it")
		}
		r.cutLine()
		if !joined {
			return value.String()[:keep], nil
		}
	}
}
