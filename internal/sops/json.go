package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// maxDepth is how deep a file may be nested.
const maxDepth = 100

// jsonNode is a value of a JSON document: an object, an array, or a leaf.
type jsonNode struct {
	keys     []string    // of an object
	children []*jsonNode // of an object or an array
	object   bool
	array    bool
	value    any // of a leaf
}

var errJSON = errors.New("malformed JSON")

// parseJSON reads a document, with objects in their order.
func parseJSON(text string) (*jsonNode, error) {
	p := jsonParser{dec: json.NewDecoder(strings.NewReader(text))}
	p.dec.UseNumber()
	root, err := p.value(0)
	var located *Error
	if errors.As(err, &located) || errors.Is(err, errTooManyLeaves) {
		return nil, err
	}
	if err != nil || !root.object {
		return nil, errJSON
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return root, nil
}

type jsonParser struct {
	dec    *json.Decoder
	leaves int
}

func (p *jsonParser) value(depth int) (*jsonNode, error) {
	token, err := p.dec.Token()
	if err != nil || depth > maxDepth {
		return nil, errJSON
	}
	switch token {
	case json.Delim('{'):
		return p.object(depth)
	case json.Delim('['):
		return p.array(depth)
	}
	if p.leaves++; p.leaves > maxLeaves {
		return nil, errTooManyLeaves
	}
	if number, ok := token.(json.Number); ok {
		return numberNode(number)
	}
	return &jsonNode{value: token}, nil
}

func numberNode(number json.Number) (*jsonNode, error) {
	if n, err := strconv.Atoi(number.String()); err == nil {
		return &jsonNode{value: n}, nil
	}
	f, err := number.Float64()
	if err != nil {
		return nil, errJSON
	}
	return &jsonNode{value: f}, nil
}

func (p *jsonParser) object(depth int) (*jsonNode, error) {
	n := &jsonNode{object: true}
	seen := map[string]bool{}
	for p.dec.More() {
		token, err := p.dec.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return nil, errJSON
		}
		if seen[key] {
			return nil, &Error{Key: key, Problem: problemTwice}
		}
		seen[key] = true
		child, err := p.value(depth + 1)
		if err != nil {
			return nil, inside(err, key)
		}
		n.keys, n.children = append(n.keys, key), append(n.children, child)
	}
	_, err := p.dec.Token()
	return n, err
}

// inside puts the name of what holds a place in front of the place's.
func inside(err error, key string) error {
	var located *Error
	if errors.As(err, &located) && located.Key != "" {
		return &Error{Line: located.Line, Key: key + "." + located.Key, Problem: located.Problem}
	}
	return err
}

func (p *jsonParser) array(depth int) (*jsonNode, error) {
	n := &jsonNode{array: true}
	for p.dec.More() {
		child, err := p.value(depth + 1)
		if err != nil {
			return nil, inside(err, strconv.Itoa(len(n.children)))
		}
		n.children = append(n.children, child)
	}
	_, err := p.dec.Token()
	return n, err
}

// looksBinary reports whether a JSON object is what the binary store writes.
func looksBinary(text string) bool {
	root, err := parseJSON(text)
	return err == nil && root.binary()
}

func (n *jsonNode) binary() bool {
	if len(n.keys) != 2 {
		return false
	}
	data, meta := n.child(binaryKey), n.child(metadataKey)
	if data == nil || meta == nil || data.object || data.array {
		return false
	}
	_, isText := data.value.(string)
	return isText
}

func (n *jsonNode) child(key string) *jsonNode {
	for i, k := range n.keys {
		if k == key {
			return n.children[i]
		}
	}
	return nil
}

func loadJSON(text string, store Store) (file, error) {
	root, err := parseJSON(text)
	var located *Error
	if errors.Is(err, errTooManyLeaves) || errors.As(err, &located) {
		return file{}, err
	}
	if err != nil || store == Binary && !root.binary() {
		return file{}, problemSyntax(store)
	}
	var metadata metadataReader
	if meta := root.child(metadataKey); meta != nil {
		if err := metadata.nested(meta.plain(), "", 0); err != nil {
			return file{}, err
		}
		root.remove(metadataKey)
	}
	f := file{store: store, documents: 1}
	if err := root.collect(&f.leaves, "", nil, false); err != nil {
		return file{}, err
	}
	if store == JSON {
		f.checkNames()
	}
	f.emit = func() (secret.Text, error) {
		if store == Binary {
			data, _ := root.children[0].value.(string)
			return secret.New(data), nil
		}
		return root.emit()
	}
	if f.meta, err = metadata.done(f.leaves); store == Binary {
		f.meta.Keys = nil
	}
	return f, err
}

func (n *jsonNode) remove(key string) {
	for i, k := range n.keys {
		if k == key {
			n.keys = append(n.keys[:i], n.keys[i+1:]...)
			n.children = append(n.children[:i], n.children[i+1:]...)
			return
		}
	}
}

// plain is the value as encoding/json has it.
func (n *jsonNode) plain() any {
	switch {
	case n.object:
		m := make(map[string]any, len(n.keys))
		for i, key := range n.keys {
			m[key] = n.children[i].plain()
		}
		return m
	case n.array:
		list := make([]any, len(n.children))
		for i, child := range n.children {
			list[i] = child.plain()
		}
		return list
	}
	return n.value
}

// collect adds the leaves in the document's order.
func (n *jsonNode) collect(leaves *[]leaf, name string, path []string, inList bool) error {
	if !n.object && !n.array {
		if text, ok := n.value.(string); ok && inList && isEncryptedComment(text) {
			name = ""
		}
		*leaves = append(*leaves, leaf{name: name, path: path, value: n.value, inList: inList, put: func(value any) { n.value = value }})
		return nil
	}
	if len(n.children) == 0 && name != "" {
		*leaves = append(*leaves, leaf{name: name, path: path, value: hollow{}})
	}
	index := 0
	for i, child := range n.children {
		if n.object {
			if err := checkKey(n.keys[i], name); err != nil {
				return err
			}
			if err := child.collect(leaves, flatName(name, n.keys[i]), extend(path, n.keys[i]), false); err != nil {
				return err
			}
			continue
		}
		if err := child.collect(leaves, flatName(name, strconv.Itoa(index)), path, true); err != nil {
			return err
		}
		if text, ok := child.value.(string); !ok || !isEncryptedComment(text) {
			index++
		}
	}
	return nil
}

// emit writes the document as sops does: tabs, and the escapes of encoding/json.
func (n *jsonNode) emit() (secret.Text, error) {
	var compact strings.Builder
	if err := n.write(&compact); err != nil {
		return secret.Text{}, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(compact.String()), "", "\t"); err != nil {
		return secret.Text{}, problemSyntax(JSON)
	}
	return secret.New(out.String() + "\n"), nil
}

func (n *jsonNode) write(out *strings.Builder) error {
	if !n.object && !n.array {
		text, err := json.Marshal(n.value)
		if err != nil {
			return problemSyntax(JSON)
		}
		out.Write(text)
		return nil
	}
	opening, closing := "[", "]"
	if n.object {
		opening, closing = "{", "}"
	}
	out.WriteString(opening)
	first := true
	for i, child := range n.children {
		if _, removed := child.value.(removedComment); removed {
			continue
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		if n.object {
			key, err := json.Marshal(n.keys[i])
			if err != nil {
				return problemSyntax(JSON)
			}
			out.Write(key)
			out.WriteByte(':')
		}
		if err := child.write(out); err != nil {
			return err
		}
	}
	out.WriteString(closing)
	return nil
}
