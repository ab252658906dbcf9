package sops

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// line is a line of the dotenv store. There is no trimming and no quoting in it:
// what stands after the first "=" is the value, quotes included.
type line struct {
	number  int
	key     string // empty for a comment
	value   string // for a comment, what stands after "#"
	comment bool
}

// maxDotenvName is the longest name that is written into a dotenv file, in bytes.
const maxDotenvName = 255

var (
	nameStart      = charset.New(charset.Upper + charset.Lower + "_")
	nameCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_.-")
)

// isName is stricter than sops: a name that only sops accepts would end a line early, or
// be run by a shell.
func isName(key string) bool {
	return len(key) <= maxDotenvName && nameStart.Begins(key) && nameCharacters.Holds(key)
}

// entryName is the name that programs read where sops has this one: "export A", " A"
// and "A " are A to most. It is empty where no program reads the name.
func entryName(key string) string {
	name := strings.Trim(key, " \t")
	if rest, found := strings.CutPrefix(name, "export"); found && strings.TrimLeft(rest, " \t") != rest {
		name = strings.TrimLeft(rest, " \t")
	}
	if !isName(name) {
		return ""
	}
	return name
}

// parseLines cuts env text into lines, on LF only, with whatever names sops takes.
// Refused, as an *Error: lines without "=", CR LF, and names that are there twice (the
// last would win for most readers, and sops' MAC does not notice).
func parseLines(text string) ([]line, error) {
	if len(text) > MaxSize {
		return nil, ErrTooLarge
	}
	lines := make([]line, 0, min(strings.Count(text, "\n"), maxLeaves)+1)
	seen := map[string]bool{}
	number := 0
	for raw := range strings.SplitSeq(text, "\n") {
		number++
		if raw == "" {
			continue
		}
		if len(lines) == maxLeaves {
			return nil, errTooManyLeaves
		}
		if strings.HasSuffix(raw, "\r") {
			return nil, &Error{Line: number, Problem: "the line ends in CR LF: sops takes the CR for a part of the value, so save the file with LF line ends" + checkout}
		}
		if raw[0] == '#' {
			lines = append(lines, line{number: number, value: raw[1:], comment: true})
			continue
		}
		key, value, found := strings.Cut(raw, "=")
		switch {
		case !found:
			return nil, &Error{Line: number, Problem: "there is no = in the line, and sops' dotenv files hold NAME=value lines only"}
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

// loadDotenv parts the entries and comments of a file from its metadata, which
// may stand anywhere.
func loadDotenv(text string) (file, error) {
	lines, err := parseLines(text)
	if err != nil {
		return file{}, err
	}
	f := file{store: Dotenv, documents: 1, leaves: make([]leaf, 0, len(lines))}
	var metadata metadataReader
	// What is put in place, an element a leaf.
	var plain []string
	names := map[string]bool{}
	for _, l := range lines {
		if !l.comment && strings.HasPrefix(l.key, metadataPrefix) {
			if err := metadata.take(field{line: l.number, name: l.key, key: strings.TrimPrefix(l.key, metadataPrefix), value: loadBreaks(l.value)}); err != nil {
				return file{}, err
			}
			continue
		}
		at := len(f.leaves)
		entry := leaf{line: l.number, value: l.value, comment: l.comment}
		if !l.comment {
			entry.name, entry.path, entry.value = entryName(l.key), []string{l.key}, loadBreaks(l.value)
			entry.noEntry = entry.name == "" || names[entry.name]
			names[entry.name] = true
		}
		entry.put = func(value any) {
			if l.comment {
				plain[at] = "#" + commentText(value) + "\n"
			} else {
				plain[at] = l.key + "=" + emitBreaks(dotenvText(value)) + "\n"
			}
		}
		f.leaves = append(f.leaves, entry)
	}
	plain = make([]string, len(f.leaves))
	f.emit = func() (secret.Text, error) { return secret.New(strings.Join(plain, "")), nil }
	f.meta, err = metadata.done(f.leaves)
	return f, err
}

// commentText is what stands after "#" in a comment that was put in place.
func commentText(value any) string {
	text, _ := value.(string)
	return text
}
