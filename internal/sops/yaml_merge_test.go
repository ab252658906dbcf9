package sops_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// With encrypted_regex and mac_only_encrypted, what is in clear is edited by hand, with
// anchors too. sops reads that, and so do we where it is asked for.
func TestAliasesByHand(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	sealed := c.encrypted(t, "a.yaml", "password: canary\nimage: app\nbase:\n  tz: Europe/Berlin # here\n", id, "--mac-only-encrypted", "--encrypted-regex", "^password$")
	edited := replaced(t, sealed, "base:\n    tz: Europe/Berlin", "base: &base\n    # comment\n    tz: &tz Europe/Berlin")
	edited = replaced(t, edited, "image: app\n", "image: &image app\n")
	edited = replaced(t, edited, "sops:\n", "web:\n    # above\n    <<: *base # behind\n    image: *image\n    list: [*tz, *image]\n    base: *base\n# below\nsops:\n")
	want, err := c.with(t, id).run(t, "-d", c.file(t, "edited.yaml", edited))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sops.Decrypt(edited, []agekey.Identity{id}, sops.Options{AllowUnauthenticated: true})
	if err != nil {
		t.Fatal(err)
	}
	if plain.Text.Reveal() != want {
		t.Errorf("the text is\n%s\nand sops gives\n%s", plain.Text.Reveal(), want)
	}
	if got, want := entriesOf(plain), flattened(t, "a.yaml", want); !maps.Equal(got, want) || got["web.tz"] != "Europe/Berlin" {
		t.Errorf("the entries are %q, want %q", got, want)
	}
	if _, err := sops.Decrypt(edited, []agekey.Identity{id}, sops.Options{}); !errors.Is(err, sops.ErrUnauthenticated) {
		t.Errorf("read strictly: %v", err)
	}
}

// An alias does not carry a value to another name: the value is authentic under its own
// name alone.
func TestAliasesMoveNoValue(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	sealed := c.encrypted(t, "a.yaml", "b: &b\n  A: canary\nc:\n  B: x\n  <<: *b\n", id)
	value := lineOf(t, sealed, "    A: ")[len("    A: "):]
	for name, edited := range map[string]string{
		"a value":             replaced(t, strings.Replace(sealed, "    A: "+value, "    A: &v "+value, 1), "c:\n", "d: *v\nc:\n"),
		"a mapping":           replaced(t, strings.Replace(sealed, "b:\n", "b: &m\n", 1), "c:\n", "d: *m\nc:\n"),
		"a mapping, merged":   replaced(t, strings.Replace(sealed, "b:\n", "b: &m\n", 1), "sops:\n", "d:\n    <<: *m\nsops:\n"),
		"out of the merge":    replaced(t, sealed, "    !!merge <<:\n        A: ", "    A: "),
		"into a merge":        replaced(t, sealed, "b:\n    A: ", "b:\n    !!merge <<:\n        A: "),
		"a name in its place": replaced(t, sealed, "    !!merge <<:\n", "    A: true\n    !!merge <<:\n"),
	} {
		plain, err := sops.Decrypt(edited, []agekey.Identity{id}, sops.Options{})
		if err == nil {
			t.Errorf("%s: %q came back", name, entriesOf(plain))
		}
	}
}

