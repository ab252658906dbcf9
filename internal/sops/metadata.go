package sops

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// metadataPrefix begins the names of a dotenv file's metadata, metadataKey is the
// key that holds it in the other stores.
const (
	metadataPrefix = "sops_"
	metadataKey    = "sops"
)

// clearSuffix ends the names whose values sops leaves in clear.
const clearSuffix = "_unencrypted"

// Metadata is what a file shows without being opened.
type Metadata struct {
	Recipients   []string  // of age, each once, in the file's order, those of all key groups
	LastModified time.Time // to the second
	Version      string    // of the sops that wrote it
	Keys         []string  // names of the entries, flattened, in the file's order; none for the binary store
	KeyGroups    int       // into how many parts the data key is split; 1 where it is not
	OtherKeys    bool      // whether others than age recipients can open it: PGP, a cloud's KMS

	mac              string
	macOnlyEncrypted bool
	lastModified     string // as the MAC's additional data has it
	groups           [][]wrappedKey
	threshold        int // how many groups it takes
}

// field is one piece of metadata, under the flat name that the dotenv store gives
// it: age__list_0__map_enc.
type field struct {
	line  int
	name  string // as the file has it, for errors
	key   string
	value string
}

// metadataReader collects the fields of a file.
type metadataReader struct {
	meta   Metadata
	groups map[int]map[int]wrappedKey // of key_groups, or group 0 alone
	listed bool                       // whether key_groups are used
	single bool                       // whether a list of age keys is there
	found  bool
}

// take reads one field. Unknown ones are ignored, as sops does; so are the rules
// that say which values are encrypted, since every value tells that itself.
func (r *metadataReader) take(f field) error {
	r.found = true
	fail := func(problem string) error { return &Error{Line: f.line, Key: f.name, Problem: problem} }
	if group, _, listed := cutIndex(f.key, keyGroups); listed {
		number, err := strconv.Atoi(group)
		if err != nil || strconv.Itoa(number) != group {
			return fail("the list index is malformed")
		}
		r.listed = true
		r.group(number)
	}
	if group, index, what, isKey := cutKeyField(f.key); isKey {
		return r.takeKey(group, index, what, f, fail)
	}
	m := &r.meta
	m.OtherKeys = m.OtherKeys || isOtherKey(f.key)
	switch f.key {
	case "lastmodified":
		t, err := time.Parse(time.RFC3339, f.value)
		if err != nil {
			return fail("the time is not RFC 3339")
		}
		// sops parses and formats it again before it checks the MAC.
		m.LastModified, m.lastModified = t.UTC(), t.Format(time.RFC3339)
	case "mac":
		m.mac = f.value
	case "mac_only_encrypted":
		m.macOnlyEncrypted = strings.EqualFold(f.value, "true")
	case "version":
		if !isVersion(f.value) {
			return fail("the version is not of the form 3.13.3")
		}
		m.Version = f.value
	case "shamir_threshold":
		n, err := strconv.Atoi(f.value)
		if err != nil || n < 0 || n > 255 {
			return fail("the threshold is not a number from 0 to 255")
		}
		m.threshold = n
	}
	return nil
}

func (r *metadataReader) group(index int) map[int]wrappedKey {
	if r.groups == nil {
		r.groups = map[int]map[int]wrappedKey{}
	}
	if r.groups[index] == nil {
		r.groups[index] = map[int]wrappedKey{}
	}
	return r.groups[index]
}

// takeKey reads a field of a wrapped key. The texts are the index of its group, empty
// where it is in none, and its own.
func (r *metadataReader) takeKey(groupText, indexText, what string, f field, fail func(string) error) error {
	group := 0
	if groupText != "" {
		group, _ = strconv.Atoi(groupText)
	} else {
		r.single = true
	}
	index, err := strconv.Atoi(indexText)
	if err != nil || strconv.Itoa(index) != indexText {
		return fail("the list index is malformed")
	}
	keys := r.group(group)
	key := keys[index]
	if what == keyEnc {
		key.enc = f.value
	} else {
		recipient, err := agekey.ParseRecipient(f.value)
		if err != nil {
			return fail("the recipient is malformed")
		}
		key.recipient = recipient.String()
	}
	keys[index] = key
	return nil
}

