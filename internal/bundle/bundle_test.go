package bundle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

func TestSealAndOpen(t *testing.T) {
	kinds := agekeytest.Kinds(t)
	stranger := x25519(t)
	for _, format := range bundle.Formats() {
		for kind, id := range kinds {
			t.Run(string(format)+"/"+kind, func(t *testing.T) {
				content := contentOf(t, format, awkward)
				ciphertext := sealed(t, content, format, id)
				detected := format
				switch format {
				case bundle.AgeFiles:
					detected = bundle.AgeDotenv // it shows once it is opened
				case bundle.SOPSKubernetes:
					detected = bundle.SOPSYAML
				}
				if found, err := bundle.Detect(ciphertext); err != nil || found != detected {
					t.Errorf("detected as %q, %v", found, err)
				}
				for key, value := range awkward {
					if len(value) > 4 && strings.Contains(ciphertext, value) {
						t.Errorf("the value of %s is in clear", key)
					}
				}
				got, err := open(ciphertext, dotenv.Compose, []agekey.Identity{stranger, id})
				if err != nil {
					t.Fatal(err)
				}
				if !isDocument(format) && got.Text.Reveal() != content.Text.Reveal() {
					t.Errorf("the text became %q", got.Text.Reveal())
				}
				for _, source := range []bundle.Source{sourceOf(ciphertext), {Format: format, AllowUnauthenticated: isDocument(format), Own: true}} {
					if opened, err := source.Open(ciphertext, []agekey.Identity{id}); err != nil || opened.Format != format {
						t.Errorf("opened as %q, %v", opened.Format, err)
					}
				}
				if !got.Document.EqualEntries(entriesOf(awkward)) {
					t.Error("the entries are not those that were sealed")
				}
				if again := sealed(t, content, format, id); again == ciphertext {
					t.Error("sealed twice, it is the same: the key is not fresh")
				}
				text, err := openText(ciphertext, []agekey.Identity{stranger})
				if !errors.Is(err, agekey.ErrNoMatch) || !text.IsEmpty() {
					t.Errorf("a stranger gets %q, %v", text.Reveal(), err)
				}
				if _, err := openText(ciphertext, nil); !errors.Is(err, agekey.ErrNoMatch) {
					t.Errorf("without an identity: %v", err)
				}
			})
		}
	}
}

// Every recipient opens it, and none that was left out.
func TestEveryRecipientOpens(t *testing.T) {
	one, two, left := x25519(t), sshEd25519(t), x25519(t)
	for _, format := range bundle.Formats() {
		content := contentOf(t, format, map[string]string{"A": "1"})
		ciphertext := sealed(t, content, format, one, two)
		for name, id := range map[string]agekey.Identity{"first": one, "second": two} {
			if text, err := openText(ciphertext, []agekey.Identity{id}); err != nil || !isDocument(format) && text.Reveal() != content.Text.Reveal() {
				t.Errorf("%s, the %s recipient: %q, %v", format, name, text.Reveal(), err)
			}
		}
		if _, err := openText(ciphertext, []agekey.Identity{left}); !errors.Is(err, agekey.ErrNoMatch) {
			t.Errorf("%s, who was left out: %v", format, err)
		}
	}
}

