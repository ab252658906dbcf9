package dotenv_test

import (
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func document(pairs ...string) dotenv.Document {
	var doc dotenv.Document
	for i := 0; i < len(pairs); i += 2 {
		doc.Lines = append(doc.Lines, dotenv.Line{Key: pairs[i], Value: secret.New(pairs[i+1])})
	}
	return doc
}

func texts(m map[string]string) map[string]secret.Text {
	out := map[string]secret.Text{}
	for k, v := range m {
		out[k] = secret.New(v)
	}
	return out
}

func TestOverlay(t *testing.T) {
	base := document("", " a comment", "B", "1", "A", "2")
	got := base.Overlay(texts(map[string]string{"A": "new", "D": "4", "C": "3"}))
	want := document("", " a comment", "B", "1", "A", "new", "C", "3", "D", "4")
	if !got.Equal(want) {
		t.Errorf("got %v", got.Keys())
	}
	if !base.Equal(document("", " a comment", "B", "1", "A", "2")) {
		t.Error("the document itself was changed")
	}
}

func TestEquality(t *testing.T) {
	a := document("", "c", "A", "1", "B", "2")
	for name, tt := range map[string]struct {
		other          dotenv.Document
		whole, entries bool
	}{
		"same":          {document("", "c", "A", "1", "B", "2"), true, true},
		"other order":   {document("", "c", "B", "2", "A", "1"), false, true},
		"no comment":    {document("A", "1", "B", "2"), false, true},
		"other value":   {document("", "c", "A", "1", "B", "3"), false, false},
		"other name":    {document("", "c", "A", "1", "C", "2"), false, false},
		"one less":      {document("", "c", "A", "1"), false, false},
		"other comment": {document("", "d", "A", "1", "B", "2"), false, true},
	} {
		if got := a.Equal(tt.other); got != tt.whole {
			t.Errorf("%s: Equal is %v", name, got)
		}
		if got := a.EqualEntries(tt.other); got != tt.entries {
			t.Errorf("%s: EqualEntries is %v", name, got)
		}
	}
}
