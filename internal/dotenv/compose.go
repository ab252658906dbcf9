package dotenv

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Parse reads env text. Values become what the dialect's program would see.
// Refused, as an *Error with its line: names that not every program reads, a name
// that is there twice or without "=", unclosed quotes, text after a closing quote,
// expansion ($NAME), CR LF line ends, NUL bytes and invalid UTF-8.
func Parse(text secret.Text, dialect Dialect) (Document, error) {
	_ = dialect // compose is the only one yet
	plain := strings.TrimPrefix(text.Reveal(), "\ufeff")
	p := &composeParser{rest: plain, line: 1, firstLine: map[string]int{}}
	for {
		more, err := p.next()
		if err != nil {
			return Document{}, err
		}
		if !more {
			return p.doc, nil
		}
	}
}

// composeParser reads as compose-go's dotenv parser does, less what it would
// have to guess.
type composeParser struct {
	rest      string
	line      int
	doc       Document
	firstLine map[string]int
}

func (p *composeParser) fail(key, problem string) error {
	return &Error{Line: p.line, Key: key, Problem: problem}
}

// cutLine takes the rest of the current line, without its LF.
func (p *composeParser) cutLine() string {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	return line
}

// next reads one statement; it reports false at the end.
func (p *composeParser) next() (bool, error) {
	if p.rest == "" {
		return false, nil
	}
	line, _, _ := strings.Cut(p.rest, "\n")
	trimmed := strings.TrimLeft(line, " \t")
	switch {
	case trimmed == "":
		p.cutLine()
		p.line++
		return true, nil
	case strings.HasSuffix(line, "\r") && (strings.TrimSpace(line) == "" || trimmed[0] == '#'):
		return false, p.fail("", problemCRLF)
	case trimmed[0] == '#':
		p.cutLine()
		if strings.ContainsAny(trimmed, "\x00\r") || !utf8.ValidString(trimmed) {
			return false, p.fail("", "the comment holds a NUL byte, a CR or invalid UTF-8")
		}
		p.doc.Lines = append(p.doc.Lines, Line{Value: secret.New(trimmed[1:])})
		p.line++
		return true, nil
	}
	return true, p.entry()
}

const problemCRLF = "the line ends in CR LF, as on Windows: save the text with LF line ends"

// entry reads NAME=value, with compose's optional "export" before it.
func (p *composeParser) entry() error {
	line, _, _ := strings.Cut(p.rest, "\n")
	name, _, found := strings.Cut(line, "=")
	name = strings.TrimLeft(name, " \t")
	if after, ok := strings.CutPrefix(name, "export"); ok && strings.TrimLeft(after, " \t") != after {
		name = strings.TrimLeft(after, " \t")
	}
	name = strings.TrimRight(name, " \t")
	if !found {
		return p.fail("", "there is no = in the line: write NAME=value (a value of several lines needs quotes)")
	}
	if err := CheckKey(name); err != nil {
		return at(err, p.line)
	}
	if first, ok := p.firstLine[name]; ok {
		return p.fail(name, "the name is there already, in line "+strconv.Itoa(first)+": readers differ in which one counts, so keep one")
	}
	p.firstLine[name] = p.line

	afterEquals := p.rest[strings.IndexByte(p.rest, '=')+1:]
	p.rest = strings.TrimLeft(afterEquals, " \t")
	if strings.HasPrefix(p.rest, "#") && p.rest != afterEquals {
		return p.fail(name, `a value that begins with # after a space is a comment to some readers and a value to others: write NAME="" or put quotes around the value`)
	}
	start := p.line
	value, err := p.value(name)
	if err != nil {
		return err
	}
	if problem := Compose.check(value); problem != "" {
		return &Error{Line: start, Key: name, Problem: problem}
	}
	p.doc.Lines = append(p.doc.Lines, Line{Key: name, Value: secret.New(value)})
	return nil
}

// at puts a line to an error of CheckKey.
func at(err error, line int) error {
	var e *Error
	if errors.As(err, &e) {
		e.Line = line
	}
	return err
}

// value reads a bare or quoted value and the rest of its last line.
func (p *composeParser) value(name string) (string, error) {
	if p.rest == "" || p.rest[0] != '"' && p.rest[0] != '\'' {
		return p.bareValue(name)
	}
	quote := p.rest[0]
	body, length, closed := scanQuoted(p.rest[1:], quote)
	if !closed {
		return "", p.fail(name, "the quote that opens the value is never closed")
	}
	raw := p.rest[1 : 1+length]
	var value string
	if quote == '\'' {
		value = body
	} else {
		var problem string
		if value, problem = unescapeDouble(body); problem != "" {
			return "", p.fail(name, problem)
		}
	}
	p.line += strings.Count(raw, "\n")
	p.rest = p.rest[length+2:]
	tail := p.cutLine()
	switch trimmed := strings.TrimLeft(tail, " \t"); {
	case trimmed == "\r":
		return "", p.fail(name, problemCRLF)
	case trimmed != "" && trimmed[0] != '#':
		return "", p.fail(name, "there is text after the closing quote: escape quotes inside the value, or remove it")
	}
	p.line++
	return value, nil
}

// bareValue reads an unquoted value: up to " #" or the line's end.
func (p *composeParser) bareValue(name string) (string, error) {
	line := p.cutLine()
	if strings.HasSuffix(line, "\r") {
		return "", p.fail(name, problemCRLF)
	}
	value, _, _ := strings.Cut(line, " #")
	value = strings.TrimRight(value, " \t")
	if trimmed := strings.TrimFunc(value, unicode.IsSpace); trimmed != value {
		return "", p.fail(name, "the value begins or ends with a space that is not a plain one, which readers trim or keep as they like: put quotes around the value")
	}
	value, problem := dollars(value)
	if problem != "" {
		return "", p.fail(name, problem)
	}
	p.line++
	return value, nil
}

// scanQuoted finds the closing quote. It returns the body with \quote made quote
// and every other escape left alone, and the body's length in the text.
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

// escapes are those that compose knows inside double quotes; \$ becomes $$, which
// dollars then makes one $. A backslash before anything else stays.
var (
	escapePattern = regexp.MustCompile(`\\[abcfnrtv$"\\0]`)
	escapes       = map[string]string{
		`\a`: "\a", `\b`: "\b", `\f`: "\f", `\n`: "\n", `\r`: "\r", `\t`: "\t", `\v`: "\v",
		`\$`: "$$", `\"`: `"`, `\\`: `\`, `\c`: `\c`,
	}
)

func unescapeDouble(body string) (value, problem string) {
	octal := false
	body = escapePattern.ReplaceAllStringFunc(body, func(match string) string {
		octal = octal || match == `\0`
		return escapes[match]
	})
	if octal {
		return "", `there is an octal escape (\0…), which readers take differently: write \\ for a backslash`
	}
	return dollars(body)
}

// expands matches what compose's template language replaces. (?i) as there: it
// also folds two letters outside ASCII.
var expands = regexp.MustCompile(`\$(?:\$|\{|(?i:[_a-z]))`)

// dollars makes $$ one $ and refuses what would be expanded.
func dollars(text string) (value, problem string) {
	expanded := false
	value = expands.ReplaceAllStringFunc(text, func(match string) string {
		expanded = expanded || match != "$$"
		return "$"
	})
	if expanded {
		return "", "the $ would be expanded from the environment of whoever reads the file: " +
			`put the value in single quotes, or write \$ inside double quotes`
	}
	return value, ""
}
