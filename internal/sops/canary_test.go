package sops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// No error, in any rendering, holds a value, a comment, a ciphertext, the data key
// or the identity.
func TestErrorsHoldNoSecrets(t *testing.T) {
	// The values are those that the edits need, so each is found by its sealed form
	// as well: an error that quotes the line would show it.
	id := x25519(t)
	plain := strings.NewReplacer("# note", "# canary-comment", "B=other", "B=canary-value").Replace(edited)
	file := encrypt(t, plain, id)
	canaries := []string{"canary", "ENC[", "True", dataKey(t, file, id), id.Text().Reveal()[20:40], "BEGIN AGE"}
	check := func(name string, err error) {
		t.Helper()
		for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
			rendered := fmt.Sprintf(format, err)
			for _, canary := range canaries {
				if strings.Contains(rendered, canary) {
					t.Errorf("%s: %s of the error holds a secret: %s", name, format, rendered)
				}
			}
		}
	}

	seen := 0
	for name, tt := range edits {
		changed := tt.change(t, file)
		_, err := decrypt(t, changed, id)
		if err == nil {
			t.Errorf("%s: not refused", name)
			continue
		}
		seen++
		check(name, err)
		if _, err := sops.ReadMetadata(changed); err != nil {
			check(name+" (metadata)", err)
		}
	}
	if seen != len(edits) || seen == 0 {
		t.Errorf("%d of %d edits gave an error to look at", seen, len(edits))
	}

	// Plain text that stands where something else belongs.
	for name, text := range map[string]string{
		"plain file":          "TOKEN=canary\n",
		"line without =":      "canary\n" + file,
		"plain entry":         "TOKEN=canary\n" + file,
		"plain comment":       "#canary\n" + file,
		"name":                "canary-x=1\n" + file,
		"in the list":         file + "sops_age__list_1__map_recipient=canary\n",
		"in the wrapped key":  file + "sops_age__list_1__map_recipient=" + id.Recipient().String() + "\nsops_age__list_1__map_enc=canary\nNEW=canary\n",
		"in the time":         strings.Replace(file, "2026-", "canary", 1),
		"in the version":      strings.Replace(file, "3.13.3", "canary", 1),
		"in the MAC":          replaced(t, file, lineOf(t, file, "sops_mac="), "sops_mac=canary"),
		"in a sealed value":   strings.Replace(file, "A=ENC[", "A=ENC[canary", 1),
		"private key as line": id.Text().Reveal() + "\n" + file,
		"private key listed":  file + "sops_age__list_1__map_recipient=" + id.Text().Reveal() + "\n",
	} {
		_, err := decrypt(t, text, id)
		if err == nil {
			t.Errorf("%s: not refused", name)
			continue
		}
		check(name, err)
	}
}
