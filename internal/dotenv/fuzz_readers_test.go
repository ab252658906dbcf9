package dotenv_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/joho/godotenv"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// chosen are the readers of the bits that are set.
func chosen(bits uint16) (readers []dotenv.Reader) {
	for i, reader := range dotenv.Readers() {
		if bits&(1<<i) != 0 {
			readers = append(readers, reader)
		}
	}
	return readers
}

// checkInProcess has those of the readers that need no program started read a text.
func checkInProcess(t *testing.T, readers []dotenv.Reader, text string, doc dotenv.Document) {
	t.Helper()
	for _, reader := range readers {
		checkReadBy(t, inProcess(dotenv.Dialect(reader)), text, doc)
	}
	if !slices.Contains(readers, dotenv.Go) {
		return
	}
	if got := dotenvtest.Go.Read(t, text); !maps.Equal(got, reveal(doc)) {
		t.Errorf("godotenv reads %q as %q, want %q", text, got, reveal(doc))
	}
}

// FuzzSpell writes two values for some readers: what is held is read again as it was,
// by us and by the readers.
func FuzzSpell(f *testing.F) {
	for i, value := range slices.Concat(pieces, realistic()) {
		f.Add(uint16(1<<(i%11)|1<<(i%5)), value, pieces[i%len(pieces)])
	}
	f.Fuzz(func(t *testing.T, bits uint16, first, second string) {
		readers := chosen(bits)
		s, err := dotenv.NewCodec(readers...)
		if err != nil {
			return // there is none
		}
		var doc dotenv.Document
		for key, value := range map[string]string{"A": first, "B": second} {
			if s.CheckValue(key, value) == nil {
				doc.Lines = append(doc.Lines, document(key, value).Lines...)
			}
		}
		text, err := s.Encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.Parse(text); err != nil || !again.Equal(doc) {
			t.Errorf("%q is read back as %q, %v", text.Reveal(), reveal(again), err)
		}
		checkInProcess(t, readers, text.Reveal(), doc)
	})
}

// FuzzParseSpelled reads any text by a reader's rules. What is accepted is what
// godotenv gets, the one that needs no program started.
func FuzzParseSpelled(f *testing.F) {
	for _, texts := range acceptedTexts {
		for _, text := range texts {
			if len(text) < 1000 { // more makes every run slow
				f.Add(uint8(0), text)
				f.Add(uint8(1), text)
			}
		}
	}
	application := []dotenv.Reader{dotenv.Go, dotenv.Node, dotenv.Next, dotenv.Python, dotenv.PHP, dotenv.Ruby}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		reader := application[int(which)%len(application)]
		s, err := dotenv.NewCodec(reader)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := s.Parse(secret.New(text))
		if err != nil || reader != dotenv.Go {
			return
		}
		// Names and line ends are those that people have, and not all are godotenv's.
		if got, err := godotenv.Unmarshal(text); err == nil && !maps.Equal(got, reveal(doc)) {
			t.Errorf("godotenv reads %q as %q, want %q", text, got, reveal(doc))
		}
	})
}
