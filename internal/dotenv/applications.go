package dotenv

import (
	"strings"
)

// The rules of the libraries that read env files inside applications, each as its
// parser has them, less what depends on the lines that follow.

// isUnquoted reports whether every library reads the text as it stands, without
// quotes.
func isUnquoted(body string) bool {
	return strings.Trim(body, " ") == body && isPlain(strings.ReplaceAll(body, " ", ""))
}

// closesAtEnd reports whether a closing quote after the body is the first that counts
// to parsers which look for one without a backslash before it.
func closesAtEnd(quote byte, body string) bool {
	if strings.HasSuffix(body, `\`) {
		return false
	}
	for i := range len(body) {
		if body[i] == quote && (i == 0 || body[i-1] != '\\') {
			return false
		}
	}
	return true
}

// nodeRules are those of npm's dotenv and of node's --env-file alike.
type nodeRules struct{}

var nodeEscapes = strings.NewReplacer(`\n`, "\n")

func (nodeRules) takes(quote byte, body string) (string, bool) {
	switch {
	case strings.IndexByte(body, '\r') >= 0:
		return "", false // made LF
	case quote == 0:
		return body, isUnquoted(body)
	case strings.IndexByte(body, quote) >= 0 || strings.HasSuffix(body, `\`):
		return "", false
	case quote != '"':
		return body, true
	}
	return nodeEscapes.Replace(body), !strings.Contains(body, `\r`) // only dotenv decodes that
}

func (nodeRules) cannotHold(_, value string) string { return noText(value) }

func (nodeRules) cannotComment(text string) string {
	if strings.ContainsAny(text, "\u2028\u2029") {
		return "a line or paragraph separator (U+2028, U+2029), after which an entry may begin"
	}
	return ""
}

// objectPrototype is a name that dotenv assigns to an object without effect.
const objectPrototype = "__proto__"

// objectNames are the properties of every object of JavaScript. dotenv-expand 1000 takes
// them for variables that are set, and fails.
var objectNames = map[string]bool{
	objectPrototype: true, "__defineGetter__": true, "__defineSetter__": true, "__lookupGetter__": true, "__lookupSetter__": true,
	"constructor": true, "hasOwnProperty": true, "isPrototypeOf": true, "propertyIsEnumerable": true,
	"toLocaleString": true, "toString": true, "valueOf": true,
}

// checkObjectNames returns an *Error if a reader takes the name for such a property.
func (s Spelling) checkObjectNames(key string) error {
	for _, r := range s.readers {
		if r == Node && key == objectPrototype || r == Next && objectNames[key] {
			return &Error{Key: key, Problem: string(r) + " can't have this name, which every object of JavaScript has already: choose another, or leave " + string(r) + " out of readers"}
		}
	}
	return nil
}

// nextRules are those of dotenv with dotenv-expand, which looks for references in all
// quotes, and in some versions runs $(…).
type nextRules struct{ nodeRules }

var unescapedDollar = compiled(`(?:^|[^\\])\$`)

func (r nextRules) takes(quote byte, body string) (string, bool) {
	value, certain := r.nodeRules.takes(quote, body)
	if !certain || unescapedDollar().MatchString(value) {
		return "", false
	}
	return strings.ReplaceAll(value, `\$`, "$"), true
}

func (nextRules) cannotHold(_, value string) string {
	if strings.Contains(value, "$(") {
		return "$(, which some of its versions run as a command"
	}
	return noText(value)
}

// pythonRules are those of python-dotenv.
type pythonRules struct{}

var (
	pythonReference     = compiled(`\$\{[^}:]*(?::-[^}]*)?\}`)
	pythonSingleEscapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`)
	pythonDoubleEscapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`, `\a`, "\a", `\b`, "\b", `\f`, "\f", `\n`, "\n", `\r`, "\r", `\t`, "\t", `\v`, "\v")
)

func (pythonRules) takes(quote byte, body string) (string, bool) {
	value, certain := body, isUnquoted(body)
	switch quote {
	case 0:
	case '\'':
		value, certain = pythonSingleEscapes.Replace(body), closesAtEnd(quote, body)
	case '"':
		value, certain = pythonDoubleEscapes.Replace(body), closesAtEnd(quote, body)
	default:
		certain = false // no quote to it
	}
	return value, certain && strings.IndexByte(body, '\r') < 0 && !pythonReference().MatchString(value)
}

func (pythonRules) cannotHold(_, value string) string { return noText(value) }

func (pythonRules) cannotComment(string) string { return "" }

// phpRules are those of phpdotenv.
type phpRules struct{}

var phpEscapes = map[byte]byte{'"': '"', '\\': '\\', '$': '$', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

func (phpRules) takes(quote byte, body string) (string, bool) {
	if strings.ContainsAny(body, "\r\n") {
		return "", false // a line is a line, but for some forms of double quotes
	}
	switch quote {
	case 0:
		return body, isUnquoted(body) && strings.IndexByte(body, ' ') < 0
	case '\'':
		// A double quote after = begins a value of several lines, wherever it stands.
		return body, strings.IndexByte(body, '\'') < 0 && !strings.Contains(body, `="`)
	case '"':
		return phpDouble(body)
	}
	return "", false
}

