package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// applied is an example that has been applied once.
func applied(t *testing.T, w *world, name string) *cliRun {
	t.Helper()
	c := newExamplesCLI(t, w, name)
	exampleFiles(t, w, c.dir)
	for variable, value := range exampleInputs(t, w) {
		c.env["TF_VAR_"+variable] = value
	}
	c.must("get")
	c.must("apply", "-auto-approve")
	return c
}

// TestAccExampleRotations does what the examples tell to do.
func TestAccExampleRotations(t *testing.T) {
	apply := func(args ...string) func(c *cliRun) {
		return func(c *cliRun) { c.must(append([]string{"apply", "-auto-approve"}, args...)...) }
	}
	for name, tt := range map[string]struct {
		example string
		rotate  func(c *cliRun)
		stays   bool // the box, and its script
	}{
		"schedule": {"rotation-by-schedule", func(c *cliRun) {
			ageKey(t, c)
			c.must("apply", "-auto-approve")
		}, true},
		"-replace": {"rotation-by-taint", apply("-replace=module.app.ageenv_key.box"), false},
		"taint": {"rotation-by-taint", func(c *cliRun) {
			if out, err := c.plain("taint", "module.app.ageenv_key.box").CombinedOutput(); err != nil {
				c.t.Fatalf("%v\n%s", err, out)
			}
			c.must("apply", "-auto-approve")
		}, false},
		"keepers": {"rotation-by-keepers", apply("-var=quarter=2027-q1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := applied(t, w, tt.example)
			before := partsOf(t, c)
			tt.rotate(c)
			after := partsOf(t, c)
			if after.recipient == before.recipient || (after.script == before.script) != tt.stays || (after.box == before.box) != tt.stays {
				t.Errorf("a new key: %t, a new script: %t, a new box: %t", after.recipient != before.recipient, after.script != before.script, after.box != before.box)
			}
			closedTo(t, after.bundle, identityIn(t, before.wrap, w.operator))
			if openedBy(t, after.bundle, w.operator) != openedBy(t, before.bundle, w.operator) {
				t.Error("the content changed")
			}
		})
	}
}

// TestAccExampleEnvironments: rotating one environment leaves the other alone, and
// neither key opens the other's bundle.
func TestAccExampleEnvironments(t *testing.T) {
	w := newWorld(t)
	c := applied(t, w, "environments")
	parts := func() map[string]boxParts {
		all := map[string]boxParts{}
		for _, r := range stateResources(t, c) {
			env := strings.TrimSuffix(strings.TrimPrefix(r.Module, `module.app["`), `"]`)
			p := all[env]
			for _, instance := range r.Instances {
				text := func(name string) string { return attributes{"r": instance.Attributes}.text("r", name) }
				switch r.Type {
				case "vultr_instance":
					p.box = text("id")
				case "ageenv_vultr_startup_script":
					p.script = text("id")
				case "ageenv_key":
					p.recipient, p.wrap = text("recipient"), text("wrapped_identity")
				case "ageenv_bundle":
					p.bundle = text("ciphertext")
				}
			}
			all[env] = p
		}
		return all
	}
	before := parts()
	c.must("apply", "-auto-approve", `-replace=module.app["staging"].ageenv_key.box`)
	after := parts()
	if len(before) != 2 || after["production"] != before["production"] {
		t.Error("rotating staging changed production")
	}
	if after["staging"].recipient == before["staging"].recipient || after["staging"].box == before["staging"].box {
		t.Error("staging was not rotated")
	}
	for _, p := range []boxParts{before["staging"], after["staging"]} {
		closedTo(t, after["production"].bundle, identityIn(t, p.wrap, w.operator))
	}
	closedTo(t, after["staging"].bundle, identityIn(t, after["production"].wrap, w.operator))
}

// TestAccExampleGitHubActions plans as the workflow does: with no identity, no value
// and no key of Vultr's. The workflow file itself is checked by actionlint, in make lint.
func TestAccExampleGitHubActions(t *testing.T) {
	w := newWorld(t)
	c := applied(t, w, "github-actions")
	before := c.state()
	operator := c.env["SOPS_AGE_KEY_FILE"]
	delete(c.env, "SOPS_AGE_KEY_FILE")
	c.env["TF_VAR_token"], c.env["TF_VAR_check_api_key"] = "placeholder", "false"
	delete(c.env, "VULTR_API_KEY")
	plan := func(quarter string) (string, error) {
		c.env["TF_VAR_quarter"] = quarter
		return c.run("plan", "-refresh=false", "-lock=false", "-detailed-exitcode")
	}
	w.simulator().ClearRequests()
	if out, err := plan("2026-q4"); err != nil {
		t.Errorf("nothing is due, and the plan says otherwise: %v\n%s", err, out)
	}
	out, err := plan("2027-q1")
	if exitCode(err) != 2 || !strings.Contains(out, "ageenv_key.box must be replaced") || !strings.Contains(out, "2027-q1") {
		t.Errorf("the rotation is due, and the plan does not say so: %v\n%s", err, out)
	}
	if strings.Contains(out, "placeholder") {
		t.Error("the plan shows a value")
	}
	if len(w.simulator().Requests()) != 0 {
		t.Error("the job asked Vultr's API, which it has no key for")
	}
	if string(c.state()) != string(before) {
		t.Error("the job changed the state")
	}
	if text, err := os.ReadFile(filepath.Join(c.dir, "rotation.yml")); err != nil || !strings.Contains(string(text), "plan -no-color -refresh=false -lock=false -detailed-exitcode") ||
		!strings.Contains(string(text), "TF_VAR_check_api_key: \"false\"") || strings.Contains(string(text), "VULTR_API_KEY") {
		t.Errorf("the workflow plans otherwise than this test: %v", err)
	}

	// Whoever applies has an identity, the new value and the key.
	c.env["SOPS_AGE_KEY_FILE"], c.env["VULTR_API_KEY"], c.env["TF_VAR_token"] = operator, simKey, "the new one"
	c.must("apply", "-auto-approve")
	if got := openedBy(t, stateOf(t, c).text("ageenv_bundle.app", "ciphertext"), w.operator); !strings.Contains(got, "the new one") {
		t.Error("the new value is not in the bundle")
	}
}

