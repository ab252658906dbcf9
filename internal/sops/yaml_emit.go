package sops

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// yamlIndent is what sops indents with.
const yamlIndent = 4

// emitYAML writes documents as sops does.
func emitYAML(documents []*yamlValue) func() (secret.Text, error) {
	return func() (secret.Text, error) {
		var out bytes.Buffer
		enc := yaml.NewEncoder(&out)
		enc.SetIndent(yamlIndent)
		for _, document := range documents {
			root, err := document.node()
			if err != nil || enc.Encode(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}) != nil {
				return secret.Text{}, problemSyntax(YAML)
			}
		}
		if enc.Close() != nil {
			return secret.Text{}, problemSyntax(YAML)
		}
		return secret.New(out.String()), nil
	}
}

// node is the value as the encoder takes it: scalars in the style that it chooses,
// comments on the element that follows them.
func (v *yamlValue) node() (*yaml.Node, error) {
	n := &yaml.Node{Kind: v.kind}
	if v.kind == yaml.ScalarNode {
		return plainNode(v.scalar)
	}
	var before, behind []string // comments that wait for their element
	first := true
	for _, item := range v.items {
		if item.isComment {
			if item.inline {
				behind = append(behind, item.comment)
			} else {
				before = append(before, item.comment)
			}
			continue
		}
		if first {
			n.HeadComment, before = commentOf(before), nil
			first = false
		}
		value, err := item.value.node()
		if err != nil {
			return nil, err
		}
		holder := value
		if v.kind == yaml.MappingNode {
			if holder, err = plainNode(item.key); err != nil {
				return nil, err
			}
			n.Content = append(n.Content, holder)
		}
		holder.HeadComment = joinComments(commentOf(before), holder.HeadComment)
		value.LineComment = joinComments(value.LineComment, commentOf(behind))
		before, behind = nil, nil
		n.Content = append(n.Content, value)
	}
	rest := commentOf(append(before, behind...))
	switch {
	case first:
		n.HeadComment = rest
	case v.kind == yaml.MappingNode:
		key := n.Content[len(n.Content)-2]
		key.FootComment = joinComments(key.FootComment, rest)
	default:
		last := n.Content[len(n.Content)-1]
		last.FootComment = joinComments(last.FootComment, rest)
	}
	return n, nil
}

// plainNode is a scalar in the style that the encoder chooses. sops tags the text of a
// merge key, as a name and as a value, whatever it was before.
func plainNode(scalar any) (*yaml.Node, error) {
	if scalar == mergeKey {
		return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.TaggedStyle, Tag: mergeTag, Value: mergeKey}, nil
	}
	return scalarNode(scalar)
}

// scalarNode is a scalar in the style that the encoder chooses. The encoder finds it by
// writing the value and reading it again, which is most of the time that a document takes;
// a text that is ordinary needs no such trial.
func scalarNode(scalar any) (*yaml.Node, error) {
	if text, isText := scalar.(string); isText && isOrdinary(text) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, nil
	}
	n := &yaml.Node{}
	err := n.Encode(scalar)
	return n, err
}

// minOrdinary is longer than any word of letters that YAML, new or old, takes for
// something else than a text: null, false and the like.
const minOrdinary = 6

var (
	ordinaryStart      = charset.New(charset.Upper + charset.Lower)
	ordinaryCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "_./-")
	encCharacters      = charset.New(charset.Upper + charset.Lower + charset.Digit + "+/=_:,[]")
)

// isOrdinary reports whether the encoder writes a text as it stands, without quotes. It
// does so with more texts than these: names of entries, and encrypted values.
func isOrdinary(text string) bool {
	if isEncrypted(text) {
		return strings.HasSuffix(text, encEnds) && encCharacters.Holds(text)
	}
	return len(text) >= minOrdinary && ordinaryStart.Begins(text) && ordinaryCharacters.Holds(text)
}

func commentOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "#" + strings.Join(lines, "\n#")
}

func joinComments(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "\n" + second
}
