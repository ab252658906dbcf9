package firstboot

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

//go:embed script.sh.tmpl
var scriptSource string

// Base64 in the script has lines of this many characters: POSIX promises a line
// of 2048 bytes to be text, and few lines cost few bytes.
const base64Columns = 1024

// Render returns the script. The same Params give the same script.
//
// It refuses what the box would: each payload is opened with the identity, and
// its plaintext discarded, before the script is made. All problems are reported
// at once, joined, each a *ParamError. No error holds the identity, nor what
// was found in a payload.
func Render(p Params) (secret.Text, error) {
	identity, err := check(p)
	if err != nil {
		return secret.Text{}, err
	}
	var problems []error
	for i, f := range p.Files {
		if !opens(f.Payload, identity) {
			problems = append(problems, &ParamError{
				i, "Payload",
				"does not open with the identity: seal it to the identity's recipient",
			})
		}
	}
	if len(problems) > 0 {
		return secret.Text{}, errors.Join(problems...)
	}
	return render(p, identity)
}

// check is what can be said without opening a payload.
func check(p Params) (*age.X25519Identity, error) {
	var problems []error
	report := func(index int, field string, err error) {
		if err != nil {
			problems = append(problems, &ParamError{index, field, err.Error()})
		}
	}
	report(-1, "Name", CheckName(p.Name))
	if len(p.Files) == 0 {
		report(-1, "Files", errors.New("is empty: name at least one file"))
	}
	paths := make([]string, len(p.Files))
	for i, f := range p.Files {
		paths[i] = f.Path
		report(i, "Path", CheckPath(f.Path))
		report(i, "Owner", CheckOwner(f.Owner))
		report(i, "Group", CheckGroup(f.Group))
		report(i, "Mode", CheckMode(f.Mode))
		report(i, "SourceDigest", checkDigest(f.SourceDigest))
	}
	if err := CheckPaths(paths); err != nil {
		problems = append(problems, err)
	}
	// age's own error may quote the key.
	identity, err := age.ParseX25519Identity(p.Identity.Reveal())
	if err != nil {
		report(-1, "Identity", errors.New("is not an age X25519 identity: give one line that begins with AGE-SECRET-KEY-1, and nothing else"))
	}
	return identity, errors.Join(problems...)
}

// opens reports whether the whole payload can be read.
func opens(payload []byte, identity age.Identity) bool {
	r, err := age.Decrypt(bytes.NewReader(payload), identity)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r)
	return err == nil
}

// scriptFile is a File as the template sees it: every field is a shell word
// already, but for N and Payload.
type scriptFile struct {
	N                        int
	Path, Owner, Group, Mode string
	// JSON is the part of the status that is known now, without braces.
	JSON    string
	Payload string
	Last    bool
}

type scriptData struct {
	Banner           string
	Version          string
	Label, NameJSON  string
	Identity, Reader string
	Files            []scriptFile
	// Dirs are those of the targets, each once.
	Dirs []string
}

// render makes the script of Params that were checked.
func render(p Params, identity *age.X25519Identity) (secret.Text, error) {
	tmpl, err := scriptTemplate()
	if err != nil {
		return secret.Text{}, err
	}
	reader, err := compactReader()
	if err != nil {
		return secret.Text{}, err
	}
	data := scriptData{
		Banner:   "# ageenv first boot, template " + TemplateVersion + ". Made by terraform-provider-ageenv; holds an age identity.",
		Version:  TemplateVersion,
		Identity: identity.String(),
		Reader:   reader,
	}
	if p.Name != "" {
		data.Label = p.Name + ": "
	}
	var name string
	if name, err = jsonText(p.Name); err != nil {
		return secret.Text{}, fmt.Errorf("rendering the first-boot script: %w", err)
	}
	if err := quoteAll(word{&data.Label, data.Label}, word{&data.NameJSON, name}); err != nil {
		return secret.Text{}, err
	}
	for i, f := range p.Files {
		file, err := renderFile(f)
		if err != nil {
			return secret.Text{}, err
		}
		file.N, file.Last = i+1, i == len(p.Files)-1
		data.Files = append(data.Files, file)

		var dir string
		if err := quoteAll(word{&dir, strings.TrimSuffix(path.Dir(f.Path), "/")}); err != nil {
			return secret.Text{}, err
		}
		if !slices.Contains(data.Dirs, dir) {
			data.Dirs = append(data.Dirs, dir)
		}
	}
	var script strings.Builder
	if err := tmpl.Execute(&script, data); err != nil {
		// The error could quote the data.
		return secret.Text{}, errors.New("rendering the first-boot script: the template failed")
	}
	return secret.New(script.String()), nil
}

func renderFile(f File) (scriptFile, error) {
	mode, err := strconv.ParseUint(f.Mode, 8, 16)
	if err != nil {
		return scriptFile{}, fmt.Errorf("rendering the first-boot script: mode %q is not octal", f.Mode)
	}
	f.Mode = fmt.Sprintf("%04o", mode)
	status, err := jsonText(struct {
		Path   string `json:"path"`
		Owner  string `json:"owner"`
		Group  string `json:"group"`
		Mode   string `json:"mode"`
		Digest string `json:"source_digest"`
	}{f.Path, f.Owner, f.Group, f.Mode, f.SourceDigest})
	if err != nil {
		return scriptFile{}, fmt.Errorf("rendering the first-boot script: %w", err)
	}
	out := scriptFile{Payload: wrapBase64(f.Payload)}
	err = quoteAll(word{&out.Path, f.Path}, word{&out.Owner, f.Owner}, word{&out.Group, f.Group},
		word{&out.Mode, f.Mode}, word{&out.JSON, strings.Trim(status, "{}")})
	return out, err
}

// word is a text, and where it goes once it is quoted.
type word struct {
	to   *string
	text string
}

func quoteAll(words ...word) error {
	for _, w := range words {
		quoted, err := quote(w.text)
		if err != nil {
			return fmt.Errorf("rendering the first-boot script: %w", err)
		}
		*w.to = quoted
	}
	return nil
}

func wrapBase64(data []byte) string {
	var lines []string
	for chunk := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(data)), base64Columns) {
		lines = append(lines, string(chunk))
	}
	return strings.Join(lines, "\n")
}

var scriptTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("script.sh.tmpl").Option("missingkey=error").Parse(stripShell(scriptSource))
})

// stripShell drops the template's comments, which are for its readers, but
// keeps the first line and what shellcheck is told. What is rendered into it
// comes later and is left alone.
func stripShell(source string) string {
	var out strings.Builder
	for line := range strings.Lines(source) {
		comment := strings.HasPrefix(strings.TrimLeft(line, "\t"), "#")
		if !comment || strings.HasPrefix(line, "#!") || strings.Contains(line, "# shellcheck ") {
			out.WriteString(line)
		}
	}
	return out.String()
}
