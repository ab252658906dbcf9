package provider_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// newExamplesCLI is newCLI in a copy of examples/, whose modules find each other
// there, at a path below it. test/vultrschema plays Vultr's own provider.
func newExamplesCLI(t *testing.T, w *world, path string) *cliRun {
	t.Helper()
	c := newCLI(t, w)
	if err := os.CopyFS(c.dir, os.DirFS(examplesDir)); err != nil {
		t.Fatal(err)
	}
	c.dir = filepath.Join(c.dir, path)
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c.useProvider(providerBinary(t))
	return c
}

// useProvider takes ageenv from a binary, Vultr's from test/vultrschema, and those of vaults
// from the stand-in.
func (c *cliRun) useProvider(binary string) {
	c.t.Helper()
	vaults := vaultStandIns(c.t)
	c.use(map[string]string{
		"ageenv/ageenv": filepath.Dir(binary), "vultr/vultr": filepath.Dir(vultrSchema(c.t)),
		"1Password/onepassword": vaults, "hashicorp/aws": vaults,
	})
}

// oneBox calls the module; arguments are those that tests change.
func oneBox(arguments string) string {
	return `
terraform {
  required_providers {
    ageenv = { source = "ageenv/ageenv" }
    vultr  = { source = "vultr/vultr" }
  }
}

provider "ageenv" {
  vultr = { requests_per_second = 5000 }
}

variable "token" {
  type      = string
  ephemeral = true
}

module "box" {
  source = "../modules/vultr-box"
  name   = "app"
  region = "ewr"
  plan   = "vc2-1c-1gb"
  os_id  = 2136
  path   = "/opt/app/.env"
  entries = { TOKEN = var.token, LEVEL = "info" }
` + arguments + "}\n"
}

// boxParts tell a module's parts apart.
type boxParts struct{ box, script, recipient, bundle, wrap string }

func partsOf(t *testing.T, c *cliRun) boxParts {
	t.Helper()
	a := stateOf(t, c)
	p := boxParts{
		a.text("vultr_instance.box", "id"), a.text("ageenv_vultr_startup_script.env", "id"), a.text("ageenv_key.box", "recipient"),
		a.text("ageenv_bundle.env", "ciphertext"), a.text("ageenv_key.box", "wrapped_identity"),
	}
	if p.box == "" || p.script == "" || p.recipient == "" || p.bundle == "" || p.wrap == "" {
		t.Fatal("the state does not have all parts of a box")
	}
	if a.text("vultr_instance.box", "script_id") != p.script || a.text("ageenv_vultr_startup_script.env", "identity_recipient") != p.recipient {
		t.Error("the box, its script and its key do not belong together")
	}
	return p
}

