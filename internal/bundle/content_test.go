package bundle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What a format and a dialect can't hold together is found by the entry, with what
// to do.
func TestCheckEntry(t *testing.T) {
	for name, tt := range map[string]struct {
		format  bundle.Format
		dialect dotenv.Dialect
		value   string
		want    string // in the error; empty where there is none
	}{
		"compose, line break":             {bundle.SOPSDotenv, dotenv.Compose, "canary\nB=2", ""},
		"compose, empty":                  {bundle.SOPSDotenv, dotenv.Compose, "", ""},
		"compose, trailing CR":            {bundle.SOPSDotenv, dotenv.Compose, "canary\r", ""},
		"systemd, line break":             {bundle.SOPSDotenv, dotenv.Systemd, "canary\nB=2", "the systemd dialect writes a line break as it is"},
		"systemd, line break, binary":     {bundle.SOPSBinary, dotenv.Systemd, "canary\nB=2", ""},
		"systemd, line break, age":        {bundle.AgeDotenv, dotenv.Systemd, "canary\nB=2", ""},
		"systemd, empty":                  {bundle.SOPSDotenv, dotenv.Systemd, "", ""},
		"shell, line break":               {bundle.SOPSDotenv, dotenv.Shell, "canary\n", "the shell dialect writes a line break as it is"},
		"shell, quotes":                   {bundle.SOPSDotenv, dotenv.Shell, `can'ary "x" \n`, ""},
		"portable, line break":            {bundle.SOPSDotenv, dotenv.Portable, "canary\nx", "use format sops_binary or age_dotenv, or dialect compose"},
		"docker, empty":                   {bundle.SOPSDotenv, dotenv.Docker, "", "the docker dialect writes an empty value as nothing"},
		"docker, empty, binary":           {bundle.SOPSBinary, dotenv.Docker, "", ""},
		"docker, line break":              {bundle.SOPSDotenv, dotenv.Docker, "canary\n", "docker dialect can't hold"},
		"docker, backslash":               {bundle.SOPSDotenv, dotenv.Docker, `canary\n$x "'`, ""},
		"longest variable":                {bundle.SOPSBinary, dotenv.Compose, strings.Repeat("canary", 21844) + "xx", ""}, // with NAME=, 131,071 bytes
		"too long a variable":             {bundle.SOPSBinary, dotenv.Compose, strings.Repeat("canary", 21844) + "xxx", "longer than 131071 bytes"},
		"files, too long for a variable":  {bundle.AgeFiles, dotenv.Compose, strings.Repeat("canary", 21845), ""},
		"files, anything":                 {bundle.AgeFiles, dotenv.Docker, "canary\n\x00\xff", ""},
		"compose, NUL, whatever format":   {bundle.AgeDotenv, dotenv.Compose, "canary\x00", "NUL"},
		"shell, trailing CR, sops dotenv": {bundle.SOPSDotenv, dotenv.Shell, "canary\r", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := bundle.Params{Format: tt.format, Kubernetes: kubernetes, Dialect: tt.dialect, Recipients: []agekey.Recipient{x25519(t).Recipient()}}
			err := p.CheckEntry("NAME", secret.New(tt.value))
			doc := entriesOf(map[string]string{"NAME": tt.value})
			content, contentErr := bundle.NewContent(doc, p)
			if (err == nil) != (tt.want == "") || (contentErr == nil) != (err == nil) {
				t.Fatalf("got %v and %v, want %q", err, contentErr, tt.want)
			}
			if err != nil {
				var de *dotenv.Error
				if !errors.As(err, &de) || de.Key != "NAME" || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			// What is accepted is sealed, and comes back.
			id := x25519(t)
			p.Recipients = []agekey.Recipient{id.Recipient()}
			ciphertext, err := bundle.Seal(content, p, now)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := open(ciphertext, tt.dialect, []agekey.Identity{id}); err != nil || !got.Document.EqualEntries(doc) {
				t.Errorf("it came back otherwise: %v", err)
			}
		})
	}
}

