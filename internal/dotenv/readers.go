package dotenv

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Reader names a program that is to read an env text: one of the dialects, or a
// library inside applications.
type Reader string

// The readers that are no dialects.
const (
	// Node is npm's dotenv, and node's --env-file.
	Node Reader = "node"
	// Next is Next.js, or dotenv with dotenv-expand.
	Next Reader = "next"
	// Python is python-dotenv.
	Python Reader = "python"
	// PHP is phpdotenv, as Laravel uses it.
	PHP Reader = "php"
	// Ruby is ruby's dotenv, from version 3 on.
	Ruby Reader = "ruby"
	// Go is godotenv.
	Go Reader = "go"
)

// readerTable has a line for each reader that is no dialect, as dialectTable has for
// dialects.
var readerTable = []struct {
	reader   Reader
	programs string
}{
	{Node, "Node.js: `dotenv` of npm, and `node --env-file`"},
	{Next, "Next.js, and `dotenv` with `dotenv-expand`"},
	{Python, "python-dotenv: Flask, many Django projects"},
	{PHP, "phpdotenv: Laravel"},
	{Ruby, "`dotenv` of Ruby, version 3 and later: Rails"},
	{Go, "godotenv"},
}

// Readers lists all readers, the dialects first.
func Readers() []Reader {
	var all []Reader
	for _, line := range dialectTable {
		all = append(all, Reader(line.dialect))
	}
	for _, line := range readerTable {
		all = append(all, line.reader)
	}
	return all
}

// Programs names the programs that read a text as the reader does, in Markdown.
func (r Reader) Programs() string {
	for _, line := range dialectTable {
		if r == Reader(line.dialect) {
			return line.programs
		}
	}
	for _, line := range readerTable {
		if r == line.reader {
			return line.programs
		}
	}
	return ""
}

// rules say what a reader makes of a value in a text.
type rules interface {
	// decode returns what the reader makes of a value that is written as body in
	// quotes of that kind, or in none where quote is 0. It reports false where that
	// is not certain, as where it depends on what follows.
	decode(quote byte, body string) (value string, certain bool)
	// unrepresentable names what keeps the reader from any entry of that name and value,
	// or is "".
	unrepresentable(key, value string) string
	// uncommentable names what keeps a text of one line from being a comment.
	uncommentable(text string) string
}

// rules returns nil for a reader that there isn't.
func (r Reader) rules() rules {
	switch r {
	case Node:
		return nodeRules{}
	case Next:
		return nextRules{}
	case Python:
		return pythonRules{}
	case PHP:
		return phpRules{}
	case Ruby:
		return rubyRules{}
	case Go:
		return goRules{}
	}
	if d := Dialect(r); d.grammar() != nil {
		return dialectRules{d}
	}
	return nil
}

// Codec says how entries are written: so that every one of some readers gets
// their values. The zero value can't write.
type Codec struct {
	readers []Reader
	rules   []rules
}

// NewCodec returns the codec for all of these readers. It returns an *Error if there
// are none, or one that doesn't exist.
func NewCodec(readers ...Reader) (Codec, error) {
	if len(readers) == 0 {
		return Codec{}, &Error{Problem: "there is no reader: name one at least"}
	}
	var s Codec
	for _, r := range readers {
		if slices.Contains(s.readers, r) {
			continue
		}
		rules := r.rules()
		if rules == nil {
			return Codec{}, &Error{Problem: "there is no such reader: use " + joinNames(Readers(), "or")}
		}
		s.readers, s.rules = append(s.readers, r), append(s.rules, rules)
	}
	return s, nil
}

// String lists the readers.
func (s Codec) String() string { return joinNames(s.readers, "and") }

// dialects are those of the readers that are dialects.
func (s Codec) dialects() (found []Dialect) {
	for _, r := range s.readers {
		if d := Dialect(r); d.grammar() != nil {
			found = append(found, d)
		}
	}
	return found
}

// CheckKey returns an *Error if the name is not safe, or one of the readers can't
// have it.
func (s Codec) CheckKey(key string) error {
	dialects := s.dialects()
	for _, d := range dialects {
		if err := d.CheckKey(key); err != nil {
			return err
		}
	}
	if len(dialects) == len(s.readers) {
		return nil
	}
	return cmp.Or(checkKey(key, isKey), s.checkObjectNames(key))
}

// CheckValue returns an *Error if the value can't be written so that all readers get
// it. It says which of them stand in the way.
func (s Codec) CheckValue(key, value string) error {
	_, err := s.quote(key, value)
	return err
}

// quote writes a value.
func (s Codec) quote(key, value string) (string, error) {
	if text, ok := s.spell(key, value); ok {
		return text, nil
	}
	if dialects := s.dialects(); len(dialects) == 1 && len(s.readers) == 1 {
		return "", dialects[0].CheckValue(key, value) // the other dialects are the remedy
	}
	return "", &Error{Key: key, Problem: s.explain(key, value)}
}

