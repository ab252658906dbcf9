package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// maxTreeName is the longest name of an entry in a document, in bytes.
const maxTreeName = 253

// treeNameCharacters are those of a key in a Kubernetes Secret.
var treeNameCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_.-")

// isTreeName reports whether an entry of a document has this name: one that Kubernetes
// takes.
func isTreeName(key string) bool {
	return key != "" && len(key) <= maxTreeName && treeNameCharacters.Holds(key)
}

func (p Params) checkTreeName(key string) error {
	fail := func(problem string) error { return &dotenv.Error{Key: key, Problem: problem} }
	switch {
	case key == "":
		return &dotenv.Error{Problem: "the name is empty"}
	case !isTreeName(key), p.Format == SOPSKubernetes && (key == "." || strings.HasPrefix(key, "..")):
		// Not named: what is no name may be a piece of a value.
		rule := "use letters, digits, _, - and ., 253 at most"
		if p.Format == SOPSKubernetes {
			rule += ", not . alone and no .. first"
		}
		return &dotenv.Error{Problem: fmt.Sprintf("the name is not one that %s holds: %s", p.Format, rule)}
	case key == "sops" && p.Format != SOPSKubernetes:
		return fail(fmt.Sprintf("sops keeps its metadata under this name: choose another, or a format other than %s", p.Format))
	case strings.HasSuffix(key, "_unencrypted"):
		return fail(fmt.Sprintf("sops stores names that end in _unencrypted in clear: choose another, or a format other than %s", p.Format))
	}
	return nil
}

// checkTreeEntry returns a *dotenv.Error if a document can't hold the value. A
// Kubernetes Secret holds it as base64, and so any.
func (p Params) checkTreeEntry(key string, value secret.Text) error {
	fail := func(problem string) error { return &dotenv.Error{Key: key, Problem: problem} }
	switch {
	case p.Format == SOPSKubernetes:
		if p.Kubernetes != nil {
			if err := p.Kubernetes.checkValue(key, value); err != nil {
				return fail(err.Error())
			}
		}
		return nil
	case !utf8.ValidString(value.Reveal()):
		return fail(fmt.Sprintf("the value is not UTF-8, and %s holds nothing else: use format age_files", p.Format))
	case p.Format == SOPSYAML && sops.YAMLLoses(value):
		return fail("sops can't print a value of several lines that begins with a tab as YAML: use format sops_json")
	}
	return nil
}

func (p Params) checkTreeEntries(doc dotenv.Document) error {
	for _, line := range doc.Lines {
		if line.IsComment() {
			continue
		}
		if err := p.CheckEntry(line.Key, line.Value); err != nil {
			return err
		}
	}
	return nil
}

// ValueWarning says what an older sops makes of the value in a bundle, or is empty.
func (p Params) ValueWarning(value secret.Text) string {
	if p.Format == SOPSYAML && sops.OldYAMLChanges(value) {
		return "sops before 3.9 prints a value of several lines that begins with a line break without that line break. If such a sops reads the bundle, use format sops_json"
	}
	return ""
}

// treeFields are the entries as a document has them, in their order.
func (p Params) treeFields(doc dotenv.Document) []sops.Field {
	var fields []sops.Field
	for _, line := range doc.Lines {
		if !line.IsComment() {
			fields = append(fields, sops.Field{Name: line.Key, Value: line.Value})
		}
	}
	if p.Format == SOPSKubernetes {
		return p.Kubernetes.manifest(fields)
	}
	return fields
}

// What the parts of an encrypted document take, in bytes, at most.
const (
	treeValue     = 160  // of a value, in addition to its base64 and its name
	treeRecipient = 6144 // of a recipient with its share of the data key
)

