package sops_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// treeStores are the stores of trees that are written, with a name that tells sops so.
var treeStores = map[sops.Store]string{sops.YAML: "a.yaml", sops.JSON: "a.json"}

// pair is an entry as a test has it.
type pair struct{ name, value string }

func fieldsOf(pairs []pair) []sops.Field {
	fields := make([]sops.Field, len(pairs))
	for i, p := range pairs {
		fields[i] = sops.Field{Name: p.name, Value: secret.New(p.value)}
	}
	return fields
}

func encryptTree(tb testing.TB, store sops.Store, pairs []pair, ids ...agekey.Identity) string {
	tb.Helper()
	file, err := sops.EncryptTree(store, fieldsOf(pairs), "", recipientsOf(ids...), now)
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// plainPairs reads a plain document of one level, in its order, with its values as
// texts: a value that is no text fails the test.
func plainPairs(tb testing.TB, store sops.Store, text string) []pair {
	tb.Helper()
	var pairs []pair
	if store == sops.YAML {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			tb.Fatal(err)
		}
		if len(document.Content) == 0 {
			return nil
		}
		content := document.Content[0].Content
		for i := 0; i < len(content); i += 2 {
			var value any
			if err := content[i+1].Decode(&value); err != nil {
				tb.Fatal(err)
			}
			plain, ok := value.(string)
			if !ok {
				tb.Errorf("%s is a %T", content[i].Value, value)
			}
			pairs = append(pairs, pair{content[i].Value, plain})
		}
		return pairs
	}
	dec := json.NewDecoder(strings.NewReader(text))
	_, _ = dec.Token()
	for dec.More() {
		name, _ := dec.Token()
		value, err := dec.Token()
		plain, ok := value.(string)
		if err != nil || !ok {
			tb.Fatalf("%v is a %T: %v", name, value, err)
		}
		pairs = append(pairs, pair{fmt.Sprint(name), plain})
	}
	return pairs
}

// decryptedPairs is what we read of a file of our own.
func decryptedPairs(tb testing.TB, file string, id agekey.Identity) []pair {
	tb.Helper()
	plain, err := sops.Decrypt(file, []agekey.Identity{id}, sops.Options{Strings: true, AllowUnauthenticated: true})
	if err != nil {
		tb.Fatal(err)
	}
	var pairs []pair
	for _, entry := range plain.Entries {
		pairs = append(pairs, pair{entry.Name, entry.Value.Reveal()})
	}
	return pairs
}

// samePairs reports the first difference.
func samePairs(tb testing.TB, who string, got, want []pair) {
	tb.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			g, w := "nothing", "nothing"
			if i < len(got) {
				g = fmt.Sprintf("%q", got[i])
			}
			if i < len(want) {
				w = fmt.Sprintf("%q", want[i])
			}
			tb.Errorf("%s: entry %d is %.200s, want %.200s", who, i, g, w)
			return
		}
	}
}

