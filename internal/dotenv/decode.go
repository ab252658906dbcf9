package dotenv

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Parse reads text that Encode wrote, and what somebody has changed in it since. Where
// a dialect is among the readers, that is [ParseEncoded]. Else the first reader's rules
// count, and what they leave open is an *Error.
func (s Codec) Parse(text secret.Text) (Document, error) {
	if dialects := s.dialects(); len(dialects) > 0 {
		return ParseEncoded(text, dialects[0])
	}
	if len(s.rules) == 0 {
		return Document{}, &Error{Problem: "there is no reader: name one at least"}
	}
	// Compose's names and comments are the widest.
	doc, _, err := parseWith(readerGrammar{s.readers[0], s.rules[0]}, text, Options{Dialect: Compose}, false)
	if err != nil {
		return Document{}, err
	}
	if what := s.rules[0].uncommentable(text.Reveal()); what != "" && separators(text) != separatorsIn(doc) {
		return Document{}, &Error{Problem: string(s.readers[0]) + " can't have a comment with " + what + ": change the comment"}
	}
	return doc, nil
}

// separators counts the line and paragraph separators.
func separators(text secret.Text) int {
	return strings.Count(text.Reveal(), "\u2028") + strings.Count(text.Reveal(), "\u2029")
}

// separatorsIn counts those in values. Outside values they are lines to some readers.
func separatorsIn(doc Document) (count int) {
	for _, line := range doc.Lines {
		if !line.IsComment() {
			count += separators(line.Value)
		}
	}
	return count
}

// readerGrammar reads entries by a reader's rules. It writes nothing.
type readerGrammar struct {
	reader Reader
	rules  rules
}

// readEntry reads NAME=value, with "export" before it or not.
func (g readerGrammar) readEntry(r *reader) error {
	name, _, found := strings.Cut(r.peekLine(), "=")
	if !found {
		return r.fail("", problemNoEquals)
	}
	key := withoutExport(name)
	if err := r.checkName(key); err != nil {
		return err
	}
	if g.isAmbiguous(name, r.peekLine()[len(name)+len("="):]) {
		return r.fail(key, "what "+string(g.reader)+" makes of the line is not certain: write NAME=\"value\"")
	}
	r.rest = strings.TrimLeft(r.rest[len(name)+len("="):], " ")
	value, err := g.value(r, key)
	if err != nil {
		return err
	}
	return r.add(key, value)
}

// isAmbiguous reports whether the readers of a library differ in the line: to node
// --env-file a tab is no blank, and one blank follows export; to ruby export without a
// value sets nothing.
func (readerGrammar) isAmbiguous(name, value string) bool {
	return strings.Contains(name, "\t") || strings.Contains(name, "export  ") ||
		strings.Contains(name, "export ") && strings.Trim(value, blanks) == ""
}

// value reads a value and the rest of its last line.
func (g readerGrammar) value(r *reader, key string) (string, error) {
	problem := "what " + string(g.reader) + " makes of the value is not certain: put it in quotes of another kind"
	if r.rest == "" || strings.IndexByte("'\"`", r.rest[0]) < 0 {
		body, comment, _ := strings.Cut(r.peekLine(), " #")
		value, certain := g.rules.decode(0, strings.TrimRight(body, " "))
		if !certain || cannotBeComment(comment) || strings.Contains(comment, "#") { // the comment begins at the last # to some
			return "", r.fail(key, problem)
		}
		r.cutLine()
		return value, nil
	}
	quote := r.rest[0]
	end := closingQuote(r.rest[1:], quote)
	if end < 0 {
		return "", r.fail(key, problemUnclosed)
	}
	body := r.rest[1 : 1+end]
	value, certain := g.rules.decode(quote, body)
	if !certain {
		return "", r.fail(key, problem)
	}
	r.line += strings.Count(body, "\n")
	r.rest = r.rest[end+2:]
	return value, r.closeLine(key, comments, problemAfter)
}

// closingQuote returns where the closing quote is, or -1. Only in double quotes does a
// backslash escape one.
func closingQuote(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i
		case text[i] == '\\' && quote == '"':
			i++
		}
	}
	return -1
}

func (readerGrammar) quote(string) string { return "" }

func (readerGrammar) unrepresentable(string, string) string { return "" }

func (readerGrammar) uncommentable(string) string { return "" }

func (readerGrammar) isReserved(string) bool { return false }
