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
	size   int // of the values and comments, in bytes, those of aliases each time
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
			if alias := findAlias(meta); alias != nil {
				return file{}, &Error{Line: alias.Line, Problem: "sops' metadata holds a YAML alias, and sops writes none there"}
			}
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
		if err := reader.mapping(values[i], root, place{}, true, nil); err != nil {
			return file{}, err
		}
		reader.comments(values[i], rest, nil, false)
		reader.comments(values[i], document.FootComment, nil, false)
	}
	if len(reader.leaves) > maxLeaves {
		return file{}, errTooManyLeaves
	}
	f = file{store: YAML, documents: len(documents), leaves: reader.leaves, emit: emitYAML(values)}
	if len(documents) == 1 {
		f.checkNames()
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
		// The value of an alias is its anchor's name.
		if key := mapping.Content[i]; key.Kind == yaml.ScalarNode && key.Value == metadataKey {
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
		if len(r.leaves) > maxLeaves {
			return // the next value fails, or the end of the file
		}
		r.size += len(line)
		item := &yamlItem{isComment: true, inline: inline, comment: strings.TrimPrefix(line, "#")}
		in.items = append(in.items, item)
		r.leaves = append(r.leaves, leaf{path: path, value: item.comment, comment: true, put: func(plain any) {
			// As in sops: a comment that was encrypted comes back on a line of its own.
			item.inline = item.inline && !isEncrypted(item.comment)
			item.comment = commentText(plain)
		}})
	}
}

// place is where an element stands.
type place struct {
	name     string   // flattened
	path     []string // the keys alone
	inList   bool
	replaced bool // another value has the name: what a merge key brings in counts last
	depth    int
}

// under is the place of a key's value.
func (p place) under(key string) place {
	p.name, p.path, p.inList = flatName(p.name, key), extend(p.path, key), false
	return p
}

// mapping adds the elements of a mapping. A value's own comments belong to the
// mapping where the value is a scalar, and to the value where it is not. taken are the
// names that a mapping that is merged in leaves to others; nil for any other mapping.
func (r *yamlReader) mapping(to *yamlValue, n *yaml.Node, at place, ownComments bool, taken *nameSet) error {
	if at.depth > maxDepth {
		return problemSyntax(YAML)
	}
	if ownComments {
		r.comments(to, n.HeadComment, at.path, false)
		r.comments(to, n.LineComment, at.path, false)
	}
	names, err := keysOf(n, at)
	if err != nil {
		return err
	}
	own := newNameSet(n, names, taken)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := names[i/2]
		r.comments(to, key.HeadComment, at.path, false)
		r.comments(to, key.LineComment, at.path, false)
		single := value.Kind == yaml.ScalarNode || value.Kind == yaml.AliasNode
		if single {
			r.comments(to, value.HeadComment, at.path, false)
			r.comments(to, value.LineComment, at.path, true)
		}
		item := &yamlItem{key: name}
		if isMerge(key) {
			err = r.merge(item, value, at, !single, own)
		} else {
			inner := at.under(name)
			inner.replaced = at.replaced || taken.has(name)
			err = r.value(item, value, inner, !single)
		}
		if err != nil {
			return err
		}
		to.items = append(to.items, item)
		if single {
			r.comments(to, value.FootComment, at.path, false)
		}
		r.comments(to, key.FootComment, at.path, false)
	}
	if ownComments {
		r.comments(to, n.FootComment, at.path, false)
	}
	taken.add(own)
	return nil
}

func (r *yamlReader) sequence(to *yamlValue, n *yaml.Node, at place, ownComments bool, element func(*yamlItem, *yaml.Node, place) error) error {
	if at.depth > maxDepth {
		return problemSyntax(YAML)
	}
	if ownComments {
		r.comments(to, n.HeadComment, at.path, false)
		r.comments(to, n.LineComment, at.path, false)
	}
	index := 0
	for _, node := range n.Content {
		r.comments(to, node.HeadComment, at.path, false)
		r.comments(to, node.LineComment, at.path, true)
		item, inner := &yamlItem{}, at
		inner.name, inner.inList = flatName(at.name, strconv.Itoa(index)), true
		if err := element(item, node, inner); err != nil {
			return err
		}
		to.items = append(to.items, item)
		if node.Kind != yaml.ScalarNode || !isEncryptedComment(node.Value) {
			index++
		}
		r.comments(to, node.FootComment, at.path, false)
	}
	if ownComments {
		r.comments(to, n.FootComment, at.path, false)
	}
	return nil
}

// value reads an element's value.
func (r *yamlReader) value(item *yamlItem, n *yaml.Node, at place, ownComments bool) error {
	if err := r.bounded(); err != nil {
		return err
	}
	item.value = &yamlValue{kind: n.Kind}
	inner := at
	inner.depth, inner.inList = at.depth+1, false
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		if len(n.Content) == 0 {
			r.leaves = append(r.leaves, leaf{line: n.Line, name: at.name, path: at.path, value: hollow{}, noEntry: at.replaced})
		}
		if n.Kind == yaml.MappingNode {
			return r.mapping(item.value, n, inner, ownComments, nil)
		}
		return r.sequence(item.value, n, inner, ownComments, func(item *yamlItem, n *yaml.Node, at place) error {
			return r.value(item, n, at, false)
		})
	case yaml.ScalarNode:
		return r.scalar(item, n, at)
	case yaml.AliasNode:
		// As in sops, the comments of what has the anchor come along. An anchor may stand
		// around its own alias.
		if at.depth > maxDepth {
			return problemSyntax(YAML)
		}
		at.depth++
		return r.value(item, n.Alias, at, true)
	}
	return problemSyntax(YAML)
}

func (r *yamlReader) scalar(item *yamlItem, n *yaml.Node, at place) error {
	if r.size += len(n.Value); r.size > maxExpanded {
		return errExpanded
	}
	name := at.name
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
	if at.inList && isEncryptedComment(n.Value) {
		name = ""
	}
	r.leaves = append(r.leaves, leaf{line: n.Line, name: name, path: at.path, value: value, inList: at.inList, noEntry: at.replaced, put: func(plain any) {
		if comment, ok := plain.(removedComment); ok {
			item.isComment, item.comment = true, string(comment)
			return
		}
		item.value.scalar = plain
	}})
	return nil
}