// done checks that the metadata is complete.
func (r *metadataReader) done(leaves []leaf) (Metadata, error) {
	m := r.meta
	switch {
	case !r.found:
		return Metadata{}, ErrNotSOPS
	case m.mac == "" || m.lastModified == "" || m.Version == "":
		return Metadata{}, fmt.Errorf("its sops metadata is not complete (mac, lastmodified, version): %w", ErrNotSOPS)
	case r.listed && r.single:
		return Metadata{}, fmt.Errorf("its sops metadata has key groups and a list of keys beside them: %w", ErrNotSOPS)
	}
	size, seen := 0, map[string]bool{}
	for i := range len(r.groups) {
		keys, ok := r.groups[i]
		if !ok {
			return Metadata{}, fmt.Errorf("its list of key groups has a gap: %w", ErrNotSOPS)
		}
		group := make([]wrappedKey, 0, len(keys))
		for j := range len(keys) {
			key, ok := keys[j]
			if !ok || key.enc == "" || key.recipient == "" {
				return Metadata{}, fmt.Errorf("its list of age recipients has a gap: %w", ErrNotSOPS)
			}
			if size += len(key.enc); size > maxWrapped {
				return Metadata{}, errTooManyKeys
			}
			group = append(group, key)
			if !seen[key.recipient] {
				seen[key.recipient] = true
				m.Recipients = append(m.Recipients, key.recipient)
			}
		}
		m.groups = append(m.groups, group)
	}
	if len(seen) == 0 {
		return Metadata{}, fmt.Errorf("its data key is not wrapped for any age recipient: %w", agekey.ErrNoMatch)
	}
	if len(m.groups) > maxGroups || m.threshold > len(m.groups) && len(m.groups) > 1 {
		return Metadata{}, fmt.Errorf("its key groups can't be those that sops makes: %w", ErrNotSOPS)
	}
	m.Keys, m.KeyGroups = entryNames(leaves), len(m.groups)
	return m, nil
}

// entryNames are the names of the values, in the file's order.
func entryNames(leaves []leaf) []string {
	names := make([]string, 0, len(leaves))
	for _, l := range leaves {
		if l.name != "" && !l.noEntry && l.value != (hollow{}) {
			names = append(names, l.name)
		}
	}
	return names
}

// nested reads metadata that is a tree: the flat names are made of it.
func (r *metadataReader) nested(value any, key string, depth int) error {
	r.found = true
	if depth > 8 {
		return fmt.Errorf("its sops metadata is nested deeper than sops writes it: %w", ErrNotSOPS)
	}
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			child := name
			if key != "" {
				child = key + "__map_" + name
			}
			if err := r.nested(inner, child, depth+1); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, inner := range v {
			if err := r.nested(inner, key+"__list_"+strconv.Itoa(i), depth+1); err != nil {
				return err
			}
		}
		return nil
	case nil:
		return nil
	}
	return r.take(field{name: metadataKey + "." + key, key: key, value: entryText(value)})
}

// text returns the metadata in the order in which sops emits it.
func (m Metadata) text() string {
	var out strings.Builder
	for i, key := range m.groups[0] {
		fmt.Fprintf(&out, "sops_age__list_%d__map_enc=%s\n", i, emitBreaks(key.enc))
		fmt.Fprintf(&out, "sops_age__list_%d__map_recipient=%s\n", i, key.recipient)
	}
	fmt.Fprintf(&out, "sops_lastmodified=%s\nsops_mac=%s\nsops_unencrypted_suffix=%s\nsops_version=%s\n",
		m.lastModified, m.mac, clearSuffix, m.Version)
	return out.String()
}