// checkTree returns an error if the document is too large, or looks like one of another
// format.
func (p Params) checkTree(doc dotenv.Document) error {
	size, data := len(p.Recipients)*treeRecipient, 0
	for _, line := range doc.Lines {
		if line.IsComment() {
			continue
		}
		length := line.Value.Len()
		data += length
		if p.Format == SOPSKubernetes {
			length = base64.StdEncoding.EncodedLen(length)
		}
		size += len(line.Key) + base64.StdEncoding.EncodedLen(length) + treeValue
	}
	if p.Format == SOPSKubernetes && p.Kubernetes != nil {
		size += sops.YAMLSize(p.Kubernetes.clearFields())
	}
	switch {
	case p.Format == SOPSKubernetes && data > MaxKubernetesData:
		return fmt.Errorf("the values are %d bytes long together, and a Kubernetes Secret holds %d", data, MaxKubernetesData)
	case size > sops.MaxTree:
		return fmt.Errorf("the encrypted document would be about %d bytes long, and sops_yaml, sops_json and sops_kubernetes are read up to %d: use format sops_binary or age_files", size, sops.MaxTree)
	case p.Format == SOPSJSON && slices.Equal(doc.Keys(), []string{"data"}):
		return &dotenv.Error{Key: "data", Problem: "a JSON document whose one name is data is what sops_binary looks like: choose another name, or format sops_yaml"}
	}
	return nil
}

// Weak returns an error that names what of a bundle sops does not authenticate, as far
// as that shows without opening it; nil if there is nothing of the kind. names are the
// entries that the bundle is known to have. Of a document it returns an error if it is
// not one that Seal writes for p: what Seal leaves in clear, empty values and Kubernetes'
// own fields, is compared with names and p.
func (p Params) Weak(ciphertext string, names []string) error {
	if !p.Format.isTree() {
		return Weak(ciphertext)
	}
	leaves, err := sops.ReadLeaves(ciphertext, p.Format.store())
	if err != nil {
		return err
	}
	if err := p.otherStructure(leaves, names); err != nil {
		return otherDocument{err}
	}
	if leaves.MACOnlyEncrypted {
		return errMACOnlyEncrypted
	}
	return nil
}

// ErrOtherDocument means that a document is not one that is written here. The errors of
// its kind say in what it differs.
var ErrOtherDocument = errors.New("it is not a document as it is written here")

type otherDocument struct{ error }

func (otherDocument) Is(target error) bool { return target == ErrOtherDocument }

var errMACOnlyEncrypted = fmt.Errorf("its MAC leaves out what is in clear (mac_only_encrypted): %w", ErrUnauthenticated)

// EmptyInClear returns the names of entries of a document that are empty, which sops does
// not authenticate there.
func (p Params) EmptyInClear(doc dotenv.Document) []string {
	if !p.Format.isTree() {
		return nil
	}
	entries := doc.Entries()
	return slices.DeleteFunc(doc.Keys(), func(name string) bool { return !entries[name].IsEmpty() })
}

// otherStructure returns an error that names the first thing in which the document
// differs from what Seal writes: values that are all texts, and in clear nothing but
// what p has there. It returns nil if there is none.
func (p Params) otherStructure(leaves sops.Leaves, names []string) error {
	switch {
	case leaves.Documents > 1:
		return errors.New("there is more than one YAML document")
	case leaves.Documents < 1:
		return errors.New("there is no document")
	}
	var found []string
	inClear := map[string]string{}
	for _, l := range leaves.All {
		inner, isData := l.Path, true
		if p.Format == SOPSKubernetes {
			isData = len(l.Path) > 0 && l.Path[0] == kubernetesData
			inner = l.Path[min(1, len(l.Path)):]
		}
		name := "a value"
		if isTreeName(l.Name) { // anything else may be a piece of a value
			name = "the value of " + l.Name
		}
		fail := func(problem string) error { return errors.New(name + " " + problem) }
		switch {
		case l.IsComment:
			return errors.New("there is a comment")
		case l.InList:
			return fail("is in a list")
		case !l.IsText:
			return fail("is not a text, but a number or a truth value, for example")
		case !isData && !unusedByKubernetes(l.Path):
			return fail("is in stringData, and a bundle has all values in data")
		case !isData && l.Encrypted:
			return fail("is encrypted, and a bundle encrypts only those in data")
		case !isData:
			inClear[strings.Join(l.Path, pathSeparator)] = l.Clear.Reveal()
		case len(inner) != 1:
			return fail("is under a name inside another name")
		case !l.Encrypted && !l.Clear.IsEmpty():
			return fail("is not encrypted")
		default:
			found = append(found, inner[0])
		}
	}
	slices.Sort(found)
	switch {
	case !slices.Equal(found, slices.Sorted(slices.Values(names))):
		return errors.New("its names are not those of the entries")
	case p.Format == SOPSKubernetes && (p.Kubernetes == nil || !p.Kubernetes.clearIs(inClear)):
		return errors.New("what it has in clear is not what a bundle writes there")
	}
	return nil
}
