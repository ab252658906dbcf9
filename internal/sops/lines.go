package sops

import (
	"regexp"
	"strings"
)

// line is a line of the dotenv store. There is no trimming and no quoting in it:
// what stands after the first "=" is the value, quotes included.
type line struct {
	number  int
	key     string // empty for a comment
	value   string // for a comment, what stands after "#"
	comment bool
}

// namePattern is stricter than sops: a name that only sops accepts would end a
// line early, or be run by a shell.
var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

// parseLines cuts env text into lines, on LF only. Refused, as an *Error: lines
// without "=", names that not every reader takes, CR LF, and names that are there
// twice (the last would win for most readers, and sops' MAC does not notice).
func parseLines(text string) ([]line, error) {
	if len(text) > MaxSize {
		return nil, ErrTooLarge
	}
	// Counted beforehand: growing to millions of lines takes seconds. A line that
	// is kept takes two bytes at least.
	lines := make([]line, 0, min(strings.Count(text, "\n"), len(text)/2)+1)
	seen := map[string]bool{}
	number := 0
	for raw := range strings.SplitSeq(text, "\n") {
		number++
		if raw == "" {
			continue
		}
		if strings.HasSuffix(raw, "\r") {
			return nil, &Error{Line: number, Problem: "the line ends in CR LF: sops takes the CR for a part of the value, so save the file with LF line ends"}
		}
		if raw[0] == '#' {
			lines = append(lines, line{number: number, value: raw[1:], comment: true})
			continue
		}
		key, value, found := strings.Cut(raw, "=")
		switch {
		case !found:
			return nil, &Error{Line: number, Problem: "there is no = in the line, and sops' dotenv files hold NAME=value lines only"}
		case !namePattern.MatchString(key):
			return nil, &Error{Line: number, Problem: "the name is not one that every program reads: letters, digits and _, no digit first, 255 at most"}
		case seen[key]:
			return nil, &Error{Line: number, Key: key, Problem: "the name is there twice, and sops does not authenticate which one counts: remove one"}
		}
		seen[key] = true
		lines = append(lines, line{number: number, key: key, value: value})
	}
	return lines, nil
}

// sops reads the two characters \n as LF and writes LF as \n. Text without a
// line break inside a value survives that byte for byte.
func loadBreaks(text string) string { return strings.ReplaceAll(text, `\n`, "\n") }
func emitBreaks(text string) string { return strings.ReplaceAll(text, "\n", `\n`) }
