package sops_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Every byte of a JSON, YAML, INI and binary file is changed, one at a time: an
// error, or the unchanged entries.
func TestEveryByteOfTreesChanged(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	binary, err := sops.EncryptBinary(secret.New("A=1\n"), recipientsOf(id), now)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"binary": binary,
		"json":   c.encrypted(t, "a.json", `{"A": "1", "B": {"C": ["x", 2]}}`, id),
		"yaml":   c.encrypted(t, "a.yaml", "A: \"1\"\nB:\n  C: [x, 2]\n", id),
		"ini":    c.encrypted(t, "a.ini", "[A]\nB = 1\nC = x\n", id),
	} {
		t.Run(name, func(t *testing.T) {
			store, _ := sops.Detect(file)
			whole, err := sops.Decrypt(file, []agekey.Identity{id}, sops.Options{Store: store})
			if err != nil {
				t.Fatal(err)
			}
			noticed := 0
			for i := range len(file) {
				tried := map[byte]bool{file[i]: true}
				for _, b := range []byte{file[i] ^ 0x01, file[i] ^ 0x02, file[i] ^ 0x20, file[i] ^ 0x80, '\n', '#', ':', '"', ',', ']', ' ', '='} {
					if tried[b] {
						continue
					}
					tried[b] = true
					got, err := sops.Decrypt(file[:i]+string([]byte{b})+file[i+1:], []agekey.Identity{id}, sops.Options{Store: store})
					switch {
					case err != nil:
						noticed++
					case !maps.Equal(entriesOf(got), entriesOf(whole)) || store == sops.Binary && got.Text.Reveal() != whole.Text.Reveal():
						t.Fatalf("byte %d, %q for %q: other content came back: %q", i, b, file[i], entriesOf(got))
					}
				}
			}
			if noticed == 0 {
				t.Error("nothing was noticed")
			}
		})
	}
}

// treeEdits are changes to a JSON file which sops itself does not notice, or not
// always.
var treeEdits = map[string]struct {
	from, to string // of the encrypted file; A, L and M stand for what is encrypted
	kind     error
}{
	"value in clear":           {`"A": "A"`, `"A": "1"`, sops.ErrUnauthenticated},
	"value emptied":            {`"A": "A"`, `"A": ""`, sops.ErrUnauthenticated},
	"value nothing":            {`"A": "A"`, `"A": null`, sops.ErrUnauthenticated},
	"number in clear":          {`"A": "A"`, `"A": 1`, sops.ErrUnauthenticated},
	"empty name inserted":      {`"A": "A"`, `"N": "", "A": "A"`, sops.ErrUnauthenticated},
	"empty map inserted":       {`"A": "A"`, `"N": {}, "A": "A"`, sops.ErrUnauthenticated},
	"empty list inserted":      {`"A": "A"`, `"N": [], "A": "A"`, sops.ErrUnauthenticated},
	"empty element":            {`"L0"`, `"", "L0"`, sops.ErrUnauthenticated},
	"null element":             {`"L0"`, `null, "L0"`, sops.ErrUnauthenticated},
	"clear name inserted":      {`"A": "A"`, `"N_unencrypted": "x", "A": "A"`, sops.ErrUnauthenticated},
	"name with the separator":  {`"M": {"I": "M"}`, `"M:I": "M"`, nil},
	"name twice":               {`"A": "A"`, `"A": "", "A": "A"`, nil},
	"names that flatten alike": {`"M": {"I": "M"}`, `"M.I": "", "M": {"I": "M"}`, nil},
	"elements swapped":         {`"L0", "L1"`, `"L1", "L0"`, sops.ErrTampered},
	"element to comment":       {`,type:str]", "L1"`, `,type:comment]", "L1"`, sops.ErrTampered},
	"text behind the bracket":  {`"A": "A"`, `"A": "A "`, sops.ErrTampered},
	"renamed":                  {`"A": "A"`, `"Z": "A"`, sops.ErrTampered},
	"moved":                    {`"M": {"I": "M"}`, `"I": "M"`, sops.ErrTampered},
	"text to number":           {`"W"`, `"W:int"`, sops.ErrTampered},
	"trailing text":            {`END`, `END x`, nil},
}

func TestTreeEditsAreRefused(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	file := c.encrypted(t, "a.json", `{"A": "1", "L": ["one", "two"], "M": {"I": "inner"}, "W": "01"}`, id)
	sealed := sealedTexts(file)
	if len(sealed) < 5 {
		t.Fatal("the file holds too few encrypted values")
	}
	// The file as the edits write it: on one line, with short names for what is
	// encrypted.
	compact := strings.NewReplacer("\n", "", "\t", "").Replace(file)
	compact = strings.ReplaceAll(compact, ",\"", ", \"")
	for name, tt := range treeEdits {
		t.Run(name, func(t *testing.T) {
			expand := func(s string) string {
				s = strings.ReplaceAll(s, `"W:int"`, `"`+strings.Replace(sealed[4], "type:str", "type:int", 1)+`"`)
				s = strings.ReplaceAll(s, `"A "`, `"`+sealed[0]+` "`)
				for short, long := range map[string]string{`: "A"`: `: "` + sealed[0] + `"`, `"L0"`: `"` + sealed[1] + `"`, `"L1"`: `"` + sealed[2] + `"`, `: "M"`: `: "` + sealed[3] + `"`, `"W"`: `"` + sealed[4] + `"`} {
					s = strings.ReplaceAll(s, short, long)
				}
				return s
			}
			from, to := expand(tt.from), expand(tt.to)
			if name == "trailing text" {
				from, to = compact, compact+"x"
			}
			if name == "text to number" {
				from = `"` + sealed[4] + `"`
			}
			edited := replaced(t, compact, from, to)
			got, err := sops.Decrypt(edited, []agekey.Identity{id}, sops.Options{Store: sops.JSON})
			if err == nil {
				t.Fatalf("it was not noticed, and %q came back", entriesOf(got))
			}
			if tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
		})
	}
}

// sealedTexts are the encrypted values of a file, in order.
func sealedTexts(file string) (texts []string) {
	for {
		_, rest, found := strings.Cut(file, "ENC[")
		if !found {
			return texts
		}
		inner, after, _ := strings.Cut(rest, "]")
		texts = append(texts, "ENC["+inner+"]")
		file = after
	}
}

// sops does not authenticate what is a list: one value can become a list of one.
// What is pinned here is that a name never tells another value.
func TestListsAreNotBound(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	file := c.encrypted(t, "a.json", `{"A": "1", "L": ["one", "two"]}`, id)
	sealed := sealedTexts(file)
	want := map[string]string{"A": "1", "L.0": "one", "L.1": "two"}
	for name, tt := range map[string]struct{ old, with string }{
		"a value in a list":  {`"` + sealed[0] + `"`, `["` + sealed[0] + `"]`},
		"an element deeper":  {`"` + sealed[1] + `"`, `["` + sealed[1] + `"]`},
		"elements in a list": {`"` + sealed[2] + `"`, `["` + sealed[2] + `"]`},
	} {
		plain, err := sops.Decrypt(replaced(t, file, tt.old, tt.with), []agekey.Identity{id}, sops.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for entry, value := range entriesOf(plain) {
			if was, ok := want[entry]; ok && was != value {
				t.Errorf("%s: %s is %q, and was %q", name, entry, value, was)
			}
		}
	}
}
