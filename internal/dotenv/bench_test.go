package dotenv_test

import (
	"fmt"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// benchDocument is about what a service has: twenty entries, some of which need quotes.
func benchDocument() dotenv.Document {
	var doc dotenv.Document
	for i := range 20 {
		doc.Lines = append(doc.Lines, document(
			"", " a comment",
			fmt.Sprintf("PLAIN_%d", i), "a-value/of:forty.bytes/without/anything",
			fmt.Sprintf("QUOTED_%d", i), `a value of forty bytes with $ and " in it`,
		).Lines...)
	}
	return doc
}

func BenchmarkParse(b *testing.B) {
	for _, dialect := range dotenv.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			text, err := benchDocument().Encode(dialect)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dotenv.Parse(text, dialect); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	doc := benchDocument()
	for _, dialect := range dotenv.Dialects() {
		b.Run(string(dialect), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text, err := doc.Encode(dialect)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(text.Len()))
			}
		})
	}
}