// phpDouble reads what stands in double quotes.
func phpDouble(body string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"' || c == '$' && strings.HasPrefix(body[i:], "${"):
			return "", false
		case c == '\\':
			if i++; i == len(body) {
				return "", false
			}
			decoded, known := phpEscapes[body[i]]
			if !known {
				return "", false // an error of the whole file
			}
			out.WriteByte(decoded)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), true
}

func (phpRules) cannotHold(_, value string) string { return noText(value) }

func (phpRules) cannotComment(text string) string {
	if strings.Contains(text, `="`) {
		return `="`
	}
	return ""
}

// rubyRules are those of ruby's dotenv from version 3 on.
type rubyRules struct{}

var rubyEscape = compiled(`\\([^$])`)

func (rubyRules) takes(quote byte, body string) (string, bool) {
	if strings.IndexByte(body, '\r') >= 0 {
		return "", false // made LF
	}
	switch quote {
	case 0:
		return body, isUnquoted(body)
	case '\'':
		return body, strings.IndexByte(body, '\'') < 0 && !strings.HasSuffix(body, `\`)
	case '"':
		// A line break is kept as \n, and the backslash of any other escape dropped; but
		// that of \$( stays.
		if !closesAtEnd(quote, body) || strings.Contains(body, "$(") || escapes(body, func(c byte) bool { return c == 'n' || c == 'r' }) {
			return "", false
		}
		value := rubyEscape().ReplaceAllString(body, "$1")
		return strings.ReplaceAll(value, `\$`, "$"), !unescaped(body, "$")
	}
	return "", false
}

func (rubyRules) cannotHold(_, value string) string { return noText(value) }

func (rubyRules) cannotComment(string) string { return "" }

// goRules are those of godotenv.
type goRules struct{}

var (
	goEscape   = compiled(`\\.`)
	goUnescape = compiled(`\\([^$])`)
)

func (goRules) takes(quote byte, body string) (string, bool) {
	if strings.IndexByte(body, '\r') >= 0 {
		return "", false // made LF before an LF
	}
	switch quote {
	case 0:
		return body, isUnquoted(body)
	case '\'':
		return body, strings.IndexByte(body, '\'') < 0 && !strings.HasSuffix(body, `\`)
	case '"':
		// Quotes at both ends are dropped, escaped or not.
		if !closesAtEnd(quote, body) || strings.HasSuffix(body, `"`) || unescaped(body, "$") {
			return "", false
		}
		value := goEscape().ReplaceAllStringFunc(body, func(match string) string {
			switch match {
			case `\n`:
				return "\n"
			case `\r`:
				return "\r"
			}
			return match
		})
		value = goUnescape().ReplaceAllString(value, "$1")
		return strings.ReplaceAll(value, `\$`, "$"), true
	}
	return "", false
}

func (goRules) cannotHold(_, value string) string { return noText(value) }

func (goRules) cannotComment(string) string { return "" }
