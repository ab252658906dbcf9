package bundle_test

import (
	"fmt"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// typical is 20 values of 40 bytes.
func typical() map[string]string {
	values := map[string]string{}
	for i := range 20 {
		values[fmt.Sprintf("NAME_%d", i)] = fmt.Sprintf("%040d", i)
	}
	return values
}

func BenchmarkSeal(b *testing.B) {
	id := x25519(b)
	for _, format := range bundle.Formats() {
		b.Run(string(format), func(b *testing.B) {
			p := bundle.Params{Format: format, Kubernetes: kubernetes, Dialect: dotenv.Compose, Recipients: agekey.Recipients([]agekey.Identity{id})}
			doc := entriesOf(typical())
			for b.Loop() {
				content, err := bundle.NewContent(doc, p)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := bundle.Seal(content, p, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	id := x25519(b)
	ids := []agekey.Identity{id}
	for _, format := range bundle.Formats() {
		b.Run(string(format), func(b *testing.B) {
			ciphertext := sealed(b, contentOf(b, format, typical()), format, id)
			for b.Loop() {
				if _, err := open(ciphertext, dotenv.Compose, ids); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a plan does with a bundle that it does not open.
func BenchmarkShow(b *testing.B) {
	ciphertext := sealed(b, contentOf(b, bundle.SOPSDotenv, typical()), bundle.SOPSDotenv, x25519(b))
	for b.Loop() {
		if _, err := bundle.Show(ciphertext); err != nil {
			b.Fatal(err)
		}
	}
}
