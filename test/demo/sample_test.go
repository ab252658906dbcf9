package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func newTestSample(t *testing.T) input {
	t.Helper()
	in, err := sampleInput(filepath.Join(t.TempDir(), "sample"))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestSampleHasAllThatIsHard(t *testing.T) {
	in := newTestSample(t)
	if len(in.entries) != 20 {
		t.Errorf("%d entries, want 20", len(in.entries))
	}
	for _, name := range []string{"DATABASE_URL", "REDIS_URL", "JWT_SECRET", "STRIPE_SECRET_KEY", "TLS_PRIVATE_KEY"} {
		if in.entries[name].Len() < shortest {
			t.Errorf("%s is missing or short", name)
		}
	}
	for _, mark := range []string{" ", "$", "'", `"`, "#", `\`, "\n", "ü", "="} {
		held := false
		for _, value := range in.entries {
			held = held || strings.Contains(value.Reveal(), mark)
		}
		if !held {
			t.Errorf("no value holds %q", mark)
		}
	}
	block, rest := pem.Decode([]byte(in.entries["TLS_PRIVATE_KEY"].Reveal()))
	if block == nil || len(rest) > 0 {
		t.Fatal("the private key is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if _, ok := key.(ed25519.PrivateKey); err != nil || !ok {
		t.Errorf("the private key can't be read: %v", err)
	}
}

func TestSampleIsDrawnAnew(t *testing.T) {
	one, other := newTestSample(t), newTestSample(t)
	for name, value := range one.entries {
		if value.Equal(other.entries[name]) {
			t.Errorf("%s is the same in two samples", name)
		}
		if strings.Contains(sampleTemplate, value.Reveal()) {
			t.Errorf("%s is in the template", name)
		}
	}
}

func TestSameEntriesNamesWhatDiffers(t *testing.T) {
	const hidden = "hunter2-canary"
	want := map[string]secret.Text{"A": secret.New("1"), "B": secret.New(hidden), "C": secret.New("")}
	err := sameEntries(want, map[string]secret.Text{"A": secret.New("1"), "B": secret.New(hidden + "x"), "D": secret.New(hidden)})
	if err == nil || err.Error() != "B has another value, C is missing, D is not in the input" {
		t.Errorf("got %v", err)
	}
	if err := sameEntries(want, want); err != nil {
		t.Errorf("the same entries differ: %v", err)
	}
}
