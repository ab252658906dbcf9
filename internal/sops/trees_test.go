package sops_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"gopkg.in/ini.v1"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// oldestSOPS is the oldest release whose files are compared, or skips.
func oldestSOPS(t *testing.T) cli {
	t.Helper()
	path := os.Getenv("AGEENV_TEST_SOPS_OLDEST")
	if path == "" {
		t.Skip("no old sops to test with: AGEENV_TEST_SOPS_OLDEST names none; make test builds one")
	}
	c := realSOPS(t)
	c.path = path
	return c
}

// releases are those of sops that people run, the newest and an old one.
var releases = map[string]func(*testing.T) cli{"current": realSOPS, "oldest": oldestSOPS}

// trees are documents by file name. Those that hold something which sops does not
// authenticate say so.
var trees = map[string]struct {
	file, text string
	weak       bool
}{
	"json, flat":              {"a.json", `{"A": "1", "B": "two words", "N": 17, "F": 1.5, "T": true}`, false},
	"json, nested":            {"a.json", `{"db": {"user": "u", "ports": [5432, "x", {"y": "z", "on": false}]}, "list": ["a", "b"], "é <&> \"q\"": "ü\n\t"}`, false},
	"json, numbers":           {"a.json", `{"big": 12345678901, "small": 0.000001, "neg": -3, "exp": 1e30, "one": 1.0}`, false},
	"json, one data":          {"a.json", `{"data": {"a": "b"}}`, false},
	"json, empties":           {"a.json", `{"A": "", "L": [], "M": {}, "N": null, "B": "x"}`, true},
	"json, true text":         {"a.json", `{"A": "True"}`, false},
	"yaml, flat":              {"a.yaml", "A: \"1\"\nB: two words\nN: 17\nF: 1.50\nT: yes\nX: true\n", false},
	"yaml, comments":          {"a.yaml", "# head\nA: x # inline\n# between\nB:\n  # inside\n  C: y\n# foot\n", false},
	"yaml, nested":            {"a.yaml", "db:\n  user: u\n  ports: [5432, x]\n  deep:\n    - a: 1\n      b: \"2\"\n    - - q\n      - r\ntext: |\n  one\n  two\nquoted: 'it''s'\nlooks: \"0x10\"\nno: \"no\"\n", false},
	"yaml, comments in lists": {"a.yaml", "list:\n  # first\n  - a\n  # second\n  - b # inline\n  - c\n  # last\nmore: x\n", false},
	"yaml, time":              {"a.yaml", "when: 2001-02-03T04:05:06Z\nday: 2001-02-03\n", false},
	"yaml, empties":           {"a.yaml", "A: \"\"\nL: []\nM: {}\nN: null\nT:\nB: x\n", true},
	"yaml, clear names":       {"a.yaml", "A_unencrypted: 5\nB: x\nC_unencrypted:\n  d: e\n  f: 1.5\n", true},
	"yaml, documents":         {"a.yaml", "A: one\n---\nB: two\n", false},
	"ini":                     {"a.ini", "top = 1\n\n[db]\nuser = u\npass = \"a b ; c\"\n\n[more.inner]\nx = y\n", false},
	"ini, comments":           {"a.ini", "; section comment\n[db]\n; key comment\nuser = u\n# other\npass = p\n", false},
	"ini, empty":              {"a.ini", "[db]\nuser =\nx = 1\n", true},
	"dotenv, empty":           {"a.env", "A=\nB=1\n", true},
	"dotenv, clear names":     {"a.env", "A_unencrypted=x\nB=1\n", true},
}

