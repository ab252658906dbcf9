package sops_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// said is all that a file makes the reader say.
func said(file string, ids []agekey.Identity) []string {
	var texts []string
	for _, options := range []sops.Options{{}, {AllowUnauthenticated: true}, {Strings: true}} {
		plain, err := sops.Decrypt(file, ids, options)
		for _, err := range []error{err, plain.NoEntries} {
			if err != nil {
				texts = append(texts, err.Error())
			}
		}
		texts = append(texts, plain.Warnings...)
	}
	if err := sops.Unauthenticated(file); err != nil {
		texts = append(texts, err.Error())
	}
	if _, err := sops.ReadMetadata(file); err != nil {
		texts = append(texts, err.Error())
	}
	return texts
}

// isClean fails where a text could write to a terminal, begin a line of its own, fill a
// screen, or hold what nobody may see.
func isClean(t *testing.T, texts []string, never ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("it says %q", text)
		}
		if len(text) > 4<<10 {
			t.Errorf("it says %d bytes: %.200q", len(text), text)
		}
		for _, part := range never {
			if strings.Contains(text, part) {
				t.Errorf("it shows %q: %q", part, text)
			}
		}
	}
}

// inASCII is a text in quotes, as JSON and YAML both read it.
func inASCII(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, r := range string(quoted) {
		if r < 0x80 {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "\\u%04x", r)
		}
	}
	return out.String()
}

// Whatever a name is, what is said of it is a line that a terminal can show.
func TestNamesInMessages(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	secret := id.Text().Reveal()
	for label, name := range map[string]string{
		"an escape":           "\x1b[2J\x1b[31mcanary",
		"a line break":        "a\nError: canary",
		"a CR":                "a\rcanary",
		"quotes":              `a"canary'b`,
		"a C1 control":        "a\u009bcanary",
		"right to left":       "a\u202ecanary",
		"a private key":       secret,
		"a private key, cut":  secret[:47],
		"a private key, deep": "a." + secret[:40] + ".b",
		"much":                "canary" + strings.Repeat("x", 900),
	} {
		q := inASCII(t, name)
		for what, plain := range map[string]string{
			"a truth text": "{%s: \"True\", \"b\": {%s: \"False\"}}",
			"empty":        "{%s: \"\", \"b\": {%s: {\"\": \"x\"}}}",
			"in clear":     "{%s: {\"b_unencrypted\": \"x\"}, \"c\": {%s: {}}}",
			"alike":        "{\"a\": {%s: \"x\"}, %s: \"y\", \"a.b\": \"x\", \"a.b.c\": \"y\", \"q\": {\"x.y\": 1, \"x\": {\"y\": 1}}}",
		} {
			t.Run(label+"/"+what, func(t *testing.T) {
				text := fmt.Sprintf(plain, q, q)
				for _, file := range []string{"a.json", "a.yaml"} {
					sealed := c.encrypted(t, file, text, id)
					ids := []agekey.Identity{id}
					isClean(t, said(sealed, ids), "canary", secret[:30])
					isClean(t, said(strings.Replace(sealed, "ENC[AES256_GCM,data:", "ENC[AES256_GCM,data:AAAA", 1), ids), "canary", secret[:30])
					isClean(t, said(strings.Replace(sealed, "ENC[AES256_GCM,data:", "x[AES256_GCM,data:", 1), ids), "canary", secret[:30])
				}
			})
		}
		t.Run(label+"/ini and dotenv", func(t *testing.T) {
			line := strings.NewReplacer("\n", " ", "\r", " ").Replace(name)
			for file, text := range map[string]string{
				"a.ini": "[s]\n" + line + " = True\n[" + line + "]\nb = False\ns." + line + " = x\n[s." + line + "]\nb_unencrypted = y\n",
				"a.env": line + "=True\n" + line + "x=\n" + line + "_unencrypted=y\n",
			} {
				sealed := c.encrypted(t, file, text, id)
				ids := []agekey.Identity{id}
				isClean(t, said(sealed, ids), "canary", secret[:30])
				isClean(t, said(strings.Replace(sealed, "ENC[AES256_GCM,data:", "ENC[AES256_GCM,data:AAAA", 1), ids), "canary", secret[:30])
			}
		})
	}
}

// A file says which groups there are, and so an error's text.
func TestRecipientsInMessages(t *testing.T) {
	c, one, two := realSOPS(t), x25519(t), x25519(t)
	c.file(t, ".sops.yaml", fmt.Sprintf("creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n", one.Recipient(), two.Recipient()))
	sealed, err := c.run(t, "--encrypt", c.file(t, "a.json", `{"A": "canary"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, recipient := range map[string]string{
		"an escape":     "age1\x1b[31m1canary",
		"a CR":          "age1x\rcanary1x",
		"a tab":         "age1x\tcanary1x",
		"a C1 control":  "age1x\u009bcanary1x",
		"right to left": "age1x\u202ecanary1x",
		"a password":    "age1 canary 1",
		"a private key": one.Text().Reveal(),
		"much":          "age1" + strings.Repeat("canary", 1<<16) + "1x",
		"quotes":        "age1\"canary1x",
	} {
		t.Run(name, func(t *testing.T) {
			changed := replaced(t, sealed, `"`+two.Recipient().String()+`"`, inASCII(t, recipient))
			texts := said(changed, []agekey.Identity{one})
			if len(texts) == 0 {
				t.Error("it opens")
			}
			isClean(t, texts, one.Text().Reveal()[:30])
			meta, err := sops.ReadMetadata(changed)
			if err == nil {
				isClean(t, meta.Recipients)
			}
		})
	}
}
