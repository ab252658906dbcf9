package bundle_test

import (
	"errors"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// A box gets the text byte for byte, sealed to it alone.
func TestReencryptForBox(t *testing.T) {
	box, operator := x25519(t), x25519(t)
	for _, format := range []bundle.Format{bundle.SOPSDotenv, bundle.SOPSBinary, bundle.AgeDotenv} {
		t.Run(string(format), func(t *testing.T) {
			content := contentOf(t, format, awkward)
			payload, err := bundle.ReencryptForBox(sealed(t, content, format, box, operator), box, bundle.OneFile)
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
			payload, err = bundle.ReencryptForBox(sealed(t, content, format, operator), box, bundle.OneFile)
			if !errors.Is(err, agekey.ErrNoMatch) || payload != nil {
				t.Errorf("a bundle that is not for the box: %d bytes, %v", len(payload), err)
			}
		})
	}
	files := sealed(t, contentOf(t, bundle.AgeFiles, awkward), bundle.AgeFiles, box)
	if payload, err := bundle.ReencryptForBox(files, box, bundle.OneFile); !errors.Is(err, bundle.ErrNotOneFile) || payload != nil {
		t.Errorf("a tar as one file: %d bytes, %v", len(payload), err)
	}
	payload, err := bundle.ReencryptForBox(files, box, bundle.Directory)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := agekey.Open(string(payload), []agekey.Identity{box}); err != nil || text.Reveal() != contentOf(t, bundle.AgeFiles, awkward).Text.Reveal() {
		t.Errorf("the box does not get the tar as it is: %v", err)
	}
	env := sealed(t, contentOf(t, bundle.SOPSBinary, awkward), bundle.SOPSBinary, box)
	if payload, err := bundle.ReencryptForBox(env, box, bundle.Directory); !errors.Is(err, bundle.ErrNotADirectory) || payload != nil {
		t.Errorf("an env text as a directory: %d bytes, %v", len(payload), err)
	}
	for _, format := range documents {
		document := sealed(t, contentOf(t, format, map[string]string{"A": "1", "EMPTY": ""}), format, operator)
		for layout, want := range map[bundle.Layout]error{bundle.OneFile: bundle.ErrNotOneFile, bundle.Directory: bundle.ErrNotADirectory} {
			if payload, err := bundle.ReencryptForBox(document, box, layout); !errors.Is(err, want) || payload != nil {
				t.Errorf("%s: %d bytes, %v", format, len(payload), err)
			}
			if err := bundle.CheckLayout(document, nil, layout); !errors.Is(err, want) {
				t.Errorf("%s: it fits a box: %v", format, err)
			}
		}
		if format.CanReencryptForBox(bundle.OneFile) || format.CanReencryptForBox(bundle.Directory) {
			t.Errorf("%s is said to fit a box", format)
		}
	}
	if payload, err := bundle.ReencryptForBox("A=1\n", box, bundle.OneFile); !errors.Is(err, bundle.ErrUnknownFormat) || payload != nil {
		t.Errorf("env text in clear: %d bytes, %v", len(payload), err)
	}
}

// What can be opened here has to suit the layout; the rest is the box's to refuse.
func TestCheckLayout(t *testing.T) {
	operator, box := x25519(t), x25519(t)
	env := sealed(t, contentOf(t, bundle.AgeDotenv, awkward), bundle.AgeDotenv, box, operator)
	files := sealed(t, contentOf(t, bundle.AgeFiles, awkward), bundle.AgeFiles, box, operator)
	for _, tt := range []struct {
		name, text string
		ids        []agekey.Identity
		layout     bundle.Layout
		want       error
	}{
		{"text as a file", env, []agekey.Identity{operator}, bundle.OneFile, nil},
		{"files as a directory", files, []agekey.Identity{operator}, bundle.Directory, nil},
		{"files as a file", files, []agekey.Identity{operator}, bundle.OneFile, bundle.ErrNotOneFile},
		{"text as a directory", env, []agekey.Identity{operator}, bundle.Directory, bundle.ErrNotADirectory},
		{"for another", files, []agekey.Identity{x25519(t)}, bundle.OneFile, nil},
		{"no identity", files, nil, bundle.OneFile, nil},
		{"no bundle", "A=1\n", []agekey.Identity{operator}, bundle.OneFile, nil},
	} {
		if err := bundle.CheckLayout(tt.text, tt.ids, tt.layout); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// Without an identity, only an age file will do, and it stays what it is.
func TestBinaryForBox(t *testing.T) {
	box, operator := x25519(t), x25519(t)
	content := contentOf(t, bundle.AgeDotenv, awkward)
	payload, err := bundle.BinaryForBox(sealed(t, content, bundle.AgeDotenv, box, operator))
	if err != nil {
		t.Fatal(err)
	}
	if agekey.IsArmored(string(payload)) {
		t.Error("the payload is armored")
	}
	for _, id := range []agekey.Identity{box, operator} {
		if text, err := agekey.Open(string(payload), []agekey.Identity{id}); err != nil || text.Reveal() != content.Text.Reveal() {
			t.Errorf("it reads %q, %v", text.Reveal(), err)
		}
	}
	if again, err := bundle.BinaryForBox(string(payload)); err != nil || string(again) != string(payload) {
		t.Errorf("a binary one is changed (%v)", err)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"sops":           {sealed(t, content, bundle.SOPSDotenv, box), bundle.ErrNeedsAge},
		"text":           {"A=1\n", bundle.ErrUnknownFormat},
		"cut off":        {sealed(t, content, bundle.AgeDotenv, box)[:120], agekey.ErrCorrupt},
		"header cut off": {string(payload[:60]), agekey.ErrCorrupt},
	} {
		if _, err := bundle.BinaryForBox(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