// treePairs are entries that readers of YAML and JSON take for something else.
var treePairs = []pair{
	{"Z_LAST", "first, since the order is kept"},
	{"EMPTY", ""},
	{"TRUE", "True"},
	{"FALSE", "False"},
	{"true", "true"},
	{"null", "null"},
	{"TILDE", "~"},
	{"INT", "0017"},
	{"HEX", "0x10"},
	{"FLOAT", "1.50"},
	{"EXP", "1e3"},
	{"DATE", "2001-02-03"},
	{"TIME", "2001-02-03T04:05:06Z"},
	{"SEXAGESIMAL", "1:20"},
	{"YES", "yes"},
	{"MERGE", "<<"},
	{"ANCHOR", "&a *b !c"},
	{"ENC", "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]"},
	{"QUOTES", `it's "quoted" \ and \n`},
	{"HTML", "<a href='?x&y'>"},
	{"HASH", "a # b"},
	{"COLON", "a: b"},
	{"SPACES", "  around  "},
	{"TAB", "\tone line"},
	{"TABS", "one\n\ttwo\n"},
	{"CR", "a\rb\r\n"},
	{"NUL", "a\x00b"},
	{"CONTROL", "\x01\x1b\x7f\u0085"},
	{"UNICODE", "grüße 日本 🔑 \u2028\u2029\u00a0\ufeff"},
	{"ENDS", "a\n\n\n"},
	{"SPACE_LINES", " a\n  b\n"},
	{"DASHES", "---\n...\n"},
	{"PEM", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n"},
	{"LONG", strings.Repeat("0123456789 abcdef ", 500)},
	{"data", "x"},
	{"a.b", "dot"},
	{"1", "digit"},
	{"-", "dash"},
	{"y", "y"},
	{"2001-01-01", "x"},
}

func TestEncryptTree(t *testing.T) {
	id := x25519(t)
	for store, name := range treeStores {
		for release, c := range map[string]func(*testing.T) cli{"current": realSOPS, "oldest": oldestSOPS} {
			t.Run(string(store)+"/"+release, func(t *testing.T) {
				c := c(t).with(t, id)
				file := encryptTree(t, store, treePairs, x25519(t), id)
				if found, ok := sops.Detect(file); !ok || found != store {
					t.Errorf("detected as %q", found)
				}
				if strings.Contains(file, "mac_only_encrypted") {
					t.Error("the MAC is of a kind that sops 3.8 does not know")
				}
				out, err := c.run(t, "-d", c.file(t, name, file))
				if err != nil {
					t.Fatal(err)
				}
				samePairs(t, "sops", plainPairs(t, store, out), treePairs)
				samePairs(t, "we", decryptedPairs(t, file, id), treePairs)
			})
		}
	}
}

// The file is laid out as sops itself lays it out.
func TestEncryptTreeLayout(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	plain := []pair{{"B", "x"}, {"E", ""}, {"true", "y"}}
	sealed := regexpENC(encryptTree(t, sops.YAML, plain, id))
	theirs := regexpENC(c.encrypted(t, "a.yaml", "B: x\nE: \"\"\n\"true\": y\n", id))
	if sealed != theirs {
		t.Errorf("YAML is\n%s\nand sops writes\n%s", sealed, theirs)
	}
	sealed = regexpENC(encryptTree(t, sops.JSON, plain, id))
	theirs = regexpENC(c.encrypted(t, "a.json", `{"B":"x","E":"","true":"y"}`, id))
	if sealed != theirs {
		t.Errorf("JSON is\n%s\nand sops writes\n%s", sealed, theirs)
	}
}

// regexpENC is a file with what is random in it taken out.
func regexpENC(file string) string {
	var out bytes.Buffer
	for line := range strings.SplitSeq(file, "\n") {
		name, rest, _ := strings.Cut(line, ": ")
		switch {
		case strings.Contains(rest, "ENC["), strings.Contains(rest, "BEGIN AGE"), strings.Contains(name, "lastmodified"):
			out.WriteString(name + ": …\n")
		case rest == "" && len(strings.TrimSpace(line)) > 50:
		default:
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

func TestEncryptTreeRefuses(t *testing.T) {
	const yamlTab = "A: sops can't write a text of several lines that begins with a tab into YAML"
	for name, tt := range map[string]struct {
		pairs []pair
		says  string
	}{
		"sops":         {[]pair{{"sops", "canary"}}, "sops: sops keeps its metadata under the name sops"},
		"clear":        {[]pair{{"A_unencrypted", "canary"}}, "A_unencrypted: sops stores names that end in _unencrypted in clear"},
		"twice":        {[]pair{{"A", "canary"}, {"A", "canary"}}, "A: the name is there twice"},
		"empty":        {[]pair{{"", "canary"}}, "a name is empty"},
		"colon":        {[]pair{{"a:b", "canary"}}, `a name holds a ":"`},
		"not UTF-8":    {[]pair{{"A", "canary\xff"}}, "A: it is not UTF-8"},
		"tab":          {[]pair{{"A", "\tcanary\n"}}, yamlTab},
		"break, tab":   {[]pair{{"A", "\n\tcanary"}}, yamlTab},
		"name, UTF-8":  {[]pair{{"\xff", "canary"}}, "it is not UTF-8"},
		"two megabyte": {[]pair{{"A", strings.Repeat("canary", sops.MaxTree/6)}}, "larger than what is read"},
	} {
		for store := range treeStores {
			_, err := sops.EncryptTree(store, fieldsOf(tt.pairs), "", recipientsOf(x25519(t)), now)
			if tt.says == yamlTab && store == sops.JSON {
				if err != nil {
					t.Errorf("%s, %s: %v", store, name, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s, %s: got %v", store, name, err)
			}
		}
	}
	if _, err := sops.EncryptTree(sops.YAML, nil, "", nil, now); err == nil {
		t.Error("encrypted for nobody")
	}
}

// What may be changed in a file of texts without the key, and is noticed.
func TestStrings(t *testing.T) {
	id := x25519(t)
	for store := range treeStores {
		file := encryptTree(t, store, []pair{{"A", "True"}, {"N", "17"}, {"E", ""}}, id)
		for name, change := range map[string]func(string) string{
			"nothing":       func(file string) string { return file },
			"bool":          func(file string) string { return strings.Replace(file, ",type:str]", ",type:bool]", 1) },
			"number":        func(file string) string { return changeSecond(file, ",type:str]", ",type:int]") },
			"clear number":  func(file string) string { return strings.Replace(file, `""`, "5", 1) },
			"null":          func(file string) string { return strings.Replace(file, `""`, "null", 1) },
			"truth value":   func(file string) string { return strings.Replace(file, `""`, "true", 1) },
			"text in clear": func(file string) string { return strings.Replace(file, `""`, `"canary"`, 1) },
		} {
			plain, err := sops.Decrypt(change(file), []agekey.Identity{id}, sops.Options{Strings: true, AllowUnauthenticated: true})
			if (err == nil) != (name == "nothing") || err != nil && (len(plain.Entries) > 0 || !errors.Is(err, sops.ErrTampered) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("%s, %s: %v", store, name, err)
			}
		}
	}
}

func changeSecond(text, old, with string) string {
	first := strings.Index(text, old) + len(old)
	return text[:first] + strings.Replace(text[first:], old, with, 1)
}
