package dotenv

import (
	"strings"
)

// The rules of the libraries that read env files inside applications. Each set of rules
// follows the library's parser, except where the result depends on later lines.

// isUnquoted reports whether every library reads the text unchanged, without quotes.
func isUnquoted(body string) bool {
	return strings.Trim(body, " ") == body && isPlain(strings.ReplaceAll(body, " ", ""))
}

// closesAtEnd reports whether a quote after the body is the closing one, to a parser that
// takes the first quote without a backslash before it.
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

// nodeRules are the rules that npm's dotenv and node's --env-file share.
type nodeRules struct{}

var nodeEscapes = strings.NewReplacer(`\n`, "\n")

func (nodeRules) decode(quote byte, body string) (string, bool) {
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

func (nodeRules) unrepresentable(_, value string) string { return notText(value) }

func (nodeRules) uncommentable(text string) string {
	if strings.ContainsAny(text, "\u2028\u2029") {
		return "a line or paragraph separator (U+2028, U+2029), after which an entry may begin"
	}
	return ""
}

// objectPrototype is a name that dotenv assigns to an object without effect.
const objectPrototype = "__proto__"

// objectNames are the properties of every JavaScript object. dotenv-expand 1000 treats
// them as variables that are set, and fails.
var objectNames = map[string]bool{
	objectPrototype: true, "__defineGetter__": true, "__defineSetter__": true, "__lookupGetter__": true, "__lookupSetter__": true,
	"constructor": true, "hasOwnProperty": true, "isPrototypeOf": true, "propertyIsEnumerable": true,
	"toLocaleString": true, "toString": true, "valueOf": true,
}

// checkObjectNames returns an *Error if a reader mistakes the name for such a property.
func (s Codec) checkObjectNames(key string) error {
	for _, r := range s.readers {
		if r == Node && key == objectPrototype || r == Next && objectNames[key] {
			return &Error{Key: key, Problem: string(r) + " can't have this name, which every object of JavaScript has already: choose another, or leave " + string(r) + " out of readers"}
		}
	}
	return nil
}

// nextRules are the rules of dotenv with dotenv-expand, which expands references in all
// kinds of quotes, and in some versions runs $(…).
type nextRules struct{ nodeRules }

var unescapedDollar = compiled(`(?:^|[^\\])\$`)

func (r nextRules) decode(quote byte, body string) (string, bool) {
	value, certain := r.nodeRules.decode(quote, body)
	if !certain || unescapedDollar().MatchString(value) {
		return "", false
	}
	return strings.ReplaceAll(value, `\$`, "$"), true
}

func (nextRules) unrepresentable(_, value string) string {
	if strings.Contains(value, "$(") {
		return "$(, which some of its versions run as a command"
	}
	return notText(value)
}

// pythonRules are the rules of python-dotenv.
type pythonRules struct{}

var (
	pythonReference     = compiled(`\$\{[^}:]*(?::-[^}]*)?\}`)
	pythonSingleEscapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`)
	pythonDoubleEscapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`, `\a`, "\a", `\b`, "\b", `\f`, "\f", `\n`, "\n", `\r`, "\r", `\t`, "\t", `\v`, "\v")
)

func (pythonRules) decode(quote byte, body string) (string, bool) {
	value, certain := body, isUnquoted(body)
	switch quote {
	case 0:
	case '\'':
		value, certain = pythonSingleEscapes.Replace(body), closesAtEnd(quote, body)
	case '"':
		value, certain = pythonDoubleEscapes.Replace(body), closesAtEnd(quote, body)
	default:
		certain = false // a backtick is no quote to python-dotenv
	}
	return value, certain && strings.IndexByte(body, '\r') < 0 && !pythonReference().MatchString(value)
}

func (pythonRules) unrepresentable(_, value string) string { return notText(value) }

func (pythonRules) uncommentable(string) string { return "" }

// phpRules are the rules of phpdotenv.
type phpRules struct{}

var phpEscapes = map[byte]byte{'"': '"', '\\': '\\', '$': '$', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

func (phpRules) decode(quote byte, body string) (string, bool) {
	if strings.ContainsAny(body, "\r\n") {
		return "", false // only some forms of double quotes may span lines
	}
	switch quote {
	case 0:
		return body, isUnquoted(body) && strings.IndexByte(body, ' ') < 0
	case '\'':
		// Anywhere in a line, =" begins a value of several lines.
		return body, strings.IndexByte(body, '\'') < 0 && !strings.Contains(body, `="`)
	case '"':
		return phpDouble(body)
	}
	return "", false
}

// phpDouble decodes the text between double quotes.
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
				return "", false // phpdotenv refuses the whole file
			}
			out.WriteByte(decoded)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), true
}

func (phpRules) unrepresentable(_, value string) string { return notText(value) }

func (phpRules) uncommentable(text string) string {
	if strings.Contains(text, `="`) {
		return `="`
	}
	return ""
}

// rubyRules are the rules of ruby's dotenv, version 3 and later.
type rubyRules struct{}

var rubyEscape = compiled(`\\([^$])`)

func (rubyRules) decode(quote byte, body string) (string, bool) {
	if strings.IndexByte(body, '\r') >= 0 {
		return "", false // made LF
	}
	switch quote {
	case 0:
		return body, isUnquoted(body)
	case '\'':
		return body, strings.IndexByte(body, '\'') < 0 && !strings.HasSuffix(body, `\`)
	case '"':
		// Ruby keeps \n and \r as two characters, drops the backslash of other escapes, and
		// keeps the one of \$(.
		if !closesAtEnd(quote, body) || strings.Contains(body, "$(") || escapes(body, func(c byte) bool { return c == 'n' || c == 'r' }) {
			return "", false
		}
		value := rubyEscape().ReplaceAllString(body, "$1")
		return strings.ReplaceAll(value, `\$`, "$"), !unescaped(body, "$")
	}
	return "", false
}

func (rubyRules) unrepresentable(_, value string) string { return notText(value) }

func (rubyRules) uncommentable(string) string { return "" }

// goRules are the rules of godotenv.
type goRules struct{}

var (
	goEscape   = compiled(`\\.`)
	goUnescape = compiled(`\\([^$])`)
)

func (goRules) decode(quote byte, body string) (string, bool) {
	if strings.IndexByte(body, '\r') >= 0 {
		return "", false // dropped before an LF
	}
	switch quote {
	case 0:
		return body, isUnquoted(body)
	case '\'':
		return body, strings.IndexByte(body, '\'') < 0 && !strings.HasSuffix(body, `\`)
	case '"':
		// godotenv strips all quotes at both ends, even escaped ones.
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

func (goRules) unrepresentable(_, value string) string { return notText(value) }

func (goRules) uncommentable(string) string { return "" }
