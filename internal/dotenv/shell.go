package dotenv

import "strings"

// shellGrammar is what every shell makes of a sourced file of assignments.
type shellGrammar struct{}

func (shellGrammar) quote(value string) string {
	if value != "" && isBare(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

func (shellGrammar) unrepresentable(_, value string) string {
	if strings.IndexByte(value, 0) >= 0 {
		return nulByte
	}
	return ""
}

func (shellGrammar) uncommentable(string) string { return "" }

func (shellGrammar) isReserved(key string) bool { return isShellVariable(key) }

const problemExpands = "a shell would expand the $ or run what is in backticks: put the value in single quotes"

// readEntry reads an assignment that is alone in its line, with "export" before it
// or not.
func (g shellGrammar) readEntry(r *reader) error {
	line := r.peekLine()
	name, _, found := strings.Cut(line, "=")
	if !found {
		return r.fail("", "there is no = in the line, which a shell would run as a command: write NAME=value")
	}
	key := strings.TrimLeft(name, blanks)
	if after, ok := strings.CutPrefix(key, "export"); ok {
		if trimmed := strings.TrimLeft(after, blanks); trimmed != after {
			key = trimmed
		}
	}
	if trimmed := strings.TrimRight(key, blanks); trimmed != key && isKey(trimmed) {
		return r.fail("", "there is a space before the =, which makes a shell run the name as a command: write NAME=value")
	}
	if err := r.checkName(key); err != nil {
		return err
	}
	r.rest = r.rest[len(name)+len("="):]
	value, err := g.word(r, key)
	if err != nil {
		return err
	}
	return r.add(key, value)
}

// word reads a value of bare and quoted pieces, and the rest of its line.
func (g shellGrammar) word(r *reader, key string) (string, error) {
	var value strings.Builder
	for {
		piece, err := g.piece(r, key, value.String())
		if err != nil {
			return "", err
		}
		if piece == nil {
			break
		}
		value.WriteString(*piece)
	}
	return value.String(), r.closeLine(key, comments, "there is a space in the value, after which a shell would run a command: put single quotes around the value")
}

// piece reads a piece of a word that began with before, or nil at the word's end.
func (g shellGrammar) piece(r *reader, key, before string) (*string, error) {
	if r.rest == "" {
		return nil, nil
	}
	switch c := r.rest[0]; {
	case c == '\n' || strings.IndexByte(blanks, c) >= 0 || strings.HasPrefix(r.rest, "\r\n") || r.rest == "\r":
		return nil, nil
	case c == '\'':
		end := strings.IndexByte(r.rest[1:], '\'')
		if end < 0 {
			return nil, r.fail(key, problemUnclosed)
		}
		value := r.rest[1 : 1+end]
		r.line += strings.Count(value, "\n")
		r.rest = r.rest[end+2:]
		return &value, nil
	case c == '"':
		value, end := unquoteDouble(r.rest[1:])
		if end < 0 {
			return nil, r.fail(key, problemUnclosed)
		}
		body := r.rest[1 : 1+end]
		if unescaped(body, "$`") {
			return nil, r.fail(key, problemExpands)
		}
		r.line += strings.Count(body, "\n")
		r.rest = r.rest[end+2:]
		return &value, nil
	case c == '\\' && len(r.rest) > 1 && ' ' <= r.rest[1] && r.rest[1] <= '~':
		value := r.rest[1:2]
		r.rest = r.rest[2:]
		return &value, nil
	}
	return g.bare(r, key, before)
}

// bare reads a piece that is neither quoted nor escaped.
func (shellGrammar) bare(r *reader, key, before string) (*string, error) {
	length := 0
	for length < len(r.rest) && (plainCharacters[r.rest[length]] || r.rest[length] == '#') {
		length++
	}
	if length == 0 {
		switch r.rest[0] {
		case '$', '`':
			return nil, r.fail(key, problemExpands)
		}
		return nil, r.fail(key, "the value has a character that shells don't read alike, or act on, outside quotes: put single quotes around the value")
	}
	value := r.rest[:length]
	if value[0] == '=' && (before == "" || strings.HasSuffix(before, ":")) || strings.Contains(value, ":=") {
		return nil, r.fail(key, problemEquals)
	}
	r.rest = r.rest[length:]
	return &value, nil
}

const problemEquals = "zsh takes an = at the beginning of a value, or after a colon, for a command's path: put quotes around the value"
