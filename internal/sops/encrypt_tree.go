package sops

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Field is a value under a name of a YAML or JSON document that is written: a text,
// or a mapping of further fields.
type Field struct {
	Name    string
	Value   secret.Text
	Mapping bool
	Fields  []Field // of a mapping
}

// Rule says which values of a document are encrypted. The zero value encrypts all.
type Rule string

// SecretRule is for a Kubernetes Secret: it encrypts the values in data and
// stringData, and leaves the rest in clear. sops keeps it as encrypted_regex.
const SecretRule Rule = "^(data|stringData)$"

// encrypts reports whether sops encrypts the value at a path: where the rule names
// any part of it.
func (r Rule) encrypts(path []string) bool {
	if r == "" {
		return true
	}
	for _, name := range path {
		if name == "data" || name == "stringData" { // SecretRule, the only other one
			return true
		}
	}
	return false
}

// EncryptTree encrypts a document as `sops --encrypt` does for a YAML or JSON file:
// every value is a text, the order is kept, and there are no comments. now is written
// as EncryptDotenv does. An empty value stays as it is, and sops does not authenticate
// under which name: a reader has to know the names. Errors are an *Error, ErrTooLarge
// or agekey.ErrNoRecipient.
func EncryptTree(store Store, fields []Field, rule Rule, recipients []agekey.Recipient, now time.Time) (string, error) {
	if err := checkTree(store, fields, "", 0); err != nil {
		return "", err
	}
	s, err := newSealing(recipients, now)
	if err != nil {
		return "", err
	}
	root := s.tree(fields, rule, nil)
	root.add(metadataKey, s.treeMetadata(rule))
	var out secret.Text
	if store == YAML {
		out, err = root.emitYAML()
	} else {
		out, err = root.emit()
	}
	if err != nil {
		return "", err
	}
	if out.Len() > MaxTree {
		return "", ErrTooLarge
	}
	return out.Reveal(), nil
}

// The line breaks that sops' YAML library tells from other characters in a block.
const yamlBreaks = "\n\u2028\u2029"

// YAMLLoses reports whether what sops prints of a YAML file is no YAML any more, or has
// null in the place of a value: with a text of several lines whose first character, after
// any line breaks, is a tab. sops 3.13 fails only where the tab is the very first.
func YAMLLoses(value secret.Text) bool {
	text := value.Reveal()
	return strings.Contains(text, "\n") && strings.HasPrefix(strings.TrimLeft(text, yamlBreaks), "\t")
}

// OldYAMLChanges reports whether sops 3.8 prints another text, less the first line
// break, of a value in a YAML file.
func OldYAMLChanges(value secret.Text) bool {
	text := value.Reveal()
	return strings.Contains(text, "\n") && strings.TrimLeft(text, yamlBreaks) != text
}

// checkTree refuses what sops would not give back.
func checkTree(store Store, fields []Field, name string, depth int) error {
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		full := flatName(name, f.Name)
		fail := func(problem string) error { return &Error{Key: full, Problem: problem} }
		if err := checkKey(f.Name, name); err != nil {
			return err
		}
		switch {
		case f.Name == "":
			return &Error{Key: name, Problem: "a name is empty"}
		case strings.Contains(f.Name, ":"):
			return fail(problemColon)
		case depth == 0 && f.Name == metadataKey:
			return fail("sops keeps its metadata under the name sops: choose another")
		case strings.HasSuffix(f.Name, clearSuffix):
			return fail("sops stores names that end in _unencrypted in clear: choose another")
		case seen[f.Name]:
			return fail("the name is there twice: remove one")
		case !utf8.ValidString(f.Name) || !utf8.ValidString(f.Value.Reveal()):
			return fail("it is not UTF-8, and YAML and JSON hold nothing else")
		case store == YAML && YAMLLoses(f.Value):
			return fail("sops can't write a text of several lines that begins with a tab into YAML: use JSON")
		}
		seen[f.Name] = true
		if err := checkTree(store, f.Fields, full, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// YAMLSize is how many bytes a YAML document of these fields has, all in clear.
func YAMLSize(fields []Field) int {
	out, err := clearTree(fields).emitYAML()
	if err != nil {
		return 0 // EncryptTree tells it
	}
	return out.Len()
}

func clearTree(fields []Field) *jsonNode {
	n := &jsonNode{object: true}
	for _, f := range fields {
		if f.Mapping {
			n.add(f.Name, clearTree(f.Fields))
		} else {
			n.add(f.Name, textNode(f.Value.Reveal()))
		}
	}
	return n
}

// tree encrypts the values in the document's order, which is that of the MAC.
func (s *sealing) tree(fields []Field, rule Rule, path []string) *jsonNode {
	n := &jsonNode{object: true}
	for _, f := range fields {
		inner := extend(path, f.Name)
		switch {
		case f.Mapping:
			n.add(f.Name, s.tree(f.Fields, rule, inner))
		case rule.encrypts(inner):
			n.add(f.Name, textNode(string(s.value(nil, inner, f.Value.Reveal()))))
		default:
			s.sum.add([]byte(f.Value.Reveal()))
			n.add(f.Name, textNode(f.Value.Reveal()))
		}
	}
	return n
}

// treeMetadata ends the sealing. The order is the one in which sops emits it.
func (s *sealing) treeMetadata(rule Rule) *jsonNode {
	m := s.metadata()
	keys := &jsonNode{array: true}
	for _, k := range m.groups[0] {
		key := &jsonNode{object: true}
		key.add("enc", textNode(k.enc))
		key.add("recipient", textNode(k.recipient))
		keys.children = append(keys.children, key)
	}
	n := &jsonNode{object: true}
	n.add("age", keys)
	if rule != "" {
		n.add("encrypted_regex", textNode(string(rule)))
	}
	n.add("lastmodified", textNode(m.lastModified))
	n.add("mac", textNode(m.mac))
	if rule == "" {
		n.add("unencrypted_suffix", textNode(clearSuffix))
	}
	n.add("version", textNode(m.Version))
	return n
}

func textNode(text string) *jsonNode { return &jsonNode{value: text} }

// add adds a value to an object.
func (n *jsonNode) add(key string, child *jsonNode) {
	n.keys, n.children = append(n.keys, key), append(n.children, child)
}

// emitYAML writes an object as sops writes YAML.
func (n *jsonNode) emitYAML() (secret.Text, error) {
	root, err := n.yamlNode()
	if err != nil {
		return secret.Text{}, problemSyntax(YAML)
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(yamlIndent)
	if enc.Encode(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}) != nil || enc.Close() != nil {
		return secret.Text{}, problemSyntax(YAML)
	}
	return secret.New(out.String()), nil
}

func (n *jsonNode) yamlNode() (*yaml.Node, error) {
	out := &yaml.Node{}
	switch {
	case n.object:
		out.Kind = yaml.MappingNode
	case n.array:
		out.Kind = yaml.SequenceNode
	default:
		return scalarNode(n.value)
	}
	for i, child := range n.children {
		if n.object {
			key, err := scalarNode(n.keys[i])
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, key)
		}
		value, err := child.yamlNode()
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, value)
	}
	return out, nil
}
