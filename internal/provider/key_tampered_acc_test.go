package provider_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// stateKey returns the attributes of the key in a state file's content.
func stateKey(tb testing.TB, state map[string]any) map[string]any {
	tb.Helper()
	resources, _ := state["resources"].([]any)
	for _, r := range resources {
		resource, _ := r.(map[string]any)
		instances, _ := resource["instances"].([]any)
		if resource["type"] != "ageenv_key" || len(instances) != 1 {
			continue
		}
		instance, _ := instances[0].(map[string]any)
		attributes, _ := instance["attributes"].(map[string]any)
		return attributes
	}
	tb.Fatal("the state has no key")
	return nil
}

// edit changes the key in the state file, as somebody does who can write the state.
func (c *cliRun) edit(change func(key map[string]any)) {
	c.t.Helper()
	var state map[string]any
	if err := json.Unmarshal(c.state(), &state); err != nil {
		c.t.Fatal(err)
	}
	change(stateKey(c.t, state))
	text, err := json.Marshal(state)
	if err != nil {
		c.t.Fatal(err)
	}
	writeFile(c.t, filepath.Join(c.dir, "terraform.tfstate"), string(text))
}

// Somebody who can write the state, and opens nothing, adds a recipient of their own to
// a key: no bundle may be encrypted to it.
func TestAccKeyTampered(t *testing.T) {
	stranger := newPerson(t)
	generation := map[string]any{"recipient": stranger.recipient, "created_at": "2026-01-01T00:00:00Z", "retire_at": "2099-01-01T00:00:00Z", "due": false}
	add := func(name string, element any) func(key map[string]any) {
		return func(key map[string]any) {
			list, _ := key[name].([]any)
			key[name] = append(list, element)
		}
	}
	for name, tt := range map[string]struct {
		tamper func(key map[string]any)
		says   []string
	}{
		"a recipient more": {add("recipients", stranger.recipient), []string{"recipients[1]"}},
		"a generation more": {func(key map[string]any) {
			add("recipients", stranger.recipient)(key)
			add("retiring", generation)(key)
		}, []string{"recipients[1]", "retiring[0].recipient"}},
		"a generation alone": {add("retiring", generation), []string{"retiring[0].recipient"}},
		"another recipient": {func(key map[string]any) {
			key["recipient"], key["recipients"] = stranger.recipient, []any{stranger.recipient}
		}, []string{"recipient"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cli := newCLI(t, w)
			cli.write(w.config(strings.Split(oneService, "resource \"ageenv_vultr")[0]))
			cli.must("apply", "-auto-approve")
			cli.edit(tt.tamper)
			for _, args := range [][]string{{"plan"}, {"plan", "-refresh=false"}} {
				out, err := cli.run(args...)
				if exitCode(err) != 1 {
					t.Errorf("%q ends with %v", args, err)
				}
				badOutput(t, out, append(tt.says, "The wrapped identity is another key's", "the state was altered"), nil)
			}
			// Without an identity nothing is known to be wrong.
			delete(cli.env, "SOPS_AGE_KEY_FILE")
			if out, _ := cli.run("plan"); strings.Contains(out, "the state was altered") {
				t.Errorf("without an identity:\n%s", out)
			}
		})
	}
}
