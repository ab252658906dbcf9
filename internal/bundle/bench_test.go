package bundle_test

import (
	"fmt"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// numbers of entries that a bundle in a benchmark has: what is usual, and many.
var numbers = []int{20, 2000}

// typical is so many values of 40 bytes.
func typical(entries int) map[string]string {
	values := map[string]string{}
	for i := range entries {
		values[fmt.Sprintf("NAME_%d", i)] = fmt.Sprintf("%040d", i)
	}
	return values
}

func forEach(b *testing.B, benchmark func(b *testing.B, format bundle.Format, entries int)) {
	for _, format := range bundle.Formats() {
		for _, entries := range numbers {
			b.Run(fmt.Sprintf("%s/%d", format, entries), func(b *testing.B) {
				b.ReportAllocs()
				benchmark(b, format, entries)
			})
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	id := x25519(b)
	forEach(b, func(b *testing.B, format bundle.Format, entries int) {
		p := bundle.Params{Format: format, Kubernetes: kubernetes, Dialect: dotenv.Compose, Recipients: agekey.Recipients([]agekey.Identity{id})}
		doc := entriesOf(typical(entries))
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

func BenchmarkOpen(b *testing.B) {
	id := x25519(b)
	ids := []agekey.Identity{id}
	forEach(b, func(b *testing.B, format bundle.Format, entries int) {
		ciphertext := sealed(b, contentOf(b, format, typical(entries)), format, id)
		for b.Loop() {
			if _, err := open(ciphertext, dotenv.Compose, ids); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What a plan does with a bundle that it does not open.
func BenchmarkShow(b *testing.B) {
	ciphertext := sealed(b, contentOf(b, bundle.SOPSDotenv, typical(20)), bundle.SOPSDotenv, x25519(b))
	for b.Loop() {
		if _, err := bundle.Inspect(ciphertext); err != nil {
			b.Fatal(err)
		}
	}
}
