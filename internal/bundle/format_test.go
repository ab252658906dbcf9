package bundle

import (
	"errors"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Each format of the table is described, and Seal has a case for each that is written.
func TestFormatTableIsComplete(t *testing.T) {
	id, err := agekey.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range Formats() {
		if format.Description() == "" || format.FileName() == "" || format.facts().inside == 0 {
			t.Errorf("formatTable lacks a description, a file name or what is inside %s", format)
		}
		p := Params{Format: format, Dialect: dotenv.Compose, Recipients: []agekey.Recipient{id.Recipient()}, Kubernetes: &Kubernetes{Name: "app"}}
		content, err := NewContent(dotenv.FromMap(map[string]secret.Text{"A": secret.New("1")}), p)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if _, err := Seal(content, p, time.Now()); err != nil {
			t.Errorf("Seal has no case for %s: %v", format, err)
		}
	}
	if _, err := Seal(Content{}, Params{Format: SOPSINI, Recipients: []agekey.Recipient{id.Recipient()}}, time.Now()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a format that is only read: %v", err)
	}
}