// flattened is what users of terraform-provider-sops get of plain text, with
// numbers and times as they are written.
func flattened(t *testing.T, file, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	var flatten func(name string, value any)
	flatten = func(name string, value any) {
		dot := name + "."
		if name == "" {
			dot = ""
		}
		switch v := value.(type) {
		case map[string]any:
			for key, inner := range v {
				flatten(dot+key, inner)
			}
		case []any:
			for i, inner := range v {
				flatten(dot+strconv.Itoa(i), inner)
			}
		case nil:
			out[name] = "null"
		case float64:
			out[name] = strconv.FormatFloat(v, 'f', -1, 64)
		case json.Number:
			if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".e") {
				out[name] = strconv.FormatFloat(f, 'f', -1, 64)
			} else {
				out[name] = v.String()
			}
		case time.Time:
			out[name] = v.Format(time.RFC3339)
		default:
			out[name] = fmt.Sprint(v)
		}
	}
	var value any
	var err error
	switch filepath.Ext(file) {
	case ".json":
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		err = dec.Decode(&value)
	case ".yaml", ".yml":
		err = yaml.Unmarshal([]byte(text), &value)
	case ".ini":
		loaded, loadErr := ini.Load([]byte(text))
		if err = loadErr; err != nil {
			break
		}
		for _, section := range loaded.Sections() {
			for _, key := range section.Keys() {
				name := section.Name() + "." + key.Name()
				if section.Name() == ini.DefaultSection {
					name = key.Name()
				}
				out[name] = key.Value()
			}
		}
	case ".env":
		for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
			key, inner, _ := strings.Cut(line, "=")
			out[key] = inner
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	flatten("", value)
	delete(out, "")
	return out
}

func entriesOf(plain sops.Plain) map[string]string {
	out := map[string]string{}
	for _, entry := range plain.Entries {
		out[entry.Name] = entry.Value.Reveal()
	}
	return out
}

// What sops makes of JSON, YAML and INI gives the same text here as it gives with
// sops, and the same entries as its plain text.
func TestWeReadTreesOfSOPS(t *testing.T) {
	id := x25519(t)
	for release, c := range map[string]func(*testing.T) cli{"current": realSOPS, "oldest": oldestSOPS} {
		for name, tt := range trees {
			t.Run(release+"/"+name, func(t *testing.T) {
				c := c(t)
				for _, option := range []string{"", "--mac-only-encrypted"} {
					if release == "oldest" && (option != "" || strings.Contains(name, "time") || strings.Contains(name, "numbers") || strings.Contains(name, "inline")) {
						continue // not there yet
					}
					args := []string{}
					if option != "" {
						args = append(args, option)
					}
					sealed := c.encrypted(t, tt.file, tt.text, id, args...)
					want, err := c.with(t, id).run(t, "-d", c.file(t, "sealed-"+tt.file, sealed))
					if err != nil {
						t.Fatal(err)
					}
					plain, err := sops.Decrypt(sealed, []agekey.Identity{id}, sops.Options{AllowUnauthenticated: tt.weak})
					if err != nil {
						t.Fatalf("%v\n%s", err, sealed)
					}
					got := plain.Text.Reveal()
					if release == "oldest" {
						got = strings.TrimSuffix(got, "\n") // which it does not write after JSON
						want = strings.TrimSuffix(want, "\n")
					}
					if got != want {
						t.Errorf("the text is\n%s\nand sops gives\n%s", plain.Text.Reveal(), want)
					}
					if plain.Documents == 1 {
						if got, want := entriesOf(plain), flattened(t, tt.file, want); !maps.Equal(got, want) {
							t.Errorf("the entries are %q, want %q", got, want)
						}
					} else if plain.Entries != nil {
						t.Error("entries of several documents")
					}
					_, err = sops.Decrypt(sealed, []agekey.Identity{id}, sops.Options{})
					if (err != nil) != tt.weak {
						t.Errorf("read strictly: %v", err)
					}
				}
			})
		}
	}
}

