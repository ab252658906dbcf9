package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// shortest is the least length, in bytes, of a text that is searched for:
// shorter ones are found everywhere by chance.
const shortest = 8

// needle is one form of a secret.
type needle struct {
	what string // whose it is
	form string
	text []byte
}

// finding is a needle in a file.
type finding struct {
	where string
	needle
}

// String tells where and what, and not the text.
func (f finding) String() string { return fmt.Sprintf("%s (%s) in %s", f.what, f.form, f.where) }

// haystack searches for many needles at once.
type haystack struct {
	needles  int
	byPrefix map[uint64][]needle // by their first 8 bytes
	seen     map[string]bool
	filter   [1 << 16]bool // by a hash of the prefix: most places are dismissed by it alone
	files    int           // searched so far, members of zip files included
	bytes    int64
}

func newHaystack() *haystack {
	return &haystack{byPrefix: map[uint64][]needle{}, seen: map[string]bool{}}
}

func bucket(prefix uint64) uint64 { return prefix * 0x9e3779b97f4a7c15 >> 48 }

// add searches for a secret, in every form in which it might get out. It reports
// false for a text that is too short for that: of such a one only the digest is
// searched for.
func (h *haystack) add(what string, text secret.Text) bool {
	sum := sha256.Sum256([]byte(text.Reveal()))
	h.addForm(what, "its SHA-256", hex.EncodeToString(sum[:]))
	h.addForm(what, "its SHA-256", base64.StdEncoding.EncodeToString(sum[:]))
	if text.Len() < shortest {
		return false
	}
	for _, f := range formsOf(text.Reveal()) {
		h.addForm(what, f.name, f.text)
	}
	return true
}

func (h *haystack) addForm(what, form, text string) {
	if len(text) < shortest || h.seen[text] {
		return
	}
	h.seen[text] = true
	prefix := binary.BigEndian.Uint64([]byte(text))
	h.byPrefix[prefix] = append(h.byPrefix[prefix], needle{what, form, []byte(text)})
	h.filter[bucket(prefix)] = true
	h.needles++
}

// form is a way to write a text.
type form struct{ name, text string }

// formsOf returns them all, the plainest first. base64 is that of the text
// anywhere inside a longer one, at each of the three places it can have in a group.
func formsOf(plain string) []form {
	asJSON, _ := json.Marshal(plain) // a string always can be
	var noHTML bytes.Buffer
	encoder := json.NewEncoder(&noHTML)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(plain)
	forms := []form{
		{"plain", plain},
		{"quoted", unquoted(string(asJSON))},
		{"quoted", unquoted(noHTML.String())},
		{"quoted", unquoted(strconv.Quote(plain))},
		{"hex", hex.EncodeToString([]byte(plain))},
	}
	if lines := strings.Split(plain, "\n"); len(lines) > 1 {
		for _, line := range lines {
			// The frame of a PEM text is not secret.
			if line = strings.TrimSpace(line); len(line) >= 2*shortest && !strings.HasPrefix(line, "-----") {
				forms = append(forms, form{"one line of it", line})
			}
		}
	}
	for offset := range 3 {
		shifted := append(make([]byte, offset), plain...)
		first := (offset*8 + 5) / 6   // the first character that only the text decides
		after := len(shifted) * 8 / 6 // and the one after the last
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, form{"base64", encoding.EncodeToString(shifted)[first:after]})
		}
	}
	const name = "A"
	if line, err := dotenv.FromMap(map[string]secret.Text{name: secret.New(plain)}).Encode(dotenv.Compose); err == nil {
		value := unquoted(strings.TrimPrefix(line.Reveal(), name+"="))
		again, _ := json.Marshal(value)
		forms = append(forms, form{"env text", value}, form{"env text", unquoted(string(again))})
	}
	return forms
}

func unquoted(text string) string {
	text = strings.TrimSuffix(text, "\n")
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

// search returns the needles that are in the content, each once.
func (h *haystack) search(where string, content []byte) []finding {
	h.files++
	h.bytes += int64(len(content))
	var found []finding
	var window uint64
	for i, b := range content {
		window = window<<8 | uint64(b)
		if i < shortest-1 || !h.filter[bucket(window)] {
			continue
		}
		for _, n := range h.byPrefix[window] {
			if bytes.HasPrefix(content[i-shortest+1:], n.text) &&
				!slices.ContainsFunc(found, func(f finding) bool { return bytes.Equal(f.text, n.text) }) {
				found = append(found, finding{where, n})
			}
		}
	}
	return found
}

// searchTree searches every file below a directory, and inside of zip files,
// which saved plans are.
func (h *haystack) searchTree(root string) ([]finding, error) {
	var found []finding
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		where, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found = append(found, h.search(where, content)...)
		if !bytes.HasPrefix(content, []byte("PK\x03\x04")) {
			return nil
		}
		inside, err := h.searchZip(where, content)
		found = append(found, inside...)
		return err
	})
	return found, err
}

func (h *haystack) searchZip(where string, content []byte) ([]finding, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("%s can't be unzipped: %w", where, err)
	}
	var found []finding
	for _, member := range archive.File {
		r, err := member.Open()
		if err != nil {
			return nil, fmt.Errorf("%s can't be unzipped: %w", where, err)
		}
		plain, err := io.ReadAll(r)
		_ = r.Close() // its checksum was verified by reading to the end
		if err != nil {
			return nil, fmt.Errorf("%s can't be unzipped: %w", where, err)
		}
		found = append(found, h.search(where+":"+member.Name, plain)...)
	}
	return found, nil
}
