package dotenv

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// Dialect names the program whose rules an env text follows.
type Dialect string

// The dialects.
const (
	// Compose is docker compose's: env_file, and .env beside the compose file.
	Compose Dialect = "compose"
	// Docker is that of docker's --env-file, and of an env_file with format raw.
	Docker Dialect = "docker"
	// Systemd is that of a unit's EnvironmentFile.
	Systemd Dialect = "systemd"
	// Shell is that of a file that a shell sources: sh, bash, ksh, mksh, zsh.
	Shell Dialect = "shell"
	// Portable is what compose, systemd and shells read alike.
	Portable Dialect = "portable"
)

// dialectTable has a line for each dialect, the default first. The descriptions in the
// schema and the docs come from it.
var dialectTable = []struct {
	dialect  Dialect
	programs string // that read text in it, in Markdown
}{
	{Compose, "docker compose: `env_file`, and `.env` next to the compose file"},
	{Docker, "`docker run --env-file`, and compose's `format: raw`: no quotes, no line breaks"},
	{Systemd, "systemd: `EnvironmentFile=`"},
	{Shell, "a POSIX shell that reads the text with `.`"},
	{Portable, "compose, systemd and shells alike"},
}

// Dialects lists all dialects, the default first.
func Dialects() []Dialect {
	var all []Dialect
	for _, line := range dialectTable {
		all = append(all, line.dialect)
	}
	return all
}

// grammar is what sets a dialect apart.
type grammar interface {
	// readEntry reads NAME=value and what ends it.
	readEntry(r *reader) error
	// quote writes a value that the dialect can hold.
	quote(value string) string
	// unrepresentable names what in the value the dialect can't hold, or is "". The
	// words stand after "can't hold".
	unrepresentable(key, value string) string
	// uncommentable names likewise what keeps a text of one line from being a
	// comment.
	uncommentable(text string) string
	// isReserved reports whether a name belongs to the program itself.
	isReserved(key string) bool
}

// grammar returns nil for a dialect that there isn't. It is a switch because the
// grammars themselves ask other dialects what they can hold.
func (d Dialect) grammar() grammar {
	switch d {
	case Compose:
		return composeGrammar{}
	case Docker:
		return dockerGrammar{}
	case Systemd:
		return systemdGrammar{}
	case Shell:
		return shellGrammar{}
	case Portable:
		return portableGrammar{}
	}
	return nil
}

// known returns the dialect's grammar, or an *Error that lists those there are.
func (d Dialect) known() (grammar, error) {
	if g := d.grammar(); g != nil {
		return g, nil
	}
	return nil, &Error{Problem: "there is no such dialect: use " + joinNames(Dialects(), "or")}
}

// CheckValue returns an *Error if the dialect can't hold the value. It says which
// others could hold it under that name.
func (d Dialect) CheckValue(key, value string) error {
	g, err := d.known()
	if err != nil {
		return err
	}
	what := g.unrepresentable(key, value)
	if what == "" {
		return nil
	}
	return &Error{Key: key, Problem: d.cannot(what, "encode the value, for example as base64", func(other Dialect) bool {
		return other.CheckKey(key) == nil && other.grammar().unrepresentable(key, value) == ""
	})}
}

// CheckKey returns an *Error if the name is not safe: in any dialect, or in this
// one.
func (d Dialect) CheckKey(key string) error {
	g, err := d.known()
	if err != nil {
		return err
	}
	if err := checkKey(key, d.names()); err != nil {
		return err
	}
	if g.isReserved(key) {
		return &Error{Key: key, Problem: d.cannot("a name that a shell keeps for itself", "choose another name", func(other Dialect) bool {
			return !other.grammar().isReserved(key)
		})}
	}
	return nil
}

// names reports of a name whether the dialect's program reads it, less what only some
// versions do.
func (d Dialect) names() func(key string) bool {
	if d == Compose || d == Docker {
		return isDottedKey
	}
	return isKey
}

// checkComment returns an *Error if the dialect can't hold the text as a comment.
func (d Dialect) checkComment(text string) error {
	g, err := d.known()
	if err != nil {
		return err
	}
	if cannotBeComment(text) {
		return &Error{Problem: problemComment}
	}
	if what := g.uncommentable(text); what != "" {
		return &Error{Problem: d.cannot("a comment with "+what, "change the comment", func(other Dialect) bool {
			return other.grammar().uncommentable(text) == ""
		})}
	}
	return nil
}

const problemComment = "the comment holds a line break, a CR, a NUL byte or invalid UTF-8"

// cannotBeComment reports whether no dialect can hold the text as a comment.
func cannotBeComment(text string) bool {
	return strings.ContainsAny(text, "\r\n\x00") || !utf8.ValidString(text)
}

// cannot says what the dialect can't hold, and which can, or if none does what
// to do about it.
func (d Dialect) cannot(what, remedy string, can func(Dialect) bool) string {
	others := slices.DeleteFunc(Dialects(), func(other Dialect) bool { return other == d || !can(other) })
	problem := "the " + string(d) + " dialect can't hold " + what + "; "
	if len(others) == 0 {
		return problem + "no dialect can: " + remedy
	}
	return problem + joinNames(others, "and") + " can"
}

// joinNames writes names as "a, b and c".
func joinNames[Name ~string](names []Name, last string) string {
	var out strings.Builder
	for i, name := range names {
		switch {
		case i > 0 && i == len(names)-1:
			out.WriteString(" " + last + " ")
		case i > 0:
			out.WriteString(", ")
		}
		out.WriteString(string(name))
	}
	return out.String()
}

const (
	nulByte     = "a NUL byte"
	invalidUTF8 = "invalid UTF-8"
)

// notText names what keeps a value from being UTF-8 text, or is "".
func notText(value string) string {
	switch {
	case strings.IndexByte(value, 0) >= 0:
		return nulByte
	case !utf8.ValidString(value):
		return invalidUTF8
	}
	return ""
}

// isBare reports whether every dialect reads the text as it stands, without
// quotes. In zsh a = that begins a word, or a part of it after a colon, is the
// path of a command.
func isBare(value string) bool {
	return isPlain(value) && !strings.HasPrefix(value, "=") && !strings.Contains(value, ":=")
}

// isPlain reports whether every reader but zsh reads the text as it stands.
func isPlain(value string) bool { return plainCharacters.Holds(value) }

var plainCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_./:@%+,^=-")
