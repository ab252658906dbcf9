package sops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// A Kubernetes Secret has its data encrypted and the rest in clear, and the MAC covers
// both.
func TestEncryptTreeSecret(t *testing.T) {
	id := x25519(t)
	fields := []sops.Field{
		{Name: "kind", Value: secret.New("Secret")},
		{Name: "metadata", Mapping: true, Fields: []sops.Field{{Name: "name", Value: secret.New("true")}, {Name: "labels", Mapping: true}}},
		{Name: "data", Mapping: true, Fields: []sops.Field{{Name: "A", Value: secret.New("True")}, {Name: "EMPTY"}}},
	}
	file, err := sops.EncryptTree(sops.YAML, fields, sops.SecretRule, recipientsOf(id), now)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(file, "\n    name: \"true\"\n") || !strings.Contains(file, "\n    encrypted_regex: ^(data|stringData)$\n") || strings.Contains(file, "True") || strings.Contains(file, "unencrypted_suffix") {
		t.Errorf("the file is\n%s", file)
	}
	const want = "kind: Secret\nmetadata:\n    name: \"true\"\n    labels: {}\ndata:\n    A: \"True\"\n    EMPTY: \"\"\n"
	for release, c := range map[string]cli{"current": realSOPS(t), "oldest": oldestSOPS(t)} {
		c = c.with(t, id)
		if out, err := c.run(t, "-d", c.file(t, "a.yaml", file)); err != nil || out != want {
			t.Errorf("the %s release reads\n%s\n%v", release, out, err)
		}
		for name, changed := range map[string]string{"in clear": strings.Replace(file, "kind: Secret", "kind: Config", 1), "a name": strings.Replace(file, "    A: ", "    B: ", 1)} {
			if _, err := c.run(t, "-d", c.file(t, "a.yaml", changed)); err == nil {
				t.Errorf("%s: the %s release does not notice", name, release)
			}
		}
	}
	unused := func(path []string) bool { return len(path) == 0 || path[0] != "data" }
	for name, tt := range map[string]struct {
		options sops.Options
		change  [2]string
		opens   bool
	}{
		"strictly":              {sops.Options{}, [2]string{}, false},
		"clear fields unused":   {sops.Options{Unused: unused, Strings: true}, [2]string{"    EMPTY: \"\"\n", ""}, true},
		"an empty value":        {sops.Options{Unused: unused}, [2]string{}, false},
		"all of it":             {sops.Options{Unused: unused, AllowUnauthenticated: true, Strings: true}, [2]string{}, true},
		"a number in clear":     {sops.Options{Unused: unused, AllowUnauthenticated: true, Strings: true}, [2]string{"kind: Secret", "kind: 5"}, false},
		"a clear field changed": {sops.Options{Unused: unused, AllowUnauthenticated: true}, [2]string{"kind: Secret", "kind: Config"}, false},
	} {
		changed := file
		if tt.change[0] != "" {
			changed = replaced(t, file, tt.change[0], tt.change[1])
		}
		if _, err := sops.Decrypt(changed, []agekey.Identity{id}, tt.options); (err == nil) != tt.opens {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadLeaves(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	file := c.encrypted(t, "a.yaml", "# note\nA: x\nE: \"\"\nN: 5\nB_unencrypted: clear\nL: [a]\n", id)
	got, err := sops.ReadLeaves(file, "")
	if err != nil || got.Documents != 1 || got.MACOnlyEncrypted {
		t.Fatalf("got %+v, %v", got, err)
	}
	var lines []string
	for _, l := range got.All {
		lines = append(lines, fmt.Sprintf("%s %v %q encrypted=%v text=%v comment=%v list=%v", l.Name, l.Path, l.Clear.Reveal(), l.Encrypted, l.IsText, l.IsComment, l.InList))
	}
	want := []string{
		` [] "" encrypted=true text=false comment=true list=false`,
		`A [A] "" encrypted=true text=true comment=false list=false`,
		`E [E] "" encrypted=false text=true comment=false list=false`,
		`N [N] "" encrypted=true text=false comment=false list=false`,
		`B_unencrypted [B_unencrypted] "clear" encrypted=false text=true comment=false list=false`,
		`L.0 [L] "" encrypted=true text=true comment=false list=true`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
	both := c.encrypted(t, "a.yaml", "A: x\n---\nA: y\n", id, "--mac-only-encrypted")
	if got, err := sops.ReadLeaves(both, sops.YAML); err != nil || got.Documents != 2 || !got.MACOnlyEncrypted {
		t.Errorf("got %+v, %v", got, err)
	}
}
