package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// scriptStateLimit is the most that the state of the script of oneService takes, in bytes
// of JSON without white space. A CLI from 1.12 on keeps the resource's identity, too.
const scriptStateLimit = 1650

// A state is written whole after each resource, and there are thousands of scripts: of
// the bundle, it has the digest only.
func TestAccScriptStateIsSmall(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(oneService))
	cli.must("apply", "-auto-approve")
	var state struct {
		Resources []struct {
			Type      string
			Instances []json.RawMessage
		}
	}
	if err := json.Unmarshal(cli.state(), &state); err != nil {
		t.Fatal(err)
	}
	var script []byte
	for _, r := range state.Resources {
		if r.Type == "ageenv_vultr_startup_script" {
			var text bytes.Buffer
			if err := json.Compact(&text, r.Instances[0]); err != nil {
				t.Fatal(err)
			}
			script = text.Bytes()
		}
	}
	if n := len(script); n == 0 || n > scriptStateLimit {
		t.Errorf("the state of a script has %d bytes, the limit is %d:\n%s", n, scriptStateLimit, byteCounts(t, script))
	}
	pieces := 0
	for _, run := range strings.FieldsFunc(stateOf(t, cli).text(bundleAddress, "ciphertext"), notBase64) {
		const length = 20 // of a piece; what is shorter may be anywhere
		if len(run) < length || strings.HasPrefix(run, "age1") {
			continue
		}
		pieces++
		if piece := run[len(run)-length:]; bytes.Contains(script, []byte(piece)) {
			t.Errorf("the script's state holds %q of the ciphertext", piece)
		}
	}
	if pieces < 10 {
		t.Errorf("%d pieces of ciphertext to look for, expected more", pieces)
	}
}

func notBase64(r rune) bool {
	return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", r)
}

// byteCounts are the bytes of each member of an instance, its attributes one by one.
func byteCounts(t *testing.T, instance []byte) string {
	t.Helper()
	var members map[string]json.RawMessage
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal(instance, &members); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(members["attributes"], &attributes); err != nil {
		t.Fatal(err)
	}
	delete(members, "attributes")
	var out strings.Builder
	for _, of := range []map[string]json.RawMessage{attributes, members} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			fmt.Fprintf(&out, "%6d %s\n", len(name)+len(`"":,`)+len(of[name]), name)
		}
	}
	return out.String()
}
