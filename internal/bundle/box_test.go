package bundle_test

import (
	"errors"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// A box gets the text byte for byte, sealed to it alone.
func TestForBox(t *testing.T) {
	box, operator := x25519(t), x25519(t)
	for _, format := range []bundle.Format{bundle.SOPSDotenv, bundle.SOPSBinary, bundle.AgeDotenv} {
		t.Run(string(format), func(t *testing.T) {
			content := contentOf(t, format, awkward)
			payload, err := bundle.ForBox(sealed(t, content, format, box, operator), box)
			if err != nil {
				t.Fatal(err)
			}
			if agekey.IsArmored(string(payload)) || !agekey.IsFile(string(payload)) {
				t.Error("the payload is not a binary age file")
			}
			if text, err := agekey.Open(string(payload), []agekey.Identity{box}); err != nil || text.Reveal() != content.Text.Reveal() {
				t.Errorf("the box reads %q, %v", text.Reveal(), err)
			}
			if _, err := agekey.Open(string(payload), []agekey.Identity{operator}); !errors.Is(err, agekey.ErrNoMatch) {
				t.Errorf("the operator gets %v, and the payload is for the box alone", err)
			}
			payload, err = bundle.ForBox(sealed(t, content, format, operator), box)
			if !errors.Is(err, agekey.ErrNoMatch) || payload != nil {
				t.Errorf("a bundle that is not for the box: %d bytes, %v", len(payload), err)
			}
		})
	}
	files := sealed(t, contentOf(t, bundle.AgeFiles, awkward), bundle.AgeFiles, box)
	if payload, err := bundle.ForBox(files, box); !errors.Is(err, bundle.ErrNotOneFile) || payload != nil {
		t.Errorf("a tar as one file: %d bytes, %v", len(payload), err)
	}
	if payload, err := bundle.ForBox("A=1\n", box); !errors.Is(err, bundle.ErrUnknownFormat) || payload != nil {
		t.Errorf("env text in clear: %d bytes, %v", len(payload), err)
	}
}
