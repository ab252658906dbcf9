package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"text/template"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// sampleTemplate is a sample .env without its secrets. They are drawn when the
// demo runs: nothing that looks like a credential lies in the repository, so no
// scanner has to be told to look away.
//
//go:embed testdata/sample.env.txt
var sampleTemplate string

// Alphabets that secrets are drawn from.
const (
	digits  = "0123456789"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits
	letters = "abcdefghijklmnopqrstuvwxyz" + upper
)

// syllables make passphrases that can be read aloud.
var syllables = []string{"ba", "do", "fe", "gu", "ki", "lo", "mi", "na", "pu", "re", "so", "tu", "va", "we", "xi", "zo"}

// newSample returns an env text with secrets that nothing else has.
func newSample() (secret.Text, error) {
	t, err := template.New("sample").Funcs(template.FuncMap{
		"token":  func(n int) string { return draw(letters, n) },
		"upper":  func(n int) string { return draw(upper, n) },
		"digits": func(n int) string { return draw(digits, n) },
		"hex":    func(n int) string { return hex.EncodeToString(randomBytes(n)) },
		"base64": func(n int) string { return base64.StdEncoding.EncodeToString(randomBytes(n)) },
		"word":   word,
		"pem":    privateKeyPEM,
		// Prefixes that scanners know are put together here.
		"join": func(parts ...string) string { return strings.Join(parts, "") },
	}).Parse(sampleTemplate)
	if err != nil {
		return secret.Text{}, err
	}
	var out strings.Builder
	if err := t.Execute(&out, nil); err != nil {
		return secret.Text{}, err
	}
	return secret.New(out.String()), nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}

// draw returns n characters of the alphabet, each as likely as the others.
func draw(alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[pick(len(alphabet))]
	}
	return string(out)
}

func pick(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic("the system gave no random bytes")
	}
	return int(i.Int64())
}

func word() string {
	return syllables[pick(len(syllables))] + syllables[pick(len(syllables))] + syllables[pick(len(syllables))]
}

// privateKeyPEM returns a new Ed25519 key as PKCS #8, without its last line break.
func privateKeyPEM() (string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("the sample's private key can't be made: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("the sample's private key can't be written: %w", err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return strings.TrimSuffix(string(block), "\n"), nil
}