// identityIn is the identity that a wrap holds, as an operator opens it.
func identityIn(t *testing.T, wrap string, by person) agekey.Identity {
	t.Helper()
	ids, err := agekey.Unwrap(wrap, by.identities(t))
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

// closedTo is an error unless the bundle does not open to the identity.
func closedTo(t *testing.T, bundle string, id agekey.Identity) {
	t.Helper()
	if _, err := openText(bundle, []agekey.Identity{id}); !errors.Is(err, agekey.ErrNoMatch) {
		t.Errorf("the bundle is not closed to an identity that it should be closed to: %v", err)
	}
}

// upgradedProvider is the provider with a template of another version, as a later
// release would have.
func upgradedProvider(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs("../firstboot/firstboot.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^const TemplateVersion = "[^"]*"$`)
	if len(version.FindAll(text, -1)) != 1 {
		t.Fatal("firstboot.go does not have its version where this test looks for it")
	}
	dir := t.TempDir()
	later, overlay := filepath.Join(dir, "firstboot.go"), filepath.Join(dir, "overlay.json")
	writeFile(t, later, version.ReplaceAllString(string(text), `const TemplateVersion = "later"`))
	writeFile(t, overlay, fmt.Sprintf("{\"Replace\": {%q: %q}}", source, later))
	return buildOnce(t, "ageenv-later", "terraform-provider-ageenv", "-overlay", overlay, "../..")
}

// TestAccModule: what makes a new box, and what does not, one change after the other,
// with the real command line.
func TestAccModule(t *testing.T) {
	w := newWorld(t)
	second := newPerson(t)
	one, both := fmt.Sprintf("  operators = [%q]\n", w.operator.recipient), fmt.Sprintf("  operators = [%q, %q]\n", w.operator.recipient, second.recipient)
	c := newExamplesCLI(t, w, "test")
	c.env["TF_VAR_token"] = "first"
	c.write(oneBox(one))
	c.must("get")
	c.must("validate")
	c.must("apply", "-auto-approve")
	const versioned, dropped = "  content_version = \"1\"\n", "  mode = \"0640\"\n"
	for _, tt := range []struct {
		name    string
		config  string
		prepare func(before boxParts)
		args    []string
		key     bool // a new key
		box     bool // a new script and a new box
		check   func(before, after boxParts)
	}{
		{name: "an added operator", config: both, check: func(before, after boxParts) {
			if after.wrap == before.wrap || identityIn(t, after.wrap, second).Recipient().String() != before.recipient {
				t.Error("the second operator does not hold the same identity")
			}
			stateOpensText(t, after.bundle, "first", second)
		}},
		{name: "an operator who left", config: one, check: func(before, after boxParts) {
			closedTo(t, after.bundle, second.identities(t)[0])
			if _, err := agekey.Unwrap(after.wrap, second.identities(t)); !errors.Is(err, agekey.ErrNoMatch) {
				t.Errorf("the wrap is not closed to who left: %v", err)
			}
		}},
		{name: "new content", config: one, prepare: func(boxParts) { c.env["TF_VAR_token"] = "second" }, check: func(_, after boxParts) {
			stateOpensText(t, after.bundle, "second", w.operator)
		}},
		{name: "a first content version", config: one + versioned},
		{name: "a provider upgrade", config: one + versioned, prepare: func(boxParts) {
			c.useProvider(upgradedProvider(t))
			c.must("plan", "-detailed-exitcode")
		}},
		{name: "a change after the upgrade", config: one + versioned + dropped, check: func(boxParts, boxParts) {
			if got := stateOf(t, c).text("ageenv_vultr_startup_script.env", "template_version"); got != "later" {
				t.Errorf("the template is %q: this was no upgrade", got)
			}
		}},
		{name: "a script altered in the account", config: one + versioned + dropped, prepare: func(before boxParts) {
			w.simulator().Alter(before.script, func(s *vultrsim.Script) { s.Script = "IyEvYmluL3NoCg==" })
		}},
		{name: "a first schedule", config: one + versioned + dropped + "  rotation_days = 30\n"},
		{name: "a schedule that is due", config: one + versioned + dropped + "  rotation_days = 30\n", prepare: func(boxParts) { ageKey(t, c) }, key: true},
		{name: "the next content version", config: one + "  content_version = \"2\"\n" + dropped, box: true},
		{name: "-replace", config: one + "  content_version = \"2\"\n" + dropped, args: []string{"-replace=module.box.ageenv_key.box"}, key: true, box: true},
		{name: "taint", config: one + "  content_version = \"2\"\n" + dropped, prepare: func(boxParts) {
			if out, err := c.plain("taint", "module.box.ageenv_key.box").CombinedOutput(); err != nil {
				c.t.Fatalf("%v\n%s", err, out)
			}
		}, key: true, box: true},
		{name: "keepers", config: one + "  content_version = \"2\"\n" + dropped + "  keepers = { quarter = \"2027-q1\" }\n", key: true, box: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outer := c.t
			c.t = t
			defer func() { c.t = outer }()
			before := partsOf(t, c)
			if tt.prepare != nil {
				tt.prepare(before)
			}
			c.write(oneBox(tt.config))
			out := c.must(append([]string{"apply", "-auto-approve"}, tt.args...)...)
			after := partsOf(t, c)
			if (after.box != before.box) != tt.box || (after.script != before.script) != tt.box || (after.recipient != before.recipient) != tt.key {
				t.Errorf("a new box: %t, a new script: %t, a new key: %t", after.box != before.box, after.script != before.script, after.recipient != before.recipient)
			}
			if tt.box {
				madeBeforeDestroyed(t, out)
			}
			if tt.key {
				old := identityIn(t, before.wrap, w.operator)
				closedTo(t, after.bundle, old)
				closedTo(t, after.bundle, second.identities(t)[0])
				if openedBy(t, after.bundle, w.operator) != openedBy(t, before.bundle, w.operator) {
					t.Error("the rotation changed the content")
				}
			}
			if tt.check != nil {
				tt.check(before, after)
			}
			if scripts := w.simulator().Scripts(); len(scripts) != 1 || scripts[0].ID != after.script {
				t.Errorf("the account has %d scripts, or another one", len(scripts))
			}
			if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
				t.Errorf("the next plan is not empty: %v\n%s", err, out)
			}
		})
	}
	c.must("destroy", "-auto-approve")
	if left := w.simulator().Scripts(); len(left) != 0 {
		t.Error("destroy left a script")
	}
}

// ageKey lets years go by for the key: its state says that it was made in 2020.
func ageKey(t *testing.T, c *cliRun) {
	t.Helper()
	var state map[string]any
	if err := json.Unmarshal(c.state(), &state); err != nil {
		t.Fatal(err)
	}
	resources, _ := state["resources"].([]any)
	for _, r := range resources {
		resource, _ := r.(map[string]any)
		instances, _ := resource["instances"].([]any)
		for _, i := range instances {
			instance, _ := i.(map[string]any)
			if attributes, ok := instance["attributes"].(map[string]any); ok && resource["type"] == "ageenv_key" {
				attributes["created_at"], attributes["rotate_at"] = "2020-01-01T00:00:00Z", "2020-01-31T00:00:00Z"
			}
		}
	}
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(c.dir, "terraform.tfstate"), string(text))
}

// madeBeforeDestroyed looks at an apply that replaces the box: the new script and the
// new box are there before the old ones go.
func madeBeforeDestroyed(t *testing.T, out string) {
	t.Helper()
	last := -1
	for _, line := range []string{
		`ageenv_vultr_startup_script\.env: Creation complete`,
		`vultr_instance\.box: Creation complete`,
		`vultr_instance\.box \(deposed object \w+\): Destr`,
		`ageenv_vultr_startup_script\.env \(deposed object \w+\): Destr`,
	} {
		at := regexp.MustCompile(line).FindStringIndex(out)
		if at == nil || at[0] < last {
			t.Fatalf("%s is not said, or too early:\n%s", line, out)
		}
		last = at[0]
	}
}

// stateOpensText is an error unless the person finds the token in the bundle.
func stateOpensText(t *testing.T, bundle, token string, by person) {
	t.Helper()
	if got := openedBy(t, bundle, by); !strings.Contains(got, "TOKEN='"+token+"'") && !strings.Contains(got, "TOKEN="+token+"\n") {
		t.Error("the bundle does not hold the token")
	}
}

// TestAccModuleTests runs the module's own tests.
func TestAccModuleTests(t *testing.T) {
	w := newWorld(t)
	w.simulator()
	c := newExamplesCLI(t, w, "modules/vultr-box")
	c.env["TF_VAR_operators"] = `["` + w.operator.recipient + `"]`
	c.must("get")
	c.must("validate")
	args, passed := []string{"test", "-no-color"}, "19 passed, 0 failed"
	if os.Getenv("AGEENV_CLI_KIND") == "opentofu" {
		// Its conditions can't look back at an earlier run, as changes.tftest.hcl does.
		// TestAccModule looks at the same changes, with OpenTofu too.
		args, passed = append(args, "-filter=tests/made.tftest.hcl", "-filter=tests/inputs.tftest.hcl"), "13 passed, 0 failed"
	}
	printed, err := c.plain(args...).CombinedOutput()
	out := string(printed)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, passed) {
		t.Errorf("not every run passed, or there are others than the test knows:\n%s", out)
	}
	if left := w.simulator().Scripts(); len(left) != 0 {
		t.Error("the tests left a script")
	}
}

// TestAccModuleSavedPlan: what goes into the module's secret inputs is in no saved
// plan, also where the caller's variable is ephemeral only.
func TestAccModuleSavedPlan(t *testing.T) {
	const hidden = "module-canary-5512"
	w := newWorld(t)
	c := newExamplesCLI(t, w, "test")
	c.env["TF_VAR_token"] = hidden
	c.write(oneBox(fmt.Sprintf("  operators = [%q]\n", w.operator.recipient)))
	c.must("get")
	c.must("plan", "-out=saved.tfplan")
	c.must("apply", "saved.tfplan")
	s := newLeakSearch(t, []leakSecret{{"the token", hidden}})
	if err := s.tree(c.dir, func(string) bool { return false }); err != nil || s.files < 3 {
		t.Errorf("%d files were searched: %v", s.files, err)
	}
	s.report(t)
	stateOpensText(t, partsOf(t, c).bundle, hidden, w.operator)
}

// TestAccModuleInputsAreEphemeral: a value that is not ephemeral may come in, but
// what the module makes of it may not go where it would be kept.
func TestAccModuleInputsAreEphemeral(t *testing.T) {
	for _, name := range []string{"entries[\"TOKEN\"]", "dotenv"} {
		t.Run(name, func(t *testing.T) {
			c := newExamplesCLI(t, newWorld(t), "modules/vultr-box")
			writeFile(t, filepath.Join(c.dir, "leak.tf"), "output \"leak\" {\n  value = var."+name+"\n}\n")
			c.must("get")
			out, err := c.run("validate")
			if err == nil || !strings.Contains(out, "phemeral") {
				t.Errorf("an output of a secret input is accepted: %v\n%s", err, out)
			}
		})
	}
}

// TestAccModuleInterrupted: the API refuses in the middle of a rotation. The old box
// and its script stay until there is a new one, which the next apply makes.
func TestAccModuleInterrupted(t *testing.T) {
	w := newWorld(t)
	c := newExamplesCLI(t, w, "test")
	c.env["TF_VAR_token"] = "first"
	c.write(oneBox(fmt.Sprintf("  operators = [%q]\n", w.operator.recipient)))
	c.must("get")
	c.must("apply", "-auto-approve")
	before := partsOf(t, c)
	c.must("plan", "-out=rotation.tfplan", "-replace=module.box.ageenv_key.box")
	w.simulator().RevokeAPIKey()
	out, err := c.run("apply", "rotation.tfplan")
	w.simulator().SetAPIKey(simKey)
	if err == nil || !strings.Contains(out, "401") {
		t.Fatalf("the apply did not fail with the API's answer: %v\n%s", err, out)
	}
	left := stateOf(t, c)
	if left.text("vultr_instance.box", "id") != before.box || left.text("vultr_instance.box", "script_id") != before.script {
		t.Error("the old box is gone, and there is no new one")
	}
	if _, there := w.simulator().Script(before.script); !there {
		t.Error("the old box's script is gone")
	}
	c.must("apply", "-auto-approve")
	after := partsOf(t, c)
	if after.box == before.box || after.script == before.script || after.recipient == before.recipient {
		t.Error("the next apply did not finish the rotation")
	}
	closedTo(t, after.bundle, identityIn(t, before.wrap, w.operator))
	stateOpensText(t, after.bundle, "first", w.operator)
	if scripts := w.simulator().Scripts(); len(scripts) != 1 {
		t.Errorf("the account has %d scripts", len(scripts))
	}
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the next plan is not empty: %v\n%s", err, out)
	}
}
