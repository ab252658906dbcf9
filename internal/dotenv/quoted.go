package dotenv

import "strings"

// singleQuoted reads '…' in which no character is special, and the line's end.
func (r *reader) singleQuoted(key string) (string, error) {
	end := strings.IndexByte(r.rest[1:], '\'')
	if end < 0 {
		return "", r.fail(key, problemUnclosed)
	}
	value := r.rest[1 : 1+end]
	r.line += strings.Count(value, "\n")
	r.rest = r.rest[end+2:]
	return value, r.closeLine(key, noComments, problemAfter)
}

// unquoteDouble reads double-quoted text as POSIX has it: a backslash escapes
// \, ", $ and the backtick, joins the next line, and stays before anything else.
// It returns the value and where the closing quote is, or -1.
func unquoteDouble(text string) (value string, end int) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return out.String(), i
		case c == '\\' && i+1 < len(text):
			i++
			switch text[i] {
			case '\\', '"', '$', '`':
			case '\n':
				continue
			default:
				out.WriteByte('\\')
			}
			out.WriteByte(text[i])
		default:
			out.WriteByte(c)
		}
	}
	return "", -1
}

// unescaped reports whether one of the characters stands in the text without a
// backslash that escapes it.
func unescaped(text, characters string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
			continue
		}
		if strings.IndexByte(characters, text[i]) >= 0 {
			return true
		}
	}
	return false
}

// escapes reports whether a character that matches stands after a backslash that
// is not escaped itself.
func escapes(text string, match func(c byte) bool) bool {
	for i := 0; i < len(text)-1; i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if match(text[i]) {
			return true
		}
	}
	return false
}