func TestCheckRecipients(t *testing.T) {
	classic, other, pq, ssh := x25519(t), x25519(t), hybrid(t), sshEd25519(t)
	for name, tt := range map[string]struct {
		format bundle.Format
		ids    []agekey.Identity
		want   error
	}{
		"sops, nobody":               {bundle.SOPSDotenv, nil, agekey.ErrNoRecipient},
		"sops, one":                  {bundle.SOPSDotenv, []agekey.Identity{classic}, nil},
		"sops binary, every kind":    {bundle.SOPSBinary, []agekey.Identity{classic, pq, ssh}, nil},
		"age files, mixed":           {bundle.AgeFiles, []agekey.Identity{classic, pq}, agekey.ErrMixedRecipients},
		"sops, every kind":           {bundle.SOPSDotenv, []agekey.Identity{classic, pq, ssh}, nil},
		"age, nobody":                {bundle.AgeDotenv, nil, agekey.ErrNoRecipient},
		"age, classic":               {bundle.AgeDotenv, []agekey.Identity{classic, other, ssh}, nil},
		"age, hybrid":                {bundle.AgeDotenv, []agekey.Identity{pq, hybrid(t)}, nil},
		"age, hybrid beside classic": {bundle.AgeDotenv, []agekey.Identity{classic, pq}, agekey.ErrMixedRecipients},
		"age, hybrid beside SSH":     {bundle.AgeDotenv, []agekey.Identity{ssh, pq}, agekey.ErrMixedRecipients},
	} {
		t.Run(name, func(t *testing.T) {
			p := bundle.Params{Format: tt.format, Kubernetes: kubernetes, Dialect: dotenv.Compose, Recipients: agekey.Recipients(tt.ids)}
			if err := p.CheckRecipients(); !errors.Is(err, tt.want) {
				t.Errorf("checked: %v, want %v", err, tt.want)
			}
			// What is found at plan is what sealing does.
			ciphertext, err := bundle.Seal(contentOf(t, tt.format, map[string]string{"A": "1"}), p, now)
			if !errors.Is(err, tt.want) || (err == nil) != (ciphertext != "") {
				t.Errorf("sealed: %d bytes, %v, want %v", len(ciphertext), err, tt.want)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	id, content := x25519(t), contentOf(t, bundle.SOPSDotenv, map[string]string{"A": "1"})
	binary, err := agekey.Seal(content.Text, []agekey.Recipient{id.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	armored, ours := sealed(t, content, bundle.AgeDotenv, id), sealed(t, content, bundle.SOPSDotenv, id)
	for name, tt := range map[string]struct {
		text   string
		format bundle.Format
	}{
		"sops":                     {ours, bundle.SOPSDotenv},
		"age, armored":             {armored, bundle.AgeDotenv},
		"age, after an empty line": {"\n" + armored, bundle.AgeDotenv},
		"age, binary":              {string(binary), bundle.AgeDotenv},
		"nothing":                  {"", ""},
		"env text":                 {"A=1\nTOKEN=canary\n", ""},
		"a private key":            {id.Text().Reveal(), ""},
		"sops, binary":             {sealed(t, content, bundle.SOPSBinary, id), bundle.SOPSBinary},
		"JSON":                     {`{"A": "1"}`, ""},
		"YAML":                     {"A: 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			format, err := bundle.Detect(tt.text)
			if format != tt.format || (tt.format == "") != errors.Is(err, bundle.ErrUnknownFormat) {
				t.Errorf("got %q, %v, want %q", format, err, tt.format)
			}
			if tt.format == "" {
				if _, err := openText(tt.text, []agekey.Identity{id}); !errors.Is(err, bundle.ErrUnknownFormat) {
					t.Errorf("opened: %v", err)
				}
			} else if text, err := openText(tt.text, []agekey.Identity{id}); err != nil || text.Reveal() != "A=1\n" {
				t.Errorf("opened: %q, %v", text.Reveal(), err)
			}
		})
	}
}

func TestRecipientsShown(t *testing.T) {
	one, two := x25519(t), hybrid(t)
	shown, ok := bundle.Recipients(sealed(t, contentOf(t, bundle.SOPSDotenv, awkward), bundle.SOPSDotenv, one, two))
	want := agekey.Texts(agekey.Recipients([]agekey.Identity{one, two}))
	if !ok || strings.Join(shown, " ") != strings.Join(want, " ") {
		t.Errorf("sops shows %q, %v, want %q", shown, ok, want)
	}
	if shown, ok := bundle.Recipients(sealed(t, contentOf(t, bundle.AgeDotenv, awkward), bundle.AgeDotenv, one)); ok || shown != nil {
		t.Errorf("age is said to show %q", shown)
	}
}

func TestTampered(t *testing.T) {
	id := x25519(t)
	content := contentOf(t, bundle.SOPSDotenv, map[string]string{"A": "canary-one", "B": "canary-two"})
	for name, tt := range map[string]struct {
		format bundle.Format
		change func(string) string
		want   error
	}{
		"sops, an entry removed": {bundle.SOPSDotenv, func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }, sops.ErrTampered},
		"sops, values swapped": {bundle.SOPSDotenv, func(s string) string {
			return strings.Replace(strings.Replace(strings.Replace(s, "A=", "X=", 1), "B=", "A=", 1), "X=", "B=", 1)
		}, sops.ErrTampered},
		"sops, metadata removed": {bundle.SOPSDotenv, func(s string) string { return s[:strings.Index(s, "sops_")] }, bundle.ErrUnknownFormat},
		"age, cut off":           {bundle.AgeDotenv, func(s string) string { return s[:len(s)-60] }, agekey.ErrCorrupt},
		"age, a byte changed":    {bundle.AgeDotenv, changedInside, agekey.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			was := sealed(t, content, tt.format, id)
			is := tt.change(was)
			if is == was {
				t.Fatal("nothing was changed")
			}
			got, err := open(is, dotenv.Compose, []agekey.Identity{id})
			if !errors.Is(err, tt.want) || !got.Text.IsEmpty() || len(got.Document.Lines) != 0 {
				t.Errorf("got %d bytes, %v, want %v", got.Text.Len(), err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

// changedInside changes a letter in the last line but one of an armored file, in
// what is encrypted.
func changedInside(armored string) string {
	at := strings.LastIndex(armored, "\n-----END") - 10
	with := "A"
	if armored[at] == 'A' {
		with = "B"
	}
	return armored[:at] + with + armored[at+1:]
}

// What is inside may have been sealed by somebody else, and need not be env text.
func TestUnreadableInside(t *testing.T) {
	id := x25519(t)
	const inside = "A=1\ncanary without equals\n"
	ciphertext, err := agekey.SealArmored(secret.New(inside), []agekey.Recipient{id.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(ciphertext, dotenv.Compose, []agekey.Identity{id})
	var de *dotenv.Error
	if !errors.As(err, &de) || de.Line != 2 || !strings.HasPrefix(err.Error(), "the env text inside: line 2: ") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error holds the line: %v", err)
	}
	if text, err := openText(ciphertext, []agekey.Identity{id}); err != nil || text.Reveal() != inside {
		t.Errorf("unread, it opens: %d bytes, %v", text.Len(), err)
	}
}

// many are n entries of one value.
func many(n int, value string) map[string]string {
	values := map[string]string{}
	for i := range n {
		values[fmt.Sprintf("A%02d", i)] = value
	}
	return values
}

func TestNewContent(t *testing.T) {
	for name, tt := range map[string]struct {
		values map[string]string
		text   string // of the content, or of the error
		fails  bool
	}{
		"sorted":      {map[string]string{"B": "2", "A": "1"}, "A=1\nB=2\n", false},
		"nothing":     {nil, "", false},
		"quoted":      {map[string]string{"A": `x "y" $z`}, "A='x \"y\" $z'\n", false},
		"empty value": {map[string]string{"A": ""}, "A=\"\"\n", false},
		"NUL":         {map[string]string{"A": "canary\x00"}, "A: the compose dialect can't hold a NUL byte", true},
		"takes over":  {map[string]string{"LD_PRELOAD": "canary"}, "LD_PRELOAD: this name takes over", true},
		"too long":    {many(33, strings.Repeat("c", 131000)), "the env text is 4323165 bytes long, and the most that is sealed are 4194304", true},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := bundle.NewContent(entriesOf(tt.values), bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Compose})
			if !tt.fails {
				if err != nil || content.Text.Reveal() != tt.text {
					t.Errorf("got %q, %v, want %q", content.Text.Reveal(), err, tt.text)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.text) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %s…", err, tt.text)
			}
		})
	}
}
