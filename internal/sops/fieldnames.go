package sops

import (
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
)

// The lists of key groups, and the fields of a wrapped key that are read.
const (
	keyGroups    = "key_groups"
	keyEnc       = "map_enc"
	keyRecipient = "map_recipient"
)

var digits = charset.New(charset.Digit)

// cutIndex cuts LIST__list_INDEX__REST, as the dotenv store names what is in a list. The
// index has one to four digits.
func cutIndex(key, list string) (index, rest string, ok bool) {
	key, isList := strings.CutPrefix(key, list+"__list_")
	length := digits.Prefix(key)
	rest, isElement := strings.CutPrefix(key[length:], "__")
	if !isList || !isElement || length < 1 || length > 4 {
		return "", "", false
	}
	return key[:length], rest, true
}

// cutGroup cuts off the key group that a field is in, if it is in one.
func cutGroup(key string) (group, rest string) {
	index, element, ok := cutIndex(key, keyGroups)
	rest, isMap := strings.CutPrefix(element, "map_")
	if !ok || !isMap {
		return "", key
	}
	return index, rest
}

// cutKeyField cuts the name of a field of a wrapped key: the index of its group, empty
// where it is in none, its own, and which of the two fields it is.
func cutKeyField(key string) (group, index, what string, ok bool) {
	group, rest := cutGroup(key)
	index, what, ok = cutIndex(rest, "age")
	if !ok || what != keyEnc && what != keyRecipient {
		return "", "", "", false
	}
	return group, index, what, true
}

// isOtherKey reports whether a field belongs to keys of PGP or a cloud's KMS.
func isOtherKey(key string) bool {
	_, rest := cutGroup(key)
	list, _, found := strings.Cut(rest, "__list_")
	if !found {
		return false
	}
	switch list {
	case "pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault":
		return true
	}
	return false
}

var versionSuffix = charset.New(charset.Upper + charset.Lower + charset.Digit + ".+-")

// isVersion reports whether a text is three numbers with dots between them, and after a -
// or a + what else there is.
func isVersion(text string) bool {
	for part := range 3 {
		if part > 0 {
			rest, dot := strings.CutPrefix(text, ".")
			if !dot {
				return false
			}
			text = rest
		}
		length := digits.Prefix(text)
		if length == 0 {
			return false
		}
		text = text[length:]
	}
	return text == "" || len(text) > 1 && strings.IndexByte("-+", text[0]) >= 0 && versionSuffix.Holds(text[1:])
}