// Names that are there twice are named, with the line where there is one.
func TestDuplicatesAreNamed(t *testing.T) {
	const yamlEnd, jsonEnd = "sops:\n    mac: x\n", `"sops": {"mac": "x"}}`
	for name, tt := range map[string]struct {
		text, key string
		line      int
	}{
		"yaml":               {"A: 1\nB: 2\nA: 3\n" + yamlEnd, "A", 3},
		"yaml, inside":       {"m:\n    A: 1\n    A: 3\n" + yamlEnd, "m.A", 3},
		"yaml, merged twice": {"b: &b {A: 1}\nm:\n    <<: *b\n    <<: *b\n" + yamlEnd, "m.<<", 4},
		"json":               {`{"A": 1, "A": 2, ` + jsonEnd, "A", 0},
		"json, inside":       {`{"l": [0, {"m": {"A": 1, "A": 2}}], ` + jsonEnd, "l.1.m.A", 0},
	} {
		_, err := sops.Decrypt(tt.text, nil, sops.Options{})
		at(t, err, tt.line, tt.key)
		if err == nil || !strings.Contains(err.Error(), "the name is there twice") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A few bytes of aliases can stand for a huge document. Such a file is refused quickly.
func TestAliasesAreBounded(t *testing.T) {
	id := x25519(t)
	end := "\nsops:\n    mac: x\n    lastmodified: \"2026-01-02T03:04:05Z\"\n    version: 3.13.3\n"
	layers := func(first, layer string) string {
		text := "a0: &a0 " + first + "\n"
		for i := range 40 {
			text += fmt.Sprintf("a%d: &a%d %s\n", i+1, i+1, strings.ReplaceAll(layer, "*", fmt.Sprintf("*a%d", i)))
		}
		return text + end
	}
	big := strings.Repeat("x", 1<<20)
	for name, hostile := range map[string]string{
		"lists of lists":         layers("[x]", "[*,*,*]"),
		"lists of nothing":       layers("[]", "[*,*,*]"),
		"mappings":               layers("{x: y}", "{x: *, y: *, z: *}"),
		"merges":                 layers("{x: y}", "{<<: [*, *], y: *}"),
		"merges of nothing":      layers("{}", "{<<: [*, *, *]}"),
		"merges with many names": "b: &b\n" + filled(1<<20, func(i int) string { return fmt.Sprintf("    k%d: 0\n", i) }) + "c:\n    <<: [" + strings.Repeat("*b,", 1<<17) + "*b]" + end,
		"many merges of one":     "b: &b {x: 1}\nc: &c {<<: *b}\nd:\n" + filled(1<<19, func(i int) string { return fmt.Sprintf("    k%d: 0\n", i) }) + "    <<: [" + strings.Repeat("*c,", 1<<16) + "*c]" + end,
		"an alias in its anchor": "a: &a [*a, *a]" + end,
		"a merge in its anchor":  "a: &a {<<: *a}" + end,
		"merges in each other":   "a: &a {b: &b {<<: *a}, <<: *b}" + end,
		"a large value":          "a: &a " + big + "\nl: [*a, *a, *a, *a, *a]" + end,
		"a comment on nothing":   "a: &a\n    # " + big + "\n    []\nl: [*a, *a, *a, *a, *a]" + end,
		"a large comment":        "a: &a\n    # " + big + "\n    x: 1\nl: [*a, *a, *a, *a, *a]" + end,
	} {
		t.Run(name, func(t *testing.T) {
			if raceFactor > 1 && len(hostile) > 1<<20 {
				t.Skip("the race detector makes the parser too slow for this size")
			}
			var plain sops.Plain
			var err error
			read := func() { plain, err = sops.Decrypt(hostile, []agekey.Identity{id}, sops.Options{}) }
			took := timeOf(read)
			t.Logf("%d KB in %v: %.120v", len(hostile)>>10, took.Round(time.Millisecond), err)
			if err == nil || !plain.Text.IsEmpty() {
				t.Error("it was read")
			}
			checkTime(t, took, read)
		})
	}
}

// The metadata is what stands under the name sops, and not under an anchor of the name.
func TestMetadataUnderAnAlias(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	sealed := c.encrypted(t, "a.yaml", "A: x\n", id)
	changed := replaced(t, sealed, "sops:\n", "B: &sops C\n*sops :\n") + "\n#\nsops:\n    mac: x\n"
	if _, err := c.with(t, id).run(t, "-d", c.file(t, "changed.yaml", changed)); err == nil {
		t.Error("sops opens it")
	}
	if _, err := sops.Decrypt(changed, []agekey.Identity{id}, sops.Options{AllowUnauthenticated: true}); !errors.Is(err, sops.ErrNotSOPS) {
		t.Errorf("got %v", err)
	}
}

// The metadata of a file that shows its names and nothing more: of one recipient.
const yamlMetadata = "\nsops:\n    age:\n        - enc: x\n          recipient: age1q6gmwkfpnsfv58phk55y4jhatqhgltsgeh6kmr8d8h065z4kmgfsynqr5y\n" +
	"    lastmodified: \"2026-01-02T03:04:05Z\"\n    mac: x\n    version: 3.13.3\n"

// The names of a YAML file are those that the YAML library finds, merges included.
func FuzzYAMLNames(f *testing.F) {
	for _, tt := range wild {
		if strings.HasSuffix(tt.file, ".yaml") || strings.HasSuffix(tt.file, ".yml") {
			f.Add(tt.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := text + yamlMetadata
		leaves, err := sops.ReadLeaves(file, sops.YAML)
		if err != nil || leaves.Documents != 1 {
			return
		}
		for _, l := range leaves.All {
			if slices.Contains(l.Path, "") || l.Encrypted {
				return // no entries, or a comment in a list
			}
		}
		meta, err := sops.ReadMetadata(file)
		var tree map[string]any
		if err != nil || yaml.Unmarshal([]byte(file), &tree) != nil {
			return
		}
		delete(tree, "sops")
		want := map[string]bool{}
		namesOf(tree, "", want)
		got := map[string]bool{}
		for _, key := range meta.Keys {
			if got[key] {
				t.Errorf("%q is there twice", key)
			}
			got[key] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("the names are %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	})
}

// namesOf adds the flattened names of the values in a tree.
func namesOf(value any, name string, names map[string]bool) {
	under := func(key string) string {
		if name == "" {
			return key
		}
		return name + "." + key
	}
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			namesOf(inner, under(key), names)
		}
	case []any:
		for i, inner := range v {
			namesOf(inner, under(fmt.Sprint(i)), names)
		}
	default:
		names[name] = true
	}
}
