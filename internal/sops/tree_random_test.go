package sops_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// randomPairs are entries over an alphabet of what readers stumble on.
func randomPairs(r *rand.Rand, n int) []pair {
	pieces := []string{
		"\n", "\n", "\t", " ", " ", "\r", "\r\n", "'", `"`, `\`, "`", "#", ":", ": ", "- ", "-", "?", "|", ">", "%", "@", "&", "*", "!", "{", "}", "[", "]", ",", "<", "=",
		"$", "~", "a", "B", "0", "9", ".", "e", "_", "null", "true", "yes", "<<", "---", "...", "ENC[", "\x00", "\x01", "\x7f", "\u0085", "\u00a0", "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff", "é", "e\u0301", "日", "🔑", "\U0010ffff",
	}
	pairs, seen := make([]pair, 0, n), map[string]bool{}
	for i := 0; len(pairs) < n; i++ {
		var value strings.Builder
		for range r.IntN(12) {
			value.WriteString(pieces[r.IntN(len(pieces))])
		}
		name := strconv.Itoa(i)
		const letters = "ABCyntf0123456789_-./eExXoO"
		for range r.IntN(8) {
			name = string(letters[r.IntN(len(letters))]) + name
		}
		if !seen[name] {
			pairs = append(pairs, pair{name, value.String()})
		}
		seen[name] = true
	}
	return pairs
}

// What YAMLLoses and OldYAMLChanges say is what sops does: no more is refused or warned
// of than goes wrong.
func TestYAMLLoses(t *testing.T) {
	id := x25519(t)
	for value, want := range map[string]struct{ newest, oldest string }{
		"\ta\n": {"lost", "lost"}, "\t\n": {"lost", "lost"}, "\n\ta": {"", "lost"}, "\u2028\ta\n": {"", "lost"},
		"\na": {"", "changed"}, "\n": {"", "changed"}, "\u2029a\nb": {"", "changed"},
		"\ta": {"", ""}, "a\n\tb": {"", ""}, " \ta\n": {"", ""}, "\u2028a": {"", ""}, "\r\n\ta": {"", ""},
	} {
		for release, c := range map[string]cli{"newest": realSOPS(t), "oldest": oldestSOPS(t)} {
			// By way of JSON, which holds it, and which sops writes out as YAML.
			file := encryptTree(t, sops.JSON, []pair{{"A", value}}, id)
			out, err := c.with(t, id).run(t, "-d", "--output-type", "yaml", c.file(t, "a.json", file))
			if err != nil {
				t.Fatal(err)
			}
			var plain map[string]any
			got := ""
			if err := yaml.Unmarshal([]byte(out), &plain); err != nil || plain["A"] == nil {
				got = "lost"
			} else if plain["A"] != value {
				got = "changed"
			}
			expected := want.newest
			if release == "oldest" {
				expected = want.oldest
			}
			if got != expected {
				t.Errorf("%q with the %s release: %q, want %q", value, release, got, expected)
			}
		}
		text := secret.New(value)
		if lost := want.newest == "lost" || want.oldest == "lost"; sops.YAMLLoses(text) != lost {
			t.Errorf("YAMLLoses(%q) is not %v", value, lost)
		}
		if changed := want.oldest != "" && !sops.YAMLLoses(text); changed && !sops.OldYAMLChanges(text) || want.oldest == "" && sops.OldYAMLChanges(text) {
			t.Errorf("OldYAMLChanges(%q) is not %v", value, changed)
		}
	}
}

// Entries at random come back from both releases as they were given.
func TestEncryptTreeRandom(t *testing.T) {
	id := x25519(t)
	const seed, files, entries = 14, 8, 500
	for store, name := range treeStores {
		for release, c := range map[string]func(*testing.T) cli{"current": realSOPS, "oldest": oldestSOPS} {
			t.Run(string(store)+"/"+release, func(t *testing.T) {
				c := c(t).with(t, id)
				r := rand.New(rand.NewPCG(seed, 1))
				for range files {
					pairs := slices.DeleteFunc(randomPairs(r, entries), func(p pair) bool {
						value := secret.New(p.value)
						return store == sops.YAML && (sops.YAMLLoses(value) || release == "oldest" && sops.OldYAMLChanges(value))
					})
					if len(pairs) < entries*9/10 {
						t.Fatalf("only %d of %d entries are held", len(pairs), entries)
					}
					file := encryptTree(t, store, pairs, id)
					out, err := c.run(t, "-d", c.file(t, name, file))
					if err != nil {
						t.Fatal(err)
					}
					samePairs(t, "sops", plainPairs(t, store, out), pairs)
					samePairs(t, "we", decryptedPairs(t, file, id), pairs)
				}
			})
		}
	}
}

// What is encrypted comes back, in its order; what is refused is refused for a reason
// that holds in both stores but for YAML's tab.
func FuzzEncryptTree(f *testing.F) {
	for i := 0; i+1 < len(treePairs); i += 2 {
		f.Add(treePairs[i].name, treePairs[i].value, treePairs[i+1].name, treePairs[i+1].value)
	}
	f.Add("A", "\ta\n", "B", "\na")
	id := sshEd25519(f)
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		pairs := []pair{{name1, value1}, {name2, value2}}
		errs := map[sops.Store]error{}
		for store := range treeStores {
			file, err := sops.EncryptTree(store, fieldsOf(pairs), "", recipientsOf(id), now)
			if errs[store] = err; err != nil {
				continue
			}
			plain, err := sops.Decrypt(file, []agekey.Identity{id}, sops.Options{Store: store, Strings: true, AllowUnauthenticated: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []pair
			for _, entry := range plain.Entries {
				got = append(got, pair{entry.Name, entry.Value.Reveal()})
			}
			samePairs(t, "we", got, pairs)
			samePairs(t, "a reader of the plain document", plainPairs(t, store, plain.Text.Reveal()), pairs)
		}
		tab := sops.YAMLLoses(secret.New(value1)) || sops.YAMLLoses(secret.New(value2))
		if (errs[sops.YAML] == nil) != (errs[sops.JSON] == nil) && !tab {
			t.Errorf("YAML: %v, JSON: %v", errs[sops.YAML], errs[sops.JSON])
		}
	})
}