// TestAccExampleMigration goes from files made by the real age-keygen and sops, and a
// script made by hand, to this provider.
func TestAccExampleMigration(t *testing.T) {
	const plain = "# kept as it is\nTOKEN=\"hand made\"\nURL=https://example.com/?a=1&b=2\n"
	w := newWorld(t)
	c := newExamplesCLI(t, w, "migration")
	keyFile, envFile := filepath.Join(c.dir, "age.key"), filepath.Join(c.dir, ".env")
	writeFile(t, keyFile, realRun(t, "AGEENV_TEST_AGE_KEYGEN", "", nil))
	made, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	hand := identitiesOf(t, string(made))[0]
	writeFile(t, envFile, plain)
	writeFile(t, envFile+".enc", realRun(t, "AGEENV_TEST_SOPS", "", nil,
		"--encrypt", "--age", hand.Recipient().String(), "--input-type", "binary", "--output-type", "json", envFile))
	script := w.simulator().Add("app-by-hand", "IyEvYmluL3NoCg==")
	c.env["TF_VAR_operators"], c.env["TF_VAR_script_id"] = `["`+w.operator.recipient+`"]`, script.ID

	c.must("validate")
	out := c.must("plan", "-out=migration.tfplan")
	if !strings.Contains(out, "Plan: 3 to import, 0 to add, 2 to change, 0 to destroy.") {
		t.Errorf("the plan is another one than the example says:\n%s", out)
	}
	c.must("apply", "migration.tfplan")

	a := stateOf(t, c)
	if a.text("ageenv_key.box", "recipient") != hand.Recipient().String() || a.text("ageenv_vultr_startup_script.app", "id") != script.ID {
		t.Error("the key or the script is not the one that was there: boxes would be replaced")
	}
	got, _ := w.simulator().Script(script.ID)
	if got == (vultrsim.Script{}) || got.Script == script.Script {
		t.Error("the script in the account is still the hand-made one")
	}
	if id := identityIn(t, a.text("ageenv_key.box", "wrapped_identity"), w.operator); id.Recipient().String() != hand.Recipient().String() {
		t.Error("the operators do not hold the key")
	}
	// The file that replaces .env.enc, under its name, with the real sops.
	c.must("plan", "-detailed-exitcode")
	writeFile(t, envFile+".enc", a.text("ageenv_bundle.app", "ciphertext"))
	for name, file := range map[string]string{"the old key": keyFile, "an operator": w.operator.keyFile} {
		if opened := realRun(t, "AGEENV_TEST_SOPS", "", []string{"SOPS_AGE_KEY_FILE=" + file}, "-d", "--input-type", "json", "--output-type", "binary", envFile+".enc"); opened != plain {
			t.Errorf("%s does not open the same bytes", name)
		}
	}

	// Step 3: without the import blocks and the files, nothing changes.
	text, err := os.ReadFile(filepath.Join(c.dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for range 3 {
		start := strings.Index(config, "import {")
		config = config[:start] + config[start+strings.Index(config[start:], "\n}\n")+3:]
	}
	config = strings.Replace(config, `  identity_files = ["${path.module}/age.key"]`, "", 1)
	c.write(config)
	for _, file := range []string{keyFile, envFile, envFile + ".enc"} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("without the files the plan is not empty: %v\n%s", err, out)
	}

	// Step 5: the old key opens nothing any more.
	c.must("apply", "-auto-approve", "-replace=ageenv_key.box")
	after := stateOf(t, c)
	closedTo(t, after.text("ageenv_bundle.app", "ciphertext"), hand)
	if openedBy(t, after.text("ageenv_bundle.app", "ciphertext"), w.operator) != plain {
		t.Error("the content is not the same bytes after the rotation")
	}
}

// TestAccExampleIncidentCheck: the check warns of what has not changed since the leak,
// and of nothing else.
func TestAccExampleIncidentCheck(t *testing.T) {
	w := newWorld(t)
	c := applied(t, w, "incident-check")
	changed := func() time.Time {
		times, _ := stateOf(t, c)["ageenv_bundle.app"]["changed_at"].(map[string]any)
		at, err := time.Parse(time.RFC3339, fmt.Sprint(times["TOKEN"]))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	warns := func(out string) bool { return strings.Contains(out, "Check block assertion failed") }
	before, after := changed().Add(-time.Second).Format(time.RFC3339), changed().Format(time.RFC3339)
	if out := c.must("plan", "-var=leaked_at="+before); warns(out) {
		t.Errorf("everything is newer than the leak:\n%s", out)
	}
	if out := c.must("plan", "-var=leaked_at="+after); !warns(out) || !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " "), "not changed since: LOG_LEVEL, TOKEN.") {
		t.Errorf("nothing has changed since the leak:\n%s", out)
	}
	time.Sleep(time.Until(changed().Add(time.Second)))
	c.env["TF_VAR_token"] = "another one"
	if out := c.must("apply", "-auto-approve", "-var=leaked_at="+after); !warns(out) || !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " "), "not changed since: LOG_LEVEL.") {
		t.Errorf("the token has changed, and the other value has not:\n%s", out)
	}
}
