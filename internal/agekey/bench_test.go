package agekey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func BenchmarkSealAndOpen(b *testing.B) {
	id := agekeytest.X25519(b)
	for _, size := range []int{1 << 10, 4 << 20} {
		plain := secret.New(strings.Repeat("v", size))
		sealed, err := agekey.SealArmored(plain, []agekey.Recipient{id.Recipient()})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("seal/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := agekey.SealArmored(plain, []agekey.Recipient{id.Recipient()}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("open/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := agekey.Open(sealed, []agekey.Identity{id}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