// A file whose name tells sops nothing is binary to it, and comes back byte for
// byte.
func TestBinary(t *testing.T) {
	id := x25519(t)
	for name, text := range map[string]string{
		"env text":   "# note\n\nA=\"one\ntwo\"\nB=\n",
		"no newline": "A=1",
		"empty":      "",
		"bytes":      "\x00\xff\xfe\r\n\x1b",
		"json":       `{"data": "x"}`,
		"large":      strings.Repeat("0123456789abcdef", 1<<14),
	} {
		t.Run(name, func(t *testing.T) {
			sealed, err := sops.EncryptBinary(secret.New(text), recipientsOf(id, x25519(t)), now)
			if err != nil {
				t.Fatal(err)
			}
			t.Run("every kind", func(t *testing.T) {
				c := realSOPS(t)
				for kind, id := range agekeytest.Kinds(t) {
					sealed, err := sops.EncryptBinary(secret.New(text), recipientsOf(x25519(t), id), now)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := c.with(t, id).run(t, "-d", c.file(t, ".env.enc", sealed)); err != nil || got != text {
						t.Errorf("%s: sops reads %.100q, %v", kind, got, err)
					}
					if plain, err := sops.Decrypt(c.encrypted(t, "plain.bin", text, id), []agekey.Identity{id}, sops.Options{}); err != nil || plain.Text.Reveal() != text {
						t.Errorf("%s: we read %.100q, %v", kind, plain.Text.Reveal(), err)
					}
				}
			})
			for release, c := range map[string]func(*testing.T) cli{"current": realSOPS, "oldest": oldestSOPS} {
				t.Run(release, func(t *testing.T) {
					c := c(t)
					if got, err := c.with(t, id).run(t, "-d", c.file(t, ".env.enc", sealed)); err != nil || got != text {
						t.Errorf("sops reads %.100q, %v", got, err)
					}
					theirs := c.encrypted(t, "plain.bin", text, id)
					for who, file := range map[string]string{"ours": sealed, "theirs": theirs} {
						if store, ok := sops.Detect(file); !ok || store != sops.Binary {
							t.Errorf("%s: detected as %q", who, store)
						}
						plain, err := sops.Decrypt(file, []agekey.Identity{id}, sops.Options{})
						if err != nil || plain.Text.Reveal() != text || plain.Entries != nil || plain.Metadata.Keys != nil {
							t.Errorf("%s: got %.100q, %v", who, plain.Text.Reveal(), err)
						}
					}
					if release == "current" && layoutOf(t, theirs) != layoutOf(t, sealed) {
						t.Errorf("the file is laid out as\n%s\nand sops writes\n%s", layoutOf(t, sealed), layoutOf(t, theirs))
					}
				})
			}
		})
	}
}

// layoutOf is a JSON file with its values taken out, and its list of keys as if it
// had one.
func layoutOf(t *testing.T, file string) string {
	t.Helper()
	var out bytes.Buffer
	depth := 0
	for line := range strings.SplitSeq(file, "\n") {
		name, _, _ := strings.Cut(line, `": `)
		if strings.Contains(line, `"enc"`) {
			depth++
		}
		if depth > 1 && !strings.HasPrefix(line, "\t\t]") {
			continue
		}
		depth = min(depth, 1)
		out.WriteString(name + "\n")
	}
	return strings.ReplaceAll(strings.ReplaceAll(out.String(), "},\n\t\t\t{", "}"), "\t\t\t},", "\t\t\t}")
}

func TestDetect(t *testing.T) {
	id := x25519(t)
	binary, err := sops.EncryptBinary(secret.New("x"), recipientsOf(id), now)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		want sops.Store
	}{
		"ours":                {encrypt(t, "A=1\n", id), sops.Dotenv},
		"binary":              {binary, sops.Binary},
		"binary, indented":    {"\n  " + binary, sops.Binary},
		"metadata first":      {"sops_mac=x\nA=1\n", sops.Dotenv},
		"json":                {`{"data":"","A":"x","sops":{"mac":"x"}}`, sops.JSON},
		"json, data nested":   {`{"data":["x"],"sops":{"mac":"x"}}`, sops.JSON},
		"yaml":                {"a: b\nsops:\n    mac: x\n", sops.YAML},
		"ini":                 {"[a]\nb = c\n\n[sops]\nmac = x\n", sops.INI},
		"plain":               {"A=1\n", ""},
		"plain json":          {`{"A":"x"}`, ""},
		"plain yaml":          {"a: b\n", ""},
		"in a value":          {"A=sops_mac=x\n", ""},
		"in a value of yaml":  {"a:\n    sops: x\n", ""},
		"empty":               {"", ""},
		"armored age, by eye": {"-----BEGIN AGE ENCRYPTED FILE-----\n", ""},
	} {
		if got, ok := sops.Detect(tt.text); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
}
