package sops_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// now is no whole second and not in UTC: both must show in no file.
var now = time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))

// Identities by the kinds of their keys. The SSH key is the same in every process.
var (
	x25519     = agekeytest.X25519
	hybrid     = agekeytest.Hybrid
	sshEd25519 = agekeytest.FixedSSHEd25519
)

// recipientsOf keeps the order, which agekey.Recipients does not.
func recipientsOf(ids ...agekey.Identity) []agekey.Recipient {
	recipients := make([]agekey.Recipient, len(ids))
	for i, id := range ids {
		recipients[i] = id.Recipient()
	}
	return recipients
}

func encrypt(tb testing.TB, text string, ids ...agekey.Identity) string {
	tb.Helper()
	file, err := sops.EncryptDotenv(secret.New(text), recipientsOf(ids...), now)
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// decrypt returns the plain text, which must be empty beside an error.
func decrypt(tb testing.TB, file string, ids ...agekey.Identity) (string, error) {
	tb.Helper()
	plain, err := sops.Decrypt(file, ids, sops.Options{})
	text := plain.Text
	if err != nil && !text.IsEmpty() {
		tb.Error("plain text came back beside an error")
	}
	return text.Reveal(), err
}

// lineOf returns the line of the file that begins so, without its LF.
func lineOf(tb testing.TB, file, start string) string {
	tb.Helper()
	for l := range strings.SplitSeq(file, "\n") {
		if strings.HasPrefix(l, start) {
			return l
		}
	}
	tb.Fatalf("the file has no line %s…", start)
	return ""
}

// replaced replaces what is there once. A change that changes nothing would let a
// tamper test pass.
func replaced(tb testing.TB, file, old, with string) string {
	tb.Helper()
	if n := strings.Count(file, old); n != 1 {
		tb.Fatalf("%.20q is there %d times, want once", old, n)
	}
	return strings.Replace(file, old, with, 1)
}

// at fails unless the error names that line and that key.
func at(tb testing.TB, err error, line int, key string) {
	tb.Helper()
	var located *sops.Error
	if !errors.As(err, &located) || located.Line != line || located.Key != key {
		tb.Errorf("got %v, want an error in line %d, key %q", err, line, key)
	}
}
