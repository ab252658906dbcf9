package bundle_test

import (
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// What a bundle costs grows with its entries, and not with their square: four times the
// entries take about four times the allocations.
func TestAllocationsGrowWithEntries(t *testing.T) {
	id := x25519(t)
	ids := []agekey.Identity{id}
	const few, many = 400, 1600
	for _, format := range bundle.Formats() {
		p := bundle.Params{Format: format, Kubernetes: kubernetes, Dialect: dotenv.Compose, Recipients: agekey.Recipients(ids)}
		count := func(entries int, do func(doc dotenv.Document, content bundle.Content, ciphertext string) error) float64 {
			doc := entriesOf(typical(entries))
			content := contentOf(t, format, typical(entries))
			ciphertext := sealed(t, content, format, id)
			return testing.AllocsPerRun(1, func() {
				if err := do(doc, content, ciphertext); err != nil {
					t.Fatal(err)
				}
			})
		}
		for name, do := range map[string]func(dotenv.Document, bundle.Content, string) error{
			"new content": func(doc dotenv.Document, _ bundle.Content, _ string) error {
				_, err := bundle.NewContent(doc, p)
				return err
			},
			"seal": func(_ dotenv.Document, content bundle.Content, _ string) error {
				_, err := bundle.Seal(content, p, now)
				return err
			},
			"open": func(_ dotenv.Document, _ bundle.Content, ciphertext string) error {
				_, err := open(ciphertext, dotenv.Compose, ids)
				return err
			},
			"show": func(_ dotenv.Document, _ bundle.Content, ciphertext string) error {
				_, err := bundle.Inspect(ciphertext)
				return err
			},
		} {
			a, b := count(few, do), count(many, do)
			if b > 6*(a+100) {
				t.Errorf("%s, %s: %.0f allocations at %d entries, %.0f at %d", format, name, a, few, b, many)
			}
		}
	}
}
