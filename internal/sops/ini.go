package sops

import (
	"bytes"
	"strings"

	"gopkg.in/ini.v1"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// iniOptions are those that sops reads and writes with.
var iniOptions = ini.LoadOptions{AllowNonUniqueSections: true}

func loadINI(text string) (file, error) {
	loaded, err := parseINI(text)
	if err != nil {
		return file{}, err
	}
	f := file{store: INI, documents: 1}
	written := ini.Empty(iniOptions)
	written.DeleteSection(ini.DefaultSection)
	var metadata metadataReader
	seen := map[string]bool{}
	for number, section := range loaded.Sections() {
		if seen[section.Name()] {
			return file{}, &Error{Key: section.Name(), Problem: "the section is there twice: make one of the two"}
		}
		// The parser puts one for entries without a section before all others, and calls it
		// DEFAULT. A file may have a section of that name too, as those of Python do.
		seen[section.Name()] = number > 0 || len(section.Keys()) > 0
		if section.Name() == metadataKey {
			for _, key := range section.Keys() {
				if err := metadata.take(field{name: metadataKey + "." + key.Name(), key: key.Name(), value: loadBreaks(key.Value())}); err != nil {
					return file{}, err
				}
			}
			continue
		}
		if err := f.iniSection(section, written); err != nil {
			return file{}, err
		}
	}
	f.checkNames()
	f.emit = func() (secret.Text, error) {
		var out bytes.Buffer
		if _, err := written.WriteTo(&out); err != nil {
			return secret.Text{}, problemSyntax(INI)
		}
		return secret.New(out.String()), nil
	}
	f.meta, err = metadata.done(f.leaves)
	return f, err
}

// parseINI keeps the parser's errors and panics to itself: they quote the file.
func parseINI(text string) (loaded *ini.File, err error) {
	defer func() {
		if recover() != nil {
			loaded, err = nil, problemSyntax(INI)
		}
	}()
	loaded, err = ini.LoadSources(iniOptions, []byte(text))
	if err != nil {
		return nil, problemSyntax(INI)
	}
	return loaded, nil
}

// iniSection adds a section's leaves, and the section to what is written. Entries
// before the first section go without a section's name.
func (f *file) iniSection(section *ini.Section, written *ini.File) error {
	name, path := section.Name(), []string{section.Name()}
	if err := checkKey(name, ""); err != nil {
		return err
	}
	out, err := written.NewSection(name)
	if err != nil {
		return problemSyntax(INI)
	}
	if name == ini.DefaultSection {
		name = ""
	}
	comment := func(text string, put func(string)) {
		if text = stripCommentSign(text); text != "" {
			f.leaves = append(f.leaves, leaf{path: path, value: text, comment: true, block: true, put: func(plain any) { put(commentBlock(commentText(plain))) }})
		}
	}
	comment(section.Comment, func(text string) { out.Comment = text })
	for _, key := range section.Keys() {
		if len(f.leaves) >= maxLeaves {
			return errTooManyLeaves
		}
		if err := checkKey(key.Name(), name); err != nil {
			return err
		}
		plain, err := out.NewKey(key.Name(), "")
		if err != nil {
			return problemSyntax(INI)
		}
		f.leaves = append(f.leaves, leaf{name: flatName(name, key.Name()), path: extend(path, key.Name()), value: key.Value(), put: func(value any) {
			plain.SetValue(dotenvText(value))
		}})
		comment(key.Comment, func(text string) { plain.Comment = text })
	}
	return nil
}

// commentBlock is a comment as the INI writer takes it: it puts a sign before each
// line that has none, and fails over an empty one, as sops does.
func commentBlock(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line == "" && len(lines) > 1 {
			lines[i] = ";"
		}
	}
	return strings.Join(lines, "\n")
}

// stripCommentSign takes off a comment what sops takes off it.
func stripCommentSign(comment string) string {
	switch {
	case strings.HasPrefix(comment, ";"):
		return strings.TrimLeft(comment, "; ")
	case strings.HasPrefix(comment, "#"):
		return strings.TrimLeft(comment, "# ")
	}
	return comment
}
