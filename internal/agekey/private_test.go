package agekey_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

func TestContainsPrivateKey(t *testing.T) {
	pairs := allPairs(t)
	x := pairs["x25519"].identity
	for name, text := range map[string]string{
		"x25519":            x,
		"hybrid":            pairs["hybrid"].identity,
		"ssh-ed25519":       pairs["ssh-ed25519"].identity,
		"ssh-rsa":           pairs["ssh-rsa"].identity,
		"lower case":        strings.ToLower(x),
		"mixed case":        "Age-Secret-Key-1" + strings.ToLower(x[16:]),
		"cut off":           x[:22],
		"of a plugin":       "AGE-PLUGIN-YUBIKEY-1QQPQYRSZQ",
		"plugin, lower":     "age-plugin-yubikey-1qqpqyrszqqpqyrszq",
		"in a key file":     "# created: today\n" + x + "\n",
		"in a command":      "echo " + x + " > /run/key",
		"in a URL":          "https://u:" + x + "@host/",
		"in bytes":          "\x81\xa1k\xd9J" + x,
		"after hyphens":     "----------" + x,
		"glued to a word":   "x" + x,
		"PKCS #8":           "-----BEGIN PRIVATE KEY-----\nMC4C",
		"PKCS #8, locked":   "-----BEGIN ENCRYPTED PRIVATE KEY-----",
		"PEM, lower case":   "-----begin rsa private key-----",
		"PGP":               "-----BEGIN PGP PRIVATE KEY BLOCK-----",
		"ssh.com":           "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
		"PEM on one line":   `key = -----BEGIN EC PRIVATE KEY-----\nMHcC`,
		"a key, far inside": strings.Repeat("-", 1000) + strings.Repeat("a-b", 1000) + x,
	} {
		if !agekey.ContainsPrivateKey(text) {
			t.Errorf("%s: not found", name)
		}
	}
	for name, text := range map[string]string{
		"nothing":                 "",
		"a recipient":             pairs["x25519"].recipient,
		"a hybrid recipient":      pairs["hybrid"].recipient,
		"an SSH public key":       pairs["ssh-ed25519"].recipient,
		"an age file":             "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3Jn\n-----END AGE ENCRYPTED FILE-----\n",
		"a certificate":           "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
		"a public key":            "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
		"a path":                  "/home/me/.config/sops/age/keys.txt",
		"the prefix in a command": "grep -q AGE-SECRET-KEY-1 /run/key && test -s /run/key",
		"the prefix in prose":     "an AGE-SECRET-KEY-1… line",
		"a plugin's program":      "age-plugin-yubikey --identity",
		"a plugin's key file":     "/home/me/age-plugin-yubikey-15746767.txt",
		"a description":           "the TLS private key of the web server",
		"a name":                  "TLS_PRIVATE_KEY",
		"a UUID":                  "cb676a46-66fd-4dfb-b839-443f2e6c0b60",
	} {
		if agekey.ContainsPrivateKey(text) {
			t.Errorf("%s: taken for a private key", name)
		}
	}
}

// It is asked about every text that the provider is given, bundles of megabytes too.
func BenchmarkContainsPrivateKey(b *testing.B) {
	for name, text := range map[string]string{
		"hyphens":  strings.Repeat("-", 1<<20),
		"almost":   strings.Repeat("AGE-PLUGIN-", 1<<17),
		"prefixes": strings.Repeat("AGE-SECRET-KEY-1", 1<<16),
		"headers":  strings.Repeat("-----BEGIN ", 1<<17),
		"base64":   strings.Repeat("QUJD", 1<<18),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if agekey.ContainsPrivateKey(text) {
					b.Fatal("taken for a private key")
				}
			}
		})
	}
}
