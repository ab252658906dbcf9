package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stateSize counts the bytes of one instance in a state file, as Terraform writes it, with
// its indentation: all of it, and by attribute. What is not an attribute is in brackets.
func stateSize(t *testing.T, cli *cliRun, kind string) (total int, parts map[string]int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cli.dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	type resource struct {
		Type      string
		Instances []json.RawMessage
	}
	var state struct{ Resources []resource }
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(state.Resources, func(r resource) bool { return r.Type == kind })
	if at < 0 {
		t.Fatalf("the state has no %s", kind)
	}
	whole := state.Resources[at].Instances[0]
	var instance, attributes map[string]json.RawMessage
	if err := json.Unmarshal(whole, &instance); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(instance["attributes"], &attributes); err != nil {
		t.Fatal(err)
	}
	delete(instance, "attributes")
	parts = map[string]int{}
	for name, value := range attributes {
		parts[name] = len(`            "": ,`+"\n") + len(name) + len(value)
	}
	for name, value := range instance {
		parts["("+name+")"] = len(`          "": ,`+"\n") + len(name) + len(value)
	}
	// Newer command lines add the identity, which is the id again.
	return len(whole) - parts["(identity)"] - parts["(identity_schema_version)"], parts
}

// A state holds what people use of a bundle and of a key, and no more: one that grows
// costs every plan and every apply, which rewrites it for each resource. The limits are of
// one operator, one recipient and two entries; a bundle's is without its ciphertext. An
// entry more is one line of changed_at.
func TestAccStateSize(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(strings.Split(oneService, "resource \"ageenv_vultr")[0]))
	cli.must("apply", "-auto-approve")
	ciphertext, err := json.Marshal(stateOf(t, cli).text(bundleAddress, "ciphertext"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, tt := range map[string]struct{ apart, limit int }{
		"ageenv_bundle": {len(ciphertext), 1175},
		"ageenv_key":    {0, 1640},
	} {
		total, parts := stateSize(t, cli, kind)
		var lines []string
		for _, name := range slices.SortedFunc(maps.Keys(parts), func(a, b string) int { return parts[b] - parts[a] }) {
			lines = append(lines, fmt.Sprintf("%5d %s", parts[name], name))
		}
		t.Logf("%s: %d bytes of state:\n%s", kind, total-tt.apart, strings.Join(lines, "\n"))
		if total-tt.apart > tt.limit {
			t.Errorf("%s: %d bytes of state, and the limit is %d", kind, total-tt.apart, tt.limit)
		}
		if parts["(private)"] > 0 {
			t.Errorf("%s has private state", kind)
		}
	}
}
