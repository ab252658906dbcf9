package agekey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agevectors"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// The header and armor path: whatever is given, one of the errors that are
// promised, or all of what is inside.
func FuzzOpen(f *testing.F) {
	vectors, err := agevectors.Load()
	if err != nil {
		f.Fatal(err)
	}
	var lines []string
	seen := map[string]bool{}
	for _, v := range vectors {
		if len(v.File) < 1<<12 {
			f.Add(string(v.File))
		}
		for _, line := range v.Identities {
			if !seen[line] {
				seen[line] = true
				lines = append(lines, line)
			}
		}
	}
	ids, err := agekey.ParseIdentities(secret.New(strings.Join(lines, "\n")))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		text, err := agekey.Open(sealed, ids)
		switch {
		case err == nil:
			if agekey.CheckHeader(sealed) != nil {
				t.Error("it opens, and its header is said to be none")
			}
		case !text.IsEmpty():
			t.Error("plain text came back beside an error")
		case !errors.Is(err, agekey.ErrNoMatch) && !errors.Is(err, agekey.ErrCorrupt) && !errors.Is(err, agekey.ErrTooLarge):
			t.Errorf("an error that is not promised: %v", err)
		}
	})
}

// Keys in any text: no error holds what was given.
func FuzzParseKeys(f *testing.F) {
	for _, text := range []string{
		"AGE-SECRET-KEY-1QQQQ", "age1qqqq", "age1pq1qqqq", "ssh-ed25519 AAAA", "ssh-rsa AAAA x@y", "# comment\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
		"AGE-PLUGIN-YUBIKEY-1QQ", "age1yubikey1qqqq", "-----BEGIN AGE ENCRYPTED FILE-----\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, idErr := agekey.ParseIdentities(secret.New(text))
		_, recipientErr := agekey.ParseRecipient(text)
		for _, err := range []error{idErr, recipientErr} {
			for word := range strings.FieldsSeq(text) {
				// Short words, and those that the messages name as examples, are no
				// secrets.
				if err != nil && len(word) > 24 && strings.Contains(err.Error(), word) {
					t.Errorf("the error holds what was given: %v", err)
				}
			}
		}
	})
}
