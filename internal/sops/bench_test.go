package sops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// sizes are the files that benchmarks encrypt and decrypt. The identity that opens one
// is that of the last recipient.
var sizes = []struct {
	name       string
	entries    int
	length     int // of a value, in bytes
	recipients int
}{
	{"1x40", 1, 40, 1},
	{"20x40", 20, 40, 1},
	{"20x3K", 20, 3 << 10, 1},
	{"1x4M", 1, 4 << 20, 1},
	{"5000x40", 5000, 40, 1},
	{"20x40to20", 20, 40, 20},
}

func text(entries, length int) string {
	var out strings.Builder
	for i := range entries {
		fmt.Fprintf(&out, "NAME_%d=%s\n", i, strings.Repeat("v", length))
	}
	return out.String()
}

func identities(b *testing.B, count int) []agekey.Identity {
	b.Helper()
	ids := make([]agekey.Identity, count)
	for i := range ids {
		ids[i] = x25519(b)
	}
	return ids
}

func BenchmarkEncrypt(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			plain, recipients := secret.New(text(size.entries, size.length)), recipientsOf(identities(b, size.recipients)...)
			b.ReportAllocs()
			b.SetBytes(int64(plain.Len()))
			for b.Loop() {
				if _, err := sops.EncryptDotenv(plain, recipients, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecrypt(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			ids := identities(b, size.recipients)
			plain := text(size.entries, size.length)
			file := encrypt(b, plain, ids...)
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				if _, err := sops.Decrypt(file, ids[len(ids)-1:], sops.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
