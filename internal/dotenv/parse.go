package dotenv

import (
	"errors"
	"strconv"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Parse reads env text. Values become what the dialect's program would see.
//
// Refused in every dialect, as an *Error with its line: names that are not safe,
// a name that is there twice or without "=", unclosed quotes, text after a closing
// quote, what would be expanded or run, CR LF line ends, NUL bytes and invalid
// UTF-8, values that the dialect couldn't hold if it were to write them, and what
// looks like the rest of a value that was broken into two lines. Several problems are
// one error, joined, each an *Error.
func Parse(text secret.Text, dialect Dialect) (Document, error) {
	return parse(text, dialect, true)
}

// ParseEncoded is Parse for text that was inside a bundle: its names were accepted
// when it was made, and are read whatever they look like.
func ParseEncoded(text secret.Text, dialect Dialect) (Document, error) {
	return parse(text, dialect, false)
}

func parse(text secret.Text, dialect Dialect, refuseWrapped bool) (Document, error) {
	g, err := dialect.known()
	if err != nil {
		return Document{}, err
	}
	r := &reader{rest: text.Reveal(), line: 1, dialect: dialect, firstLine: map[string]int{}}
	if after, ok := strings.CutPrefix(r.rest, "\ufeff"); ok {
		if dialect != Compose && dialect != Docker {
			return Document{}, r.fail("", "the text begins with a byte order mark, which becomes part of the first name: save it without one")
		}
		r.rest, r.mark = after, len("\ufeff")
	}
	if err := r.statements(g, refuseWrapped); err != nil {
		return Document{}, err
	}
	return r.doc, nil
}

// maxProblems is how many problems of a text are told at once.
const maxProblems = 20

// statements reads the whole text. It goes on after a problem where it is certain in
// which line the next entry begins, and returns all that it found.
func (r *reader) statements(g grammar, refuseWrapped bool) error {
	var problems []error
	for whole := r.rest; r.rest != "" && len(problems) < maxProblems; {
		line, begins := r.peekLine(), r.line
		if refuseWrapped && isWrapped(lineBefore(whole, len(whole)-len(r.rest)), line) {
			problems = append(problems, r.fail("", problemWrapped))
			break
		}
		err := r.statement(g)
		if err == nil {
			continue
		}
		problems = append(problems, err)
		if r.line != begins || strings.ContainsAny(line, "\"'`\\") {
			break // the value may go on in the next line
		}
		r.cutLine()
	}
	if len(problems) == 1 {
		return problems[0]
	}
	return errors.Join(problems...)
}

// lineBefore is the line that ends before the position, without its LF.
func lineBefore(text string, position int) string {
	before := strings.TrimSuffix(text[:position], "\n")
	return before[strings.LastIndexByte(before, '\n')+1:]
}

// reader is where a Parse is, and what it has read.
type reader struct {
	rest      string // never begins inside a line between statements
	line      int    // of rest
	mark      int    // the length of the byte order mark
	dialect   Dialect
	doc       Document
	firstLine map[string]int // by name
}

const (
	blanks = " \t"

	problemCRLF     = "the line ends in CR LF, as on Windows: save the text with LF line ends"
	problemUnclosed = "the quote that opens the value is never closed"
	problemAfter    = "there is text after the closing quote: escape quotes inside the value, or remove it"
	problemNoEquals = "there is no = in the line: write NAME=value (a value of several lines needs quotes)"
)

func (r *reader) fail(key, problem string) error {
	return &Error{Line: r.line, Key: key, Problem: problem}
}

// peekLine returns the rest of the current line, without its LF.
func (r *reader) peekLine() string {
	line, _, _ := strings.Cut(r.rest, "\n")
	return line
}

// cutLine takes the rest of the current line and returns it without its LF.
func (r *reader) cutLine() string {
	line, rest, _ := strings.Cut(r.rest, "\n")
	r.rest = rest
	r.line++
	return line
}

// statement reads a blank line, a comment or an entry.
func (r *reader) statement(g grammar) error {
	line := r.peekLine()
	trimmed := strings.TrimLeft(line, blanks)
	if r.dialect == Docker {
		if err := checkDockerLine(r, line); err != nil {
			return err
		}
	}
	switch {
	case trimmed == "":
		r.cutLine()
		return nil
	case trimmed == "\r":
		return r.fail("", problemCRLF)
	case trimmed[0] == '#', trimmed[0] == ';' && r.dialect == Systemd:
		if strings.HasSuffix(line, "\r") {
			return r.fail("", problemCRLF)
		}
		if err := r.dialect.checkComment(trimmed[1:]); err != nil {
			return at(err, r.line)
		}
		r.doc.Lines = append(r.doc.Lines, Line{Value: secret.New(trimmed[1:])})
		r.cutLine()
		return nil
	}
	return g.entry(r)
}

// name checks a name that the current line has and takes note of it.
func (r *reader) name(key string) error {
	if err := r.dialect.CheckKey(key); err != nil {
		return at(err, r.line)
	}
	if first, ok := r.firstLine[key]; ok {
		return r.fail(key, "the name is there already, in line "+strconv.Itoa(first)+": readers differ in which one counts, so keep one")
	}
	r.firstLine[key] = r.line
	return nil
}

// add takes a value, which began in the line where its name is.
func (r *reader) add(key, value string) error {
	if err := r.dialect.CheckValue(key, value); err != nil {
		return at(err, r.firstLine[key])
	}
	r.doc.Lines = append(r.doc.Lines, Line{Key: key, Value: secret.New(value)})
	return nil
}

// Whether a dialect has comments after a value.
const (
	comments   = true
	noComments = false
)

// closeLine takes what follows a value: blanks and perhaps a comment, which isn't
// kept. The problem is that of any other text.
func (r *reader) closeLine(key string, comments bool, problem string) error {
	line := r.peekLine()
	trimmed := strings.TrimLeft(line, blanks)
	switch isComment := comments && strings.HasPrefix(trimmed, "#"); {
	case trimmed == "":
	case trimmed == "\r", isComment && strings.HasSuffix(line, "\r"):
		return r.fail(key, problemCRLF)
	case !isComment:
		return r.fail(key, problem)
	case noComment(trimmed):
		return r.fail(key, problemComment)
	}
	r.cutLine()
	return nil
}

// at puts a line to an error of a check.
func at(err error, line int) error {
	var e *Error
	if errors.As(err, &e) {
		e.Line = line
	}
	return err
}
