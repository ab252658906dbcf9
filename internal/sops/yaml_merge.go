package sops

import (
	"errors"
	"maps"

	"go.yaml.in/yaml/v3"
)

// sops writes what an alias stands for in the alias's place, and encrypts it there. A
// merge key (<<) it keeps as a name: the values in it are authenticated under that
// name, and read, as YAML has it, as if they stood next to it.

// mergeKey is the name, and mergeTag its tag, under which a mapping is merged into the one around it.
const (
	mergeKey = "<<"
	mergeTag = "!!merge"
)

// maxExpanded is how much of values and comments is read once aliases are followed, in
// bytes. Escapes apart, a file without any has no more than MaxTree.
const maxExpanded = 2 * MaxTree

var errExpanded = errors.New("its YAML aliases stand for more than is read: 4 MiB of values and comments in all")

// bounded reports whether there may be more.
func (r *yamlReader) bounded() error {
	switch {
	case len(r.leaves) >= maxLeaves:
		return errTooManyLeaves
	case r.size > maxExpanded:
		return errExpanded
	}
	return nil
}

// findAlias finds an alias in a value. A few bytes of them keep the decoder busy for seconds.
func findAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, inner := range n.Content {
		if alias := findAlias(inner); alias != nil {
			return alias
		}
	}
	return nil
}

// isMerge reports whether a key is the merge key, and no name in quotes.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == mergeKey && key.ShortTag() == mergeTag
}

// keysOf are the names of a mapping's elements, in order.
func keysOf(n *yaml.Node, at place) ([]string, error) {
	names := make([]string, 0, len(n.Content)/2)
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" && !isMerge(key) {
			return nil, &Error{Line: key.Line, Key: at.name, Problem: "a name in it is not text, and sops refuses such: put it in quotes"}
		}
		if err := checkKey(key.Value, at.name); err != nil {
			return nil, err
		}
		if seen[key.Value] {
			return nil, &Error{Line: key.Line, Key: flatName(at.name, key.Value), Problem: problemTwice}
		}
		seen[key.Value] = true
		names = append(names, key.Value)
	}
	return names, nil
}

// nameSet are the names that are in use where something is merged in: those of a
// mapping, and those that the mapping around it has already. The nil set is empty.
type nameSet struct {
	names map[string]bool
	outer *nameSet
}

func newNameSet(n *yaml.Node, names []string, outer *nameSet) *nameSet {
	set := &nameSet{names: make(map[string]bool, len(names)), outer: outer}
	for i, name := range names {
		if !isMerge(n.Content[2*i]) {
			set.names[name] = true
		}
	}
	return set
}

func (s *nameSet) has(name string) bool {
	return s != nil && (s.names[name] || s.outer.has(name))
}

func (s *nameSet) add(other *nameSet) {
	if s != nil {
		maps.Copy(s.names, other.names)
	}
}

// merge reads the value of a merge key: a mapping, or several. Their elements have the
// names of elements of the mapping around, where that, or an earlier one of them, has
// none of the name.
func (r *yamlReader) merge(item *yamlItem, n *yaml.Node, at place, ownComments bool, taken *nameSet) error {
	inner := at
	inner.path, inner.depth = extend(at.path, mergeKey), at.depth+1
	if n.Kind == yaml.SequenceNode {
		item.value = &yamlValue{kind: yaml.SequenceNode}
		return r.sequence(item.value, n, inner, ownComments, func(item *yamlItem, n *yaml.Node, _ place) error {
			return r.mergeOne(item, n, inner, false, taken)
		})
	}
	return r.mergeOne(item, n, inner, ownComments, taken)
}

// mergeOne reads a mapping that is merged in. Its names are taken from then on.
func (r *yamlReader) mergeOne(item *yamlItem, n *yaml.Node, at place, ownComments bool, taken *nameSet) error {
	if n.Kind == yaml.AliasNode {
		n, ownComments = n.Alias, true
	}
	if n.Kind != yaml.MappingNode {
		return &Error{Line: n.Line, Key: at.name, Problem: "what << merges in is no mapping: YAML takes nothing else there, and today's sops can't read the file either: remove it"}
	}
	if err := r.bounded(); err != nil {
		return err
	}
	item.value = &yamlValue{kind: yaml.MappingNode}
	if len(n.Content) == 0 {
		r.leaves = append(r.leaves, leaf{line: n.Line, path: at.path, value: hollow{}, noEntry: true})
	}
	at.depth++
	return r.mapping(item.value, n, at, ownComments, taken)
}
