package sops

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

const metadataPrefix = "sops_"

// clearSuffix ends the names whose values sops leaves in clear.
const clearSuffix = "_unencrypted"

// Metadata is what a file shows without being opened.
type Metadata struct {
	Recipients   []string  // in the file's order
	LastModified time.Time // to the second
	Version      string    // of the sops that wrote it
	Keys         []string  // names of the entries, in the file's order

	mac              string
	macOnlyEncrypted bool
	lastModified     string // as the MAC's additional data has it
	dataKeys         []wrappedKey
}

var (
	ageLine     = regexp.MustCompile(`^sops_age__list_(\d{1,4})__map_(enc|recipient)$`)
	versionText = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
	// Metadata that changes which values are encrypted, or what opens the data key.
	unsupported = regexp.MustCompile(`^sops_(key_groups|shamir_threshold|encrypted_|unencrypted_(regex|comment_regex)$)`)
)

// splitMetadata parts the entries and comments of a file from its metadata, which
// may stand anywhere. Unknown sops_* lines are ignored, as sops does.
func splitMetadata(lines []line) (content []line, meta Metadata, err error) {
	content = make([]line, 0, len(lines))
	keys := map[int]wrappedKey{}
	found := false
	for _, l := range lines {
		if l.comment || !strings.HasPrefix(l.key, metadataPrefix) {
			content = append(content, l)
			if !l.comment {
				meta.Keys = append(meta.Keys, l.key)
			}
			continue
		}
		found = true
		if err := meta.take(l, keys); err != nil {
			return nil, Metadata{}, err
		}
	}
	switch {
	case !found:
		return nil, Metadata{}, ErrNotSOPS
	case meta.mac == "" || meta.lastModified == "" || meta.Version == "":
		return nil, Metadata{}, fmt.Errorf("its sops metadata is not complete (sops_mac, sops_lastmodified, sops_version): %w", ErrNotSOPS)
	}
	wrapped := 0
	for i := range len(keys) {
		key, ok := keys[i]
		if !ok || key.enc == "" || key.recipient == "" {
			return nil, Metadata{}, fmt.Errorf("its list of age recipients (sops_age__list_…) has a gap: %w", ErrNotSOPS)
		}
		if wrapped += len(key.enc); wrapped > maxWrapped {
			return nil, Metadata{}, errTooManyKeys
		}
		meta.dataKeys = append(meta.dataKeys, key)
		meta.Recipients = append(meta.Recipients, key.recipient)
	}
	if len(keys) == 0 {
		return nil, Metadata{}, fmt.Errorf("its data key is not wrapped for any age recipient (sops_age__list_…): %w", agekey.ErrNoMatch)
	}
	return content, meta, nil
}

// take reads one sops_* line.
func (m *Metadata) take(l line, keys map[int]wrappedKey) error {
	fail := func(problem string) error { return &Error{Line: l.number, Key: l.key, Problem: problem} }
	if match := ageLine.FindStringSubmatch(l.key); match != nil {
		index, err := strconv.Atoi(match[1])
		if err != nil || strconv.Itoa(index) != match[1] {
			return fail("the list index is malformed")
		}
		key := keys[index]
		if match[2] == "enc" {
			key.enc = loadBreaks(l.value)
		} else {
			recipient, err := agekey.ParseRecipient(l.value)
			switch {
			case err == nil:
				key.recipient = recipient.String()
			case err == agekey.ErrPlugin: //nolint:errorlint // returned as it is; sops files may list plugin recipients
				key.recipient = l.value
			default:
				return fail("the recipient is malformed")
			}
		}
		keys[index] = key
		return nil
	}
	switch l.key {
	case "sops_lastmodified":
		t, err := time.Parse(time.RFC3339, l.value)
		if err != nil {
			return fail("the time is not RFC 3339")
		}
		// sops parses and formats it again before it checks the MAC.
		m.LastModified, m.lastModified = t.UTC(), t.Format(time.RFC3339)
	case "sops_mac":
		m.mac = l.value
	case "sops_mac_only_encrypted":
		m.macOnlyEncrypted = l.value == "true"
	case "sops_version":
		if !versionText.MatchString(l.value) {
			return fail("the version is not of the form 3.13.3")
		}
		m.Version = l.value
	case "sops_unencrypted_suffix":
		if l.value != clearSuffix {
			return fail("the file leaves values in clear by a suffix of its own, which is not read: only " + clearSuffix + " is")
		}
	default:
		if unsupported.MatchString(l.key) {
			return fail("the file uses key groups or encrypts only some values, which is not read: encrypt it again without")
		}
	}
	return nil
}

// text returns the metadata in the order in which sops emits it.
func (m Metadata) text() string {
	var out strings.Builder
	for i, key := range m.dataKeys {
		fmt.Fprintf(&out, "sops_age__list_%d__map_enc=%s\n", i, emitBreaks(key.enc))
		fmt.Fprintf(&out, "sops_age__list_%d__map_recipient=%s\n", i, key.recipient)
	}
	fmt.Fprintf(&out, "sops_lastmodified=%s\nsops_mac=%s\nsops_unencrypted_suffix=%s\nsops_version=%s\n",
		m.lastModified, m.mac, clearSuffix, m.Version)
	return out.String()
}