// spell tries the ways to write a value, those of one line first.
func (s Codec) spell(key, value string) (string, bool) {
	for _, r := range s.rules {
		if r.unrepresentable(key, value) != "" {
			return "", false
		}
	}
	if len(s.readers) == 1 {
		if g := Dialect(s.readers[0]).grammar(); g != nil {
			return g.quote(value), true
		}
	}
	several := ""
	for _, quoting := range quotings {
		body, can := quoting.write(value)
		if !can || !s.allDecode(quoting.quote, body, value) {
			continue
		}
		text := quoted(quoting.quote, body)
		if !strings.Contains(text, "\n") {
			return text, true
		}
		if several == "" {
			several = text
		}
	}
	return several, several != ""
}

// allDecode reports whether every reader makes the value of that body.
func (s Codec) allDecode(quote byte, body, value string) bool {
	return !slices.ContainsFunc(s.rules, func(r rules) bool {
		got, certain := r.decode(quote, body)
		return !certain || got != value
	})
}

// explain says why a value can't be written, and what to do.
func (s Codec) explain(key, value string) string {
	const encode = "encode the value, for example as base64"
	can := func(readers ...Reader) bool {
		some, err := NewCodec(readers...)
		if err != nil {
			return false
		}
		_, can := some.spell(key, value)
		return can
	}
	var none, without []Reader
	for i, r := range s.readers {
		if what := s.rules[i].unrepresentable(key, value); what != "" {
			return string(r) + " can't hold " + what + ": leave " + string(r) + " out of readers, or " + encode
		}
		if !can(r) {
			none = append(none, r)
		} else if can(slices.Delete(slices.Clone(s.readers), i, i+1)...) {
			without = append(without, r)
		}
	}
	switch {
	case len(none) > 0:
		return "no way to write the value is read right by " + joinNames(none, "and") + ": leave out " + joinNames(none, "and") + ", or " + encode
	case len(without) > 0:
		return "no way to write the value is read alike by " + joinNames(s.readers, "and") + ": leave out " + joinNames(without, "or") + ", or " + encode
	}
	return "no way to write the value is read alike by " + joinNames(s.readers, "and") + ": leave some out, or " + encode
}

// Encode writes the document as text for the readers, as Document.Encode does for a
// dialect.
func (s Codec) Encode(doc Document) (secret.Text, error) {
	return s.EncodeEach(doc, func(Line, string) {})
}

// EncodeEach is Encode, and calls each with the text of every entry, its line break
// included: who has to look at the texts need not encode the entries again.
func (s Codec) EncodeEach(doc Document, each func(entry Line, text string)) (secret.Text, error) {
	if len(s.rules) == 0 {
		return secret.Text{}, &Error{Problem: "there is no reader: name one at least"}
	}
	var out strings.Builder
	seen := make(map[string]bool, len(doc.Lines))
	for _, line := range doc.Lines {
		value := line.Value.Reveal()
		if line.IsComment() {
			if err := s.checkComment(value); err != nil {
				return secret.Text{}, err
			}
			out.WriteString("#" + value + "\n")
			continue
		}
		if err := s.CheckKey(line.Key); err != nil {
			return secret.Text{}, err
		}
		if seen[line.Key] {
			return secret.Text{}, &Error{Key: line.Key, Problem: "the name is there twice: readers differ in which one counts"}
		}
		seen[line.Key] = true
		text, err := s.quote(line.Key, value)
		if err != nil {
			return secret.Text{}, err
		}
		entry := line.Key + "=" + text + "\n"
		each(line, entry)
		out.WriteString(entry)
	}
	return secret.New(out.String()), nil
}

// checkComment returns an *Error if a reader can't have the text as a comment.
func (s Codec) checkComment(text string) error {
	if cannotBeComment(text) {
		return &Error{Problem: problemComment}
	}
	for i, r := range s.rules {
		if d := Dialect(s.readers[i]); d.grammar() != nil {
			if err := d.checkComment(text); err != nil {
				return err
			}
		} else if what := r.uncommentable(text); what != "" {
			return &Error{Problem: string(s.readers[i]) + " can't have a comment with " + what + ": change the comment"}
		}
	}
	return nil
}

// dialectRules are those of the program whose dialect it is.
type dialectRules struct{ dialect Dialect }

func (r dialectRules) decode(quote byte, body string) (string, bool) {
	doc, err := Parse(secret.New("K="+quoted(quote, body)+"\n"), r.dialect)
	if err != nil || len(doc.Lines) != 1 || doc.Lines[0].Key != "K" {
		return "", false
	}
	return doc.Lines[0].Value.Reveal(), true
}

func (r dialectRules) unrepresentable(key, value string) string {
	return r.dialect.grammar().unrepresentable(key, value)
}

func (r dialectRules) uncommentable(text string) string {
	return r.dialect.grammar().uncommentable(text)
}
