package sops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// typical is 20 values of 40 bytes.
func typical() string {
	var out strings.Builder
	for i := range 20 {
		fmt.Fprintf(&out, "NAME_%d=%040d\n", i, i)
	}
	return out.String()
}

func BenchmarkEncrypt(b *testing.B) {
	text, recipients := secret.New(typical()), recipientsOf(x25519(b))
	for b.Loop() {
		if _, err := sops.EncryptDotenv(text, recipients, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	id := x25519(b)
	file, ids := encrypt(b, typical(), id), []agekey.Identity{id}
	for b.Loop() {
		if _, err := sops.Decrypt(file, ids, sops.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
