package firstboot

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/template"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

//go:embed start.sh.tmpl
var scriptSource string

// Render returns the script. The same Params give the same script.
//
// It refuses what the box would: where the identity travels, each payload is opened
// with it, and its plaintext discarded, before the script is made. All problems are
// reported at once, joined, each a *ParamError. No error holds the identity, nor
// what was found in a payload.
func Render(p Params) (secret.Text, error) {
	identity, err := check(p)
	if err != nil {
		return secret.Text{}, err
	}
	var problems []error
	for i, f := range p.Files {
		refused := f.looksSealed()
		if identity != nil {
			refused = f.opens(identity)
		}
		if refused != nil {
			problems = append(problems, &ParamError{i, "Payload", refused.Error()})
		}
	}
	if len(problems) > 0 {
		return secret.Text{}, errors.Join(problems...)
	}
	return render(p, identity)
}

// check is what can be said without opening a payload. The identity is nil if it
// does not travel.
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
		report(i, "Layout", checkLayout(f.Layout))
		report(i, "Exposure", checkExposure(f.Exposure))
	}
	if p.UserScript != "" {
		report(-1, "UserScript", CheckUserScript(p.UserScript))
	}
	if err := CheckPaths(paths); err != nil {
		problems = append(problems, err)
	}
	for i, f := range p.Files {
		if err := CheckFileConflicts(i, f, p); err != nil {
			problems = append(problems, err)
		}
	}
	for _, l := range p.lists() {
		for i, text := range l.texts {
			report(-1, fmt.Sprintf("%s[%d]", l.field, i), l.refused(text))
		}
	}
	if !p.Identity.IsEmpty() && (p.IdentityFile != "" || p.IdentityCommand != "") || p.IdentityFile != "" && p.IdentityCommand != "" {
		report(-1, "Identity", errors.New("is given in more than one way: choose one of identity, file and command"))
	}
	switch p.source() {
	case "file":
		report(-1, "IdentityFile", CheckIdentityFile(p.IdentityFile))
	case "command":
		report(-1, "IdentityCommand", CheckCommand(p.IdentityCommand))
	default:
		// age's own error may quote the key.
		identity, err := age.ParseX25519Identity(p.Identity.Reveal())
		if err != nil {
			report(-1, "Identity", errors.New("is not an age X25519 identity: give one line that begins with AGE-SECRET-KEY-1, and nothing else"))
		}
		return identity, errors.Join(problems...)
	}
	return nil, errors.Join(problems...)
}

// opens returns an error unless the whole payload can be read, and is what its
// layout wants.
func (f File) opens(identity age.Identity) error {
	r, err := age.Decrypt(bytes.NewReader(f.Payload), identity)
	if err == nil {
		// Everything is authentic before any of it is looked at.
		var plain bytes.Buffer
		if _, err = io.Copy(&plain, r); err == nil {
			if f.Layout == LayoutDirectory {
				return CheckTar(&plain)
			}
			return checkNoTar(plain.Bytes())
		}
	}
	if err != nil {
		return errors.New("does not open with the identity: seal it to the identity's recipient")
	}
	return nil
}

// looksSealed is all that can be said of a payload without its identity.
func (f File) looksSealed() error {
	if _, err := age.ExtractHeader(bytes.NewReader(f.Payload)); err != nil {
		return errors.New("is no binary age file")
	}
	return nil
}

// NeedsAge reports whether the payload can be opened only by an age of version 1.3
// or later, since it is sealed to hybrid recipients, which the embedded reader does
// not know.
func (f File) NeedsAge() bool {
	header, err := age.ExtractHeader(bytes.NewReader(f.Payload))
	return err == nil && bytes.Contains(header, []byte("\n-> mlkem768x25519 "))
}

type scriptData struct {
	Banner  string
	Version string
	// Label and NameJSON are quoted for the shell.
	Label, NameJSON string
	// Program is for Python, see program.go; Plan is JSON, see plan.go.
	Program, Plan string
	// Identity is empty if it does not travel.
	Identity string
	// Payloads are in base85.
	Payloads []string
}

// render makes the script of Params that were checked.
func render(p Params, identity *age.X25519Identity) (secret.Text, error) {
	program, err := program()
	if err != nil {
		return secret.Text{}, err
	}
	return renderAround(program, p, identity)
}

func renderAround(program string, p Params, identity *age.X25519Identity) (secret.Text, error) {
	data, err := newScriptData(p, identity)
	if err != nil {
		return secret.Text{}, err
	}
	data.Program = program
	tmpl, err := scriptTemplate()
	if err != nil {
		return secret.Text{}, err
	}
	var script strings.Builder
	if err := tmpl.Execute(&script, data); err != nil {
		// The error could quote the data.
		return secret.Text{}, errors.New("rendering the first-boot script: the template failed")
	}
	return secret.New(script.String()), nil
}

// newScriptData returns all but the program.
func newScriptData(p Params, identity *age.X25519Identity) (scriptData, error) {
	data := scriptData{
		Banner:  banner + TemplateVersion + ". Made by terraform-provider-ageenv.",
		Version: TemplateVersion,
	}
	plan, err := newPlan(p)
	if err != nil {
		return scriptData{}, err
	}
	if data.Plan, err = jsonText(plan); err != nil {
		return scriptData{}, err
	}
	label := ""
	if p.Name != "" {
		label = p.Name + ": "
	}
	if data.Label, err = quote(label); err != nil {
		return scriptData{}, fmt.Errorf("rendering the first-boot script: %w", err)
	}
	name, err := jsonText(p.Name)
	if err != nil {
		return scriptData{}, err
	}
	if data.NameJSON, err = quote(name); err != nil {
		return scriptData{}, fmt.Errorf("rendering the first-boot script: %w", err)
	}
	if identity != nil {
		data.Banner = strings.TrimSuffix(data.Banner, ".") + "; holds an age identity."
		data.Identity = identity.String()
	}
	for _, f := range p.Files {
		data.Payloads = append(data.Payloads, base85(f.Payload))
	}
	return data, nil
}

var scriptTemplate = sync.OnceValues(func() (*template.Template, error) {
	return template.New("start.sh.tmpl").Option("missingkey=error").Parse(stripShell(scriptSource, "#!", "# shellcheck "))
})
