package sops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
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
		"name":                "canary+x=1\n" + file,
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

// The parsers of JSON, YAML and INI quote what they are about in their errors, and
// names can be anything: none of it is in ours.
func TestErrorsOfTreesHoldNoSecrets(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	plain := map[string]string{
		".json": `{"A": "canary-value", "L": ["canary-one", 5], "M": {"I": "canary-inner"}}`,
		".yaml": "# canary-comment\nA: canary-value\nL: [canary-one, 5]\nM:\n  I: canary-inner\n",
		".ini":  "; canary-comment\n[M]\nA = canary-value\nI = canary-inner\n",
		".bin":  "canary\n",
	}
	for extension, text := range plain {
		file := c.encrypted(t, "a"+extension, text, id)
		for name, hostile := range map[string]string{
			"plain text":           text,
			"plain beside it":      file + text,
			"plain before it":      text + file,
			"cut off":              file[:len(file)/2],
			"value in clear":       strings.Replace(file, sealedTexts(file)[0], "canary", 1),
			"value changed":        strings.Replace(file, "data:", "data:AAAA", 1),
			"text in the time":     strings.Replace(file, "lastmodified", "lastmodified canary", 1),
			"key listed":           strings.Replace(file, id.Recipient().String(), id.Text().Reveal(), 1),
			"recipient malformed":  strings.Replace(file, id.Recipient().String(), "canary", 1),
			"version malformed":    strings.Replace(file, "3.13.3", "canary", 1),
			"unclosed quote":       strings.Replace(file, "ENC[", `canary"'"`+"`"+"{[%", 1),
			"alias":                strings.Replace(file, "ENC[", "*canary ENC[", 1),
			"tag":                  strings.Replace(file, "ENC[", "!canary ENC[", 1),
			"name that is a value": strings.Replace(strings.Replace(file, `"A"`, `"canary secret"`, 1), "\nA:", "\ncanary secret:", 1),
			"tab":                  "\tX: canary\n" + file,
			"private key as name":  id.Text().Reveal() + ": canary\n" + file,
		} {
			for _, store := range []sops.Store{"", sops.JSON, sops.YAML, sops.INI, sops.Binary, sops.Dotenv} {
				got, err := sops.Decrypt(hostile, []agekey.Identity{id}, sops.Options{Store: store})
				if err == nil {
					if strings.Contains(fmt.Sprint(entriesOf(got)), "canary secret") {
						t.Errorf("%s, %s: read", extension, name)
					}
					continue
				}
				for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
					rendered := fmt.Sprintf(format, err)
					for _, canary := range []string{"canary", "ENC[", id.Text().Reveal()[20:40]} {
						if strings.Contains(rendered, canary) && format != "%#v" {
							t.Errorf("%s, %s, read as %q: the error holds a secret: %s", extension, name, store, rendered)
						}
					}
				}
			}
		}
	}
}
