package agekey_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agevectors"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// vectorErrors are what Open says to each outcome that a vector declares.
var vectorErrors = map[string]error{
	"success":         nil,
	"no match":        agekey.ErrNoMatch,
	"header failure":  agekey.ErrCorrupt,
	"HMAC failure":    agekey.ErrCorrupt,
	"payload failure": agekey.ErrCorrupt,
	"armor failure":   agekey.ErrCorrupt,
}

// Every official vector has the outcome that it declares; those that are sealed
// with a passphrase, which this package does not know, are not opened.
func TestOfficialVectors(t *testing.T) {
	vectors, err := agevectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := agekey.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int{}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			want, known := vectorErrors[v.Expect]
			if !known {
				t.Fatalf("an outcome that this test does not know: %s", v.Expect)
			}
			ids := []agekey.Identity{stranger}
			if len(v.Identities) > 0 {
				if ids, err = agekey.ParseIdentities(secret.New(strings.Join(v.Identities, "\n"))); err != nil {
					t.Fatal(err)
				}
			}
			text, err := agekey.Open(string(v.File), ids)
			if err != nil && !text.IsEmpty() {
				t.Error("plain text came back beside an error")
			}
			if v.Passphrase {
				outcomes["passphrase, not opened"]++
				if !errors.Is(err, agekey.ErrNoMatch) && !errors.Is(err, agekey.ErrCorrupt) {
					t.Errorf("got %v for a file with a passphrase", err)
				}
				return
			}
			outcomes[v.Expect]++
			if !errors.Is(err, want) {
				t.Fatalf("got %v, want %v", err, want)
			}
			if want == nil {
				sum := sha256.Sum256([]byte(text.Reveal()))
				if got := hex.EncodeToString(sum[:]); got != v.Payload {
					t.Errorf("what is inside has the digest %s, want %s", got, v.Payload)
				}
			}
		})
	}
	t.Logf("%d vectors: %v", len(vectors), outcomes)
	for outcome := range maps.Keys(vectorErrors) {
		if outcomes[outcome] == 0 {
			t.Errorf("no vector with the outcome %q was tried", outcome)
		}
	}
}
