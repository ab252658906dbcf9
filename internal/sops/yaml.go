package sops

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// yamlValue is a value of a YAML document: a mapping, a sequence, or a scalar.
type yamlValue struct {
	kind   yaml.Kind
	items  []*yamlItem // of a mapping or a sequence
	scalar any
}

// yamlItem is an element of a mapping or a sequence, or a comment between such.
type yamlItem struct {
	comment   string // without its "#"
	isComment bool
	inline    bool // the comment stands behind the next element
	key       string
	value     *yamlValue
}

// yamlReader reads documents the way sops does: comments are elements.
type yamlReader struct {
	leaves []leaf
}

// loadYAML keeps the parser's errors and panics to itself: they quote the file.
func loadYAML(text string) (f file, err error) {
	defer func() {
		if recover() != nil {
			f, err = file{}, problemSyntax(YAML)
		}
	}()
	documents, err := parseYAML(text)
	if err != nil {
		return file{}, err
	}
	var metadata metadataReader
	var reader yamlReader
	values := make([]*yamlValue, len(documents))
	for i, document := range documents {
		root := document.Content[0]
		meta, rest := takeMetadata(root)
		if meta != nil && i == 0 {
			var tree any
			if meta.Decode(&tree) != nil {
				return file{}, problemSyntax(YAML)
			}
			if err := metadata.nested(tree, "", 0); err != nil {
				return file{}, err
			}
		}
		values[i] = &yamlValue{kind: yaml.MappingNode}
		for _, comment := range []string{document.HeadComment, document.LineComment} {
			reader.comments(values[i], comment, nil, false)
		}
		if err := reader.mapping(values[i], root, "", nil, true, 0); err != nil {
			return file{}, err
		}
		reader.comments(values[i], rest, nil, false)
		reader.comments(values[i], document.FootComment, nil, false)
	}
	f = file{store: YAML, documents: len(documents), leaves: reader.leaves, emit: emitYAML(values)}
	if len(documents) == 1 {
		if err := checkNames(f.leaves); err != nil {
			return file{}, err
		}
	}
	f.meta, err = metadata.done(f.leaves)
	return f, err
}

// parseYAML reads the documents of a file, each a mapping.
func parseYAML(text string) (documents []*yaml.Node, err error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var document yaml.Node
		err := dec.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || document.Kind != yaml.DocumentNode || len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
			return nil, problemSyntax(YAML)
		}
		documents = append(documents, &document)
	}
	if len(documents) == 0 {
		return nil, problemSyntax(YAML)
	}
	return documents, nil
}

// takeMetadata takes the metadata out of a mapping. The comment before it is one
// of what stands above.
func takeMetadata(mapping *yaml.Node) (meta *yaml.Node, comment string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if key := mapping.Content[i]; key.Value == metadataKey {
			meta = mapping.Content[i+1]
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
			return meta, key.HeadComment
		}
	}
	return nil, ""
}

// comments adds comments as elements, a line each.
func (r *yamlReader) comments(in *yamlValue, text string, path []string, inline bool) {
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		item := &yamlItem{isComment: true, inline: inline, comment: strings.TrimPrefix(line, "#")}
		in.items = append(in.items, item)
		r.leaves = append(r.leaves, leaf{path: path, value: item.comment, comment: true, put: func(plain any) {
			// As in sops: a comment that was encrypted comes back on a line of its own.
			item.inline = item.inline && !isEncrypted(item.comment)
			item.comment = commentText(plain)
		}})
	}
}

// mapping adds the elements of a mapping. A value's own comments belong to the
// mapping where the value is a scalar, and to the value where it is not.
func (r *yamlReader) mapping(to *yamlValue, n *yaml.Node, name string, path []string, ownComments bool, depth int) error {
	if depth > maxDepth {
		return problemSyntax(YAML)
	}
	if ownComments {
		r.comments(to, n.HeadComment, path, false)
		r.comments(to, n.LineComment, path, false)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			return &Error{Key: name, Problem: "a name in it is not text, and sops refuses such"}
		}
		if err := checkKey(key.Value, name); err != nil {
			return err
		}
		if seen[key.Value] {
			return &Error{Key: flatName(name, key.Value), Problem: "the name is there twice: remove one"}
		}
		seen[key.Value] = true
		scalar := value.Kind == yaml.ScalarNode
		r.comments(to, key.HeadComment, path, false)
		r.comments(to, key.LineComment, path, false)
		if scalar {
			r.comments(to, value.HeadComment, path, false)
			r.comments(to, value.LineComment, path, true)
		}
		item := &yamlItem{key: key.Value}
		if err := r.value(item, value, flatName(name, key.Value), extend(path, key.Value), !scalar, false, depth); err != nil {
			return err
		}
		to.items = append(to.items, item)
		if scalar {
			r.comments(to, value.FootComment, path, false)
		}
		r.comments(to, key.FootComment, path, false)
	}
	if ownComments {
		r.comments(to, n.FootComment, path, false)
	}
	return nil
}

func (r *yamlReader) sequence(to *yamlValue, n *yaml.Node, name string, path []string, ownComments bool, depth int) error {
	if depth > maxDepth {
		return problemSyntax(YAML)
	}
	if ownComments {
		r.comments(to, n.HeadComment, path, false)
		r.comments(to, n.LineComment, path, false)
	}
	index := 0
	for _, element := range n.Content {
		r.comments(to, element.HeadComment, path, false)
		r.comments(to, element.LineComment, path, true)
		item := &yamlItem{}
		if err := r.value(item, element, flatName(name, strconv.Itoa(index)), path, false, true, depth); err != nil {
			return err
		}
		to.items = append(to.items, item)
		if element.Kind != yaml.ScalarNode || !isEncryptedComment(element.Value) {
			index++
		}
		r.comments(to, element.FootComment, path, false)
	}
	if ownComments {
		r.comments(to, n.FootComment, path, false)
	}
	return nil
}

// value reads an element's value.
func (r *yamlReader) value(item *yamlItem, n *yaml.Node, name string, path []string, ownComments, inList bool, depth int) error {
	if len(r.leaves) >= maxLeaves {
		return errTooManyLeaves
	}
	item.value = &yamlValue{kind: n.Kind}
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		if len(n.Content) == 0 {
			r.leaves = append(r.leaves, leaf{line: n.Line, name: name, path: path, value: hollow{}})
		}
		if n.Kind == yaml.MappingNode {
			return r.mapping(item.value, n, name, path, ownComments, depth+1)
		}
		return r.sequence(item.value, n, name, path, ownComments, depth+1)
	case yaml.ScalarNode:
		return r.scalar(item, n, name, path, inList)
	}
	return &Error{Line: n.Line, Key: name, Problem: "the file uses aliases, which sops does not write"}
}

func (r *yamlReader) scalar(item *yamlItem, n *yaml.Node, name string, path []string, inList bool) error {
	var value any
	if n.Decode(&value) != nil {
		return problemSyntax(YAML)
	}
	switch value.(type) {
	case string, int, float64, bool, time.Time, nil:
	default:
		return &Error{Line: n.Line, Key: name, Problem: "the value is of a type that sops does not write"}
	}
	item.value.scalar = value
	if inList && isEncryptedComment(n.Value) {
		name = ""
	}
	r.leaves = append(r.leaves, leaf{line: n.Line, name: name, path: path, value: value, inList: inList, put: func(plain any) {
		if comment, ok := plain.(removedComment); ok {
			item.isComment, item.comment = true, string(comment)
			return
		}
		item.value.scalar = plain
	}})
	return nil
}
