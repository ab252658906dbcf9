package provider_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// leakSearch finds secrets, in every form that leakForms knows, in one pass over
// what it is shown.
type leakSearch struct {
	needles map[uint64][]leakNeedle // by their first bytes
	likely  [1 << 16]bool           // by a hash of the first bytes: most places are passed by here
	found   []leakFinding
	files   int
}

type leakNeedle struct {
	secret, form, text string
}

// leakFinding tells where a secret is, and never the secret.
type leakFinding struct {
	place, secret, form string
}

func (f leakFinding) String() string { return fmt.Sprintf("%s: %s, %s", f.place, f.secret, f.form) }

// leakPrefix is how many bytes of a needle choose its list. A needle is never
// shorter: then it would be found by chance.
const leakPrefix = 8

func newLeakSearch(t *testing.T, secrets []leakSecret) *leakSearch {
	t.Helper()
	s := &leakSearch{needles: map[uint64][]leakNeedle{}}
	for _, secret := range secrets {
		if len(secret.value) < leakPrefix {
			t.Fatalf("%s is shorter than %d bytes: it would be found by chance", secret.name, leakPrefix)
		}
		for _, form := range leakForms(secret.value) {
			if len(form.text) < leakPrefix {
				t.Fatalf("%s, %s, is shorter than %d bytes", secret.name, form.name, leakPrefix)
			}
			first := binary.LittleEndian.Uint64([]byte(form.text))
			if slices.ContainsFunc(s.needles[first], func(n leakNeedle) bool { return n.secret == secret.name && n.text == form.text }) {
				continue // most values look the same in several forms: one finding is enough
			}
			s.needles[first] = append(s.needles[first], leakNeedle{secret.name, form.name, form.text})
			s.likely[leakHash(first)] = true
		}
	}
	return s
}

func leakHash(first uint64) uint16 { return uint16(first * 0x9E3779B97F4A7C15 >> 48) }

// text searches a text as it is and, since encoders break long lines, without its
// line breaks, bare ones and those that JSON escaped.
func (s *leakSearch) text(place string, content []byte) {
	s.scan(place, content)
	flat := content
	for _, lineBreak := range []string{"\r", "\n", `\\r`, `\\n`, `\r`, `\n`} {
		flat = bytes.ReplaceAll(flat, []byte(lineBreak), nil)
	}
	if len(flat) != len(content) {
		s.scan(place, flat)
	}
}

func (s *leakSearch) scan(place string, content []byte) {
	for i := 0; i+leakPrefix <= len(content); i++ {
		first := binary.LittleEndian.Uint64(content[i:])
		if !s.likely[leakHash(first)] {
			continue
		}
		for _, needle := range s.needles[first] {
			if bytes.HasPrefix(content[i:], []byte(needle.text)) {
				finding := leakFinding{place, needle.secret, needle.form}
				if !slices.Contains(s.found, finding) {
					s.found = append(s.found, finding)
				}
			}
		}
	}
}

// unpacked searches a file's content and, where it is a zip or gzip file, as a
// saved plan is, every member's.
func (s *leakSearch) unpacked(place string, content []byte) error {
	s.files++
	s.text(place, content)
	switch {
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		for _, member := range archive.File {
			s.text(place+"!name", []byte(member.Name+" "+member.Comment))
			r, err := member.Open()
			if err != nil {
				return fmt.Errorf("%s!%s: %w", place, member.Name, err)
			}
			if err := s.reader(place+"!"+member.Name, r); err != nil {
				return err
			}
		}
	case bytes.HasPrefix(content, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		return s.reader(place+"!gunzipped", r)
	}
	return nil
}

func (s *leakSearch) reader(place string, r io.ReadCloser) error {
	defer r.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	return s.unpacked(place, content)
}

// tree searches every file below a directory, names and symbolic links included;
// files that skip names are the operator's own input.
func (s *leakSearch) tree(root string, skip func(name string) bool) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		place := filepath.Join(filepath.Base(root), name)
		s.text(place+" (its name)", []byte(name))
		switch {
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			s.text(place+" (its target)", []byte(target))
			return err
		case !entry.Type().IsRegular() || skip != nil && skip(name):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return s.unpacked(place, content)
	})
}

// report fails the test for every finding.
func (s *leakSearch) report(t *testing.T) {
	t.Helper()
	for _, finding := range s.found {
		t.Errorf("a secret leaked: %s", finding)
	}
}

// in are the findings whose place holds the text.
func (s *leakSearch) in(place string) (found []leakFinding) {
	for _, finding := range s.found {
		if strings.Contains(finding.place, place) {
			found = append(found, finding)
		}
	}
	return found
}
