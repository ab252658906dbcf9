package dotenv

import (
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// An editor or a mail program may have broken a long base64 value into two lines. The
// second one then ends in the padding, "=" or "==", and reads as an entry: a piece of
// the secret is its name, and names are public. Such a line is recognised by what
// base64 allows and by how unlike a name it looks; wrapped_test.go measures how often
// either goes wrong.

const problemWrapped = "the line looks like the rest of a base64 value that was broken into two lines, so that a piece of the value would become a name, which is public: " +
	"write the value in one line"

const (
	// minRun is how many characters of base64 the text before ends in, at least, to
	// count as a value that goes on.
	minRun = 16
	// minAlone is the length from which a name that looks random is refused whatever
	// the line before is.
	minAlone = 15
)

var (
	// base64Run is what a line ends in; a backslash can be there to continue it. The
	// value may be in several lines before: at 70 columns, which OpenSSH breaks its keys
	// at, one line is no whole number of groups.
	base64Run = compiled(`[A-Za-z0-9+/_-]*\\?$`)
	// word matches a part of a name, a number, or a letter that belongs to no word.
	word = compiled(`[A-Z]?[a-z]{2,}|[A-Z]{2,}|[0-9]+|[A-Za-z]`)
)

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// runBefore is the base64 that a text ends in, over as many lines as hold nothing else.
func runBefore(text string) string {
	var runs []string
	for text != "" {
		line := strings.Trim(lastLine(text), blanks)
		found := base64Run().FindString(line)
		if found == "" {
			break
		}
		runs = append(runs, strings.TrimSuffix(found, `\`))
		if len(found) < len(line) {
			break
		}
		text = text[:strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n')+1]
	}
	slices.Reverse(runs)
	return strings.Join(runs, "")
}

var wrappedCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_-")

// cutPadded cuts a line of nothing but base64, which may be a name, and its padding, with
// what may follow in a connection string, in JSON or in a quoted value.
func cutPadded(line string) (name, padding string, ok bool) {
	length := wrappedCharacters.Prefix(line)
	name, rest := line[:length], line[length:]
	equals := len(rest) - len(strings.TrimLeft(rest, "="))
	if !keyStart.Begins(name) || equals < 1 || equals > 2 {
		return "", "", false
	}
	padding, rest = rest[:equals], rest[equals:]
	switch {
	case rest == "", len(rest) == 1 && strings.IndexByte(`"'\`, rest[0]) >= 0,
		strings.IndexByte(",;&)}]", rest[0]) >= 0 && strings.IndexByte(rest, '\n') < 0:
		return name, padding, true
	}
	return "", "", false
}

// isWrapped reports whether a line looks like the rest of a base64 value that the text
// before ends in.
func isWrapped(before, line string) bool {
	name, padding, ok := cutPadded(strings.Trim(line, blanks))
	if !ok {
		return false
	}
	run := runBefore(before)
	if (len(run)+len(name)+len(padding))%4 != 0 {
		return false // base64 comes in groups of four
	}
	// The last character holds two or four bits that encoders leave zero.
	unused := 4
	if len(padding) == 2 {
		unused = 16
	}
	if last := strings.IndexByte(base64Digits, name[len(name)-1]); last < 0 || last%unused != 0 {
		return false
	}
	if strings.ContainsAny(run, "+/") && strings.ContainsAny(name, "-_") {
		return false // no value is in both alphabets
	}
	if len(run) >= minRun && looksRandom(run, 3) {
		switch {
		case strings.ContainsAny(name, "-_") && !strings.ContainsAny(run, "-_"):
			return looksRandom(name, 2.35) // a value in the URL-safe alphabet, or a name in words
		case len(padding) == 2:
			return true // a value that is "=" is no value
		}
		return looksRandom(name, 3)
	}
	return len(name) >= minAlone && looksRandom(name, 2.35)
}

// looksRandom reports whether a text has letters of both cases, in words that are
// shorter than that on average.
func looksRandom(text string, wordLength float64) bool {
	if strings.ToLower(text) == text || strings.ToUpper(text) == text {
		return false
	}
	letters := 0
	words := word().FindAllString(text, -1)
	for _, w := range words {
		letters += len(w)
	}
	return float64(letters) < wordLength*float64(len(words))
}