// From every format and dialect to every other: the same entries, or an error that
// names the key.
func TestCarry(t *testing.T) {
	id := x25519(t)
	ids := []agekey.Identity{id}
	values := map[string]string{"A": "1", "B": "two words", "D": "$x", "EMPTY": "", "LINES": "one\ntwo", "Q": `"'\`}
	for _, from := range bundle.Formats() {
		for _, fromDialect := range dotenv.Dialects() {
			held := map[string]string{}
			for key, value := range values {
				if (bundle.Params{Format: from, Kubernetes: kubernetes, Dialect: fromDialect}).CheckEntry(key, secret.New(value)) == nil {
					held[key] = value
				}
			}
			content, err := bundle.NewContent(entriesOf(held), bundle.Params{Format: from, Kubernetes: kubernetes, Dialect: fromDialect})
			if err != nil {
				t.Fatal(err)
			}
			ciphertext, err := bundle.Seal(content, bundle.Params{Format: from, Kubernetes: kubernetes, Dialect: fromDialect, Recipients: agekey.Recipients(ids)}, now)
			if err != nil {
				t.Fatal(err)
			}
			old, err := sourceOf(ciphertext).Open(ciphertext, ids)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range bundle.Formats() {
				for _, toDialect := range dotenv.Dialects() {
					t.Run(strings.Join([]string{string(from), string(fromDialect), string(to), string(toDialect)}, "/"), func(t *testing.T) {
						p := bundle.Params{Format: to, Kubernetes: kubernetes, Dialect: toDialect, Recipients: agekey.Recipients(ids)}
						var refused error
						for key, value := range held {
							if err := p.CheckEntry(key, secret.New(value)); err != nil {
								refused = err
							}
						}
						carried, err := bundle.Carry(old, bundle.Params{Dialect: fromDialect}, p)
						if (err == nil) != (refused == nil) {
							t.Fatalf("carried: %v, and its entries: %v", err, refused)
						}
						if err != nil {
							var de *dotenv.Error
							if !errors.As(err, &de) || held[de.Key] == "" && de.Key != "EMPTY" {
								t.Errorf("the error names no key: %v", err)
							}
							return
						}
						if !isDocument(from) && from == to && fromDialect == toDialect && carried.Text.Reveal() != old.Text.Reveal() {
							t.Error("the text was not kept byte for byte")
						}
						again, err := bundle.Seal(carried, p, now)
						if err != nil {
							t.Fatal(err)
						}
						got, err := open(again, toDialect, ids)
						if err != nil || !got.Document.EqualEntries(entriesOf(held)) {
							t.Errorf("it came back otherwise: %v", err)
						}
					})
				}
			}
		}
	}
}

// Text that somebody else sealed is carried byte for byte where that is possible,
// and never so that a line of a value becomes an entry.
func TestCarryKeepsText(t *testing.T) {
	id := x25519(t)
	ids := []agekey.Identity{id}
	for name, tt := range map[string]struct {
		text string
		to   bundle.Format
		want string
	}{
		"to binary":                {"# note\n\nA='x'   # inline\n", bundle.SOPSBinary, "# note\n\nA='x'   # inline\n"},
		"to age":                   {"A=1", bundle.AgeDotenv, "A=1"},
		"a line each":              {"# note\nA='x'\nB=2\n", bundle.SOPSDotenv, "# note\nA='x'\nB=2\n"},
		"several lines of a value": {"A=\"one\nB=two\"\n", bundle.SOPSDotenv, "A=\"one\\nB=two\"\n"},
		"an empty value":           {"A=\nB=2\n", bundle.SOPSDotenv, "A=\"\"\nB=2\n"},
		"export":                   {"export A=1\n", bundle.SOPSDotenv, "A=1\n"},
		"spaces":                   {"A = 1\n", bundle.SOPSDotenv, "A=1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ciphertext, err := agekey.SealArmored(secret.New(tt.text), agekey.Recipients(ids))
			if err != nil {
				t.Fatal(err)
			}
			old, err := bundle.Source{}.Open(ciphertext, ids)
			if err != nil {
				t.Fatal(err)
			}
			p := bundle.Params{Format: tt.to, Kubernetes: kubernetes, Dialect: dotenv.Compose, Recipients: agekey.Recipients(ids)}
			content, err := bundle.Carry(old, bundle.Params{Dialect: dotenv.Compose}, p)
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := bundle.Seal(content, p, now)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := openText(sealed, ids); err != nil || got.Reveal() != tt.want {
				t.Errorf("got %q, %v, want %q", got.Reveal(), err, tt.want)
			}
		})
	}
}

// What was written for readers is read by their rules before it is written for others.
func TestCarryBetweenReaders(t *testing.T) {
	ids := []agekey.Identity{x25519(t)}
	values := map[string]string{"QUOTES": `it's "both"`, "DOLLAR": "$x ${y}", "LINES": "a\nb", "PATH_OF": `C:\new`}
	sets := [][]dotenv.Reader{{"node"}, {"compose", "php"}, {"ruby"}, {"next"}, nil}
	for _, from := range sets {
		for _, to := range sets {
			was := bundle.Params{Format: bundle.AgeDotenv, Dialect: dotenv.Compose, Readers: from, Recipients: agekey.Recipients(ids)}
			p := was
			p.Readers = to
			content, err := bundle.NewContent(entriesOf(values), was)
			if err != nil {
				t.Fatal(err)
			}
			ciphertext, err := bundle.Seal(content, was, now)
			if err != nil {
				t.Fatal(err)
			}
			old, err := bundle.Source{}.Open(ciphertext, ids)
			if err != nil {
				t.Fatal(err)
			}
			carried, err := bundle.Carry(old, was, p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := bundle.Opened{Format: bundle.AgeDotenv, Text: carried.Text}.Read(p)
			if err != nil || !got.Document.EqualEntries(entriesOf(values)) {
				t.Errorf("from %v to %v: %v, %v", from, to, got.Document.Keys(), err)
			}
			if want, err := bundle.NewContent(entriesOf(values), p); err != nil || carried.Text.Reveal() != want.Text.Reveal() {
				t.Errorf("from %v to %v: %q, %v", from, to, carried.Text.Reveal(), err)
			}
		}
	}
}
