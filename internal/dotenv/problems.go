package dotenv

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// maxProblems is how many problems of a text are told at once.
const maxProblems = 20

// statements reads the whole text. It goes on after a problem where it is certain in
// which line the next entry begins, and returns all that it found, by line.
func (r *reader) statements(g grammar, refuseWrapped bool) error {
	var problems []error
	for whole := r.rest; r.rest != "" && len(problems) < maxProblems; {
		if refuseWrapped && isWrapped(whole[:len(whole)-len(r.rest)], r.peekLine()) {
			problems = append(problems, r.fail("", problemWrapped))
			break
		}
		text := r.rest
		r.began = r.line
		err := r.statement(g)
		if err == nil {
			continue
		}
		problems = append(problems, err)
		length := r.dialect.entryLength(text)
		if length < 0 {
			break
		}
		r.rest, r.line = text[length:], r.began+strings.Count(text[:length], "\n")
	}
	problems = append(problems, r.checkReferences()...)
	slices.SortStableFunc(problems, func(a, b error) int { return cmp.Compare(lineOf(a), lineOf(b)) })
	if len(problems) == 1 {
		return problems[0]
	}
	return errors.Join(problems...)
}

func lineOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Line
	}
	return 0
}

// lastLine is the last line of a text, without its line end.
func lastLine(text string) string {
	before := strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	return before[strings.LastIndexByte(before, '\n')+1:]
}

// entryLength is the length of the entry or comment that a text begins with, its line
// break included, whatever is wrong with it; -1 if that is not certain.
func (d Dialect) entryLength(text string) int {
	line, _, _ := strings.Cut(text, "\n")
	_, value, found := strings.Cut(line, "=")
	trimmed := strings.TrimLeft(line, blanks)
	switch {
	case d == Docker, !found, strings.HasPrefix(trimmed, "#"), d == Systemd && strings.HasPrefix(trimmed, ";"):
		return min(len(line)+1, len(text))
	}
	if d != Shell {
		value = strings.TrimLeft(value, blanks)
	}
	start := len(line) - len(value)
	end := d.valueEnd(text[start:])
	if end < 0 {
		return -1
	}
	rest := text[start+end:]
	after, _, _ := strings.Cut(rest, "\n")
	return min(len(text)-len(rest)+len(after)+1, len(text))
}

// valueEnd is a position in the last line of the value that a text begins with, or -1.
func (d Dialect) valueEnd(text string) int {
	line, _, _ := strings.Cut(text, "\n")
	switch {
	case d == Compose && text != "" && strings.IndexByte(`"'`, text[0]) >= 0:
		if _, length, closed := scanQuoted(text[1:], text[0]); closed {
			return 1 + length
		}
		return -1
	case d == Compose:
		return 0
	case d == Shell && strings.ContainsAny(line, "\"'`\\"), strings.ContainsAny(line, "`\\"):
		return -1
	case strings.HasPrefix(text, "'"):
		return strings.IndexByte(text[1:], '\'')
	case strings.HasPrefix(text, `"`):
		_, end := unquoteDouble(text[1:])
		return end
	}
	return 0
}
