package dotenv

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Options say how a text is read.
type Options struct {
	Dialect    Dialect
	References References
}

// Warning tells what was read in a way that its writer may not expect.
type Warning struct {
	Line int
	Key  string // empty where it is about the whole text
	Text string // without a value
}

// String says where and what.
func (w Warning) String() string { return (&Error{w.Line, w.Key, w.Text}).Error() }

// Parse reads env text. Values become what the dialect's program would see.
//
// Of a name that is there twice the last value counts, as for every reader. CR LF line
// ends, a byte order mark and UTF-16 with one are read. [Read] warns of all these.
//
// Refused in every dialect, as an *Error with its line: names that are not safe,
// lines without "=", unclosed quotes, text after a closing quote, what would be
// expanded or run, NUL bytes and invalid UTF-8, values that the dialect couldn't
// hold if it were to write them, and what looks like the rest of a value that was
// broken into two lines. Several problems are one error, joined, each an *Error.
func Parse(text secret.Text, dialect Dialect) (Document, error) {
	doc, _, err := Read(text, Options{Dialect: dialect})
	return doc, err
}

// Read is Parse with references, and with what a person should know of the text.
func Read(text secret.Text, options Options) (Document, []Warning, error) {
	return parse(text, options, true)
}

// ParseEncoded is Parse for text that was inside a bundle: its names were accepted
// when it was made, and are read whatever they look like. A $$ is one $, as compose
// has it.
func ParseEncoded(text secret.Text, dialect Dialect) (Document, error) {
	doc, _, err := parse(text, Options{Dialect: dialect}, false)
	return doc, err
}

func parse(text secret.Text, options Options, strict bool) (Document, []Warning, error) {
	g, err := options.Dialect.known()
	if err != nil {
		return Document{}, nil, err
	}
	if options.References != NoReferences && options.Dialect != Compose {
		return Document{}, nil, &Error{Problem: "references are those of the compose dialect, and the text is read in the " + string(options.Dialect) +
			` dialect: leave references out, or read the text with dialect = "compose"`}
	}
	return parseWith(g, text, options, strict)
}

func parseWith(g grammar, text secret.Text, options Options, strict bool) (Document, []Warning, error) {
	r := &reader{
		rest: text.Reveal(), line: 1, dialect: options.Dialect, options: options, strict: strict,
		assigned: map[string]assignment{}, values: map[string]string{}, referred: map[string][]error{},
	}
	if err := r.decode(); err != nil {
		return Document{}, nil, err
	}
	if err := r.statements(g, strict); err != nil {
		return Document{}, nil, err
	}
	return r.document(), r.warnings, nil
}

// document is what was read, less what a later line replaces.
func (r *reader) document() Document {
	doc := r.doc
	if r.replaced {
		kept := make([]Line, 0, len(doc.Lines))
		for i, line := range doc.Lines {
			if line.IsComment() || r.assigned[line.Key].index == i {
				kept = append(kept, line)
			}
		}
		doc.Lines = kept
	}
	return doc
}

// reader is where a Parse is, and what it has read.
type reader struct {
	rest     string // never begins inside a line between statements
	line     int    // of rest
	began    int    // the line in which the statement began
	mark     int    // the length of the byte order mark
	dialect  Dialect
	options  Options
	strict   bool // the text is a person's, not a bundle's
	doc      Document
	warnings []Warning
	assigned map[string]assignment
	replaced bool               // some name is there twice
	crWarned bool               // of lines that end in CR LF
	values   map[string]string  // by name, for references
	expanded int                // what references brought in, in bytes
	referred map[string][]error // by name, what is wrong if it is set again
	between  []error            // those of names that were
	single   []reference        // in single quotes
}

// assignment is where a name was last set.
type assignment struct {
	line  int
	index int // in the document's lines
}

const (
	blanks = " \t"

	problemCRLF     = "the line ends in a CR without LF: save the text with LF line ends"
	problemUnclosed = "the quote that opens the value is never closed"
	problemAfter    = "there is text after the closing quote: escape quotes inside the value, or remove it"
	problemNoEquals = "there is no = in the line: write NAME=value (a value of several lines needs quotes)"
)

// problem is an error that does not know its line and key yet.
type problem string

func (p problem) Error() string { return string(p) }

func (r *reader) fail(key, problem string) error {
	return &Error{Line: r.line, Key: key, Problem: problem}
}

func (r *reader) warn(line int, key, text string) {
	r.warnings = append(r.warnings, Warning{line, key, text})
}

// peekLine returns the rest of the current line, without its LF or CR LF.
func (r *reader) peekLine() string {
	line, _, _ := strings.Cut(r.rest, "\n")
	if r.endsInCR() {
		return line[:len(line)-1]
	}
	return line
}

// cutLine drops the rest of the current line, and its end.
func (r *reader) cutLine() {
	if !r.crWarned && r.endsInCR() {
		r.crWarned = true
		r.warn(r.line, "", warnSomeEnds)
	}
	_, r.rest, _ = strings.Cut(r.rest, "\n")
	r.line++
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
	return g.readEntry(r)
}

// checkName checks a name that the current line has.
func (r *reader) checkName(key string) error {
	if after, ok := strings.CutPrefix(key, "export"); ok && after != "" && strings.TrimLeft(after, blanks) != after {
		return r.fail("", "the line begins with export, which the "+string(r.dialect)+" dialect's reader does not know: remove it (compose and shell have it)")
	}
	if strings.ContainsAny(key, invisible) {
		return r.fail("", "there is a character that cannot be seen (a zero-width space or a byte order mark) in the name or before it, as pasted text may have: remove it")
	}
	return at(r.dialect.CheckKey(key), r.line)
}

// add takes a value, which began in the line where its name is. It replaces an earlier
// one.
func (r *reader) add(key, value string) error {
	if err := r.dialect.CheckValue(key, value); err != nil {
		return at(err, r.began)
	}
	if earlier, twice := r.assigned[key]; twice {
		r.replaced = true
		r.warn(r.began, key, "the name is set in line "+strconv.Itoa(earlier.line)+" already; the last value counts, as it does for every reader")
		r.between = append(r.between, r.referred[key]...)
		delete(r.referred, key)
	}
	if r.strict && strings.ContainsAny(value, invisible) {
		r.warn(r.began, key, warnInvisible)
	}
	r.assigned[key] = assignment{r.began, len(r.doc.Lines)}
	r.values[key] = value
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
	case !isComment && problem == problemAfter && r.line > r.began:
		return r.fail(key, fmt.Sprintf("%s (the value begins in line %d)", problem, r.began))
	case !isComment:
		return r.fail(key, problem)
	case cannotBeComment(trimmed):
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
