package bundle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

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
				_, err := bundle.Show(ciphertext)
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

// Look-ups of names allocate nothing, so their growth shows in time: 16 times the names
// take about 16 times as long, and 256 times where each is compared with all.
func TestTimeGrowsWithNames(t *testing.T) {
	const few, many, most = 2000, 32000, 80
	type input struct {
		names   []string
		doc     dotenv.Document
		request bundle.Request
		prior   bundle.Prior
		made    map[string]bundle.GeneratedEntry
	}
	of := func(count int) (in input) {
		in.names = make([]string, count)
		in.made = map[string]bundle.GeneratedEntry{}
		for i := range in.names {
			in.names[i] = fmt.Sprintf("NAME_%06d", i)
			in.made[in.names[i]] = bundle.GeneratedEntry{Generator: bundle.Generator{Bytes: 32}}
		}
		in.doc = entriesOf(typical(count))
		in.request = bundle.Request{
			Content: bundle.Wanted{Document: in.doc}, Unknown: in.names, Version: bundle.Version{Set: true, Text: "2"},
			Generated: bundle.CompareGenerated(nil, in.made, nil),
		}
		in.prior = bundle.Prior{Names: in.names, Version: bundle.Version{Set: true, Text: "1"}, ChangedAt: map[string]time.Time{}}
		for _, name := range in.names {
			in.prior.ChangedAt[name] = now
		}
		return in
	}
	small, large := of(few), of(many)
	for name, do := range map[string]func(input){
		"effect":            func(in input) { in.request.Effect(in.prior, nil) },
		"times":             func(in input) { bundle.Effect{NamesKnown: true, Names: in.names, Reread: in.names}.Times(in.prior) },
		"changed, unopened": func(in input) { bundle.ChangedAtUnopened(nil, in.names, in.doc, in.names, now) },
		"generated":         func(in input) { bundle.CompareGenerated(in.made, in.made, in.names) },
	} {
		fastest := func(in input) time.Duration {
			var took []time.Duration
			for range 5 {
				began := time.Now()
				do(in)
				took = append(took, time.Since(began))
			}
			return slices.Min(took)
		}
		if a, b := fastest(small), fastest(large); b > most*a {
			t.Errorf("%s: %v at %d names, %v at %d", name, a, few, b, many)
		}
	}
}
