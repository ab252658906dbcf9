package provider_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// personsScript is what somebody has in the account before ageenv.
const personsScript = "#!/bin/sh\necho \"set up by hand\"\nenv >\"$AGEENV_ROOT/tmp.env\"\n"

// adoptCLI is a CLI with Vultr's provider, and a directory with these files.
func adoptCLI(t *testing.T, w *world) *cliRun {
	t.Helper()
	cli := newCLI(t, w)
	cli.useProvider(providerBinary(t))
	writeFile(t, filepath.Join(cli.dir, "script.sh"), personsScript)
	return cli
}

const adoptProviders = `
terraform {
  required_providers {
    ageenv = { source = "ageenv/ageenv" }
    vultr  = { source = "vultr/vultr" }
  }
}
`

// adoptService is a key and a bundle, and the box that a script is for.
func adoptService(scriptID string) string {
	return `
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = ageenv_key.k.recipients
}

resource "vultr_instance" "box" {
  region    = "ams"
  plan      = "vc2-1c-1gb"
  os_id     = 2136
  script_id = ` + scriptID + `
}
`
}

func adoptedScript(more string) string {
	return `
resource "ageenv_vultr_startup_script" "app" {
  name             = "app"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env" }]
` + more + "}\n"
}

const overwriteSays = "Warning: The apply overwrites a script that ageenv did not make"

// adoptPlan plans, and compares the summary line.
func adoptPlan(t *testing.T, cli *cliRun, summary string, args ...string) string {
	t.Helper()
	out := flat(cli.must(append([]string{"plan"}, args...)...))
	if !strings.Contains(out, summary) {
		t.Fatalf("the plan is not %q:\n%s", summary, out)
	}
	return out
}

// flat takes the frame of diagnostics and line ends from what a CLI prints.
func flat(out string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(out)), " ")
}

// From vultr_startup_script: the script keeps its ID, the box stays, and what the
// script did is still done.
func TestAccScriptMoved(t *testing.T) {
	w := newWorld(t)
	sim, cli := w.simulator(), adoptCLI(t, w)
	cli.write(adoptProviders + w.config(adoptService("vultr_startup_script.app.id")) + `
resource "vultr_startup_script" "app" {
  name   = "app"
  script = filebase64("${path.module}/script.sh")
}
`)
	cli.must("apply", "-auto-approve")
	before := stateOf(t, cli)
	id, box := before.text("vultr_startup_script.app", "id"), before.text("vultr_instance.box", "id")
	moved := func(more string) string {
		return adoptProviders + w.config(adoptService("ageenv_vultr_startup_script.app.id")) + adoptedScript(more) + `
moved {
  from = vultr_startup_script.app
  to   = ageenv_vultr_startup_script.app
}
`
	}
	cli.write(moved(""))
	if out := adoptPlan(t, cli, "Plan: 0 to add, 1 to change, 0 to destroy."); !strings.Contains(out, overwriteSays) ||
		!strings.Contains(out, `Script `+id+` ("app", `) || !strings.Contains(out, "save it and give it as user_script") {
		t.Errorf("the plan that loses what the script did: %s", out)
	}
	if out := adoptPlanOf(t, cli, moved("  user_script = \"#!/bin/sh\\n\"\n")); !strings.Contains(out, overwriteSays) || !strings.Contains(out, "user_script is not the same text") {
		t.Errorf("the plan with another user_script: %s", out)
	}
	if out := adoptPlanOf(t, cli, moved("  user_script = file(\"${path.module}/script.sh\")\n")); strings.Contains(out, "Warning: The apply") {
		t.Errorf("the plan that keeps what the script did warns: %s", out)
	}
	cli.must("apply", "-auto-approve")
	cli.must("plan", "-detailed-exitcode")
	after := stateOf(t, cli)
	if after.text("ageenv_vultr_startup_script.app", "id") != id || after.text("vultr_instance.box", "id") != box || after.text("vultr_instance.box", "script_id") != id {
		t.Error("the script or the box is another one")
	}
	if strings.Contains(string(cli.state()), base64.StdEncoding.EncodeToString([]byte(personsScript))) {
		t.Error("the state has what vultr_startup_script kept there")
	}
	if got := len(sim.Scripts()); got != 1 {
		t.Errorf("%d scripts are in the account", got)
	}
	bootsBoth(t, w)
}

func adoptPlanOf(t *testing.T, cli *cliRun, config string) string {
	t.Helper()
	cli.write(config)
	return adoptPlan(t, cli, "Plan: 0 to add, 1 to change, 0 to destroy.")
}

// bootsBoth boots the account's script, and looks for the file and for what the
// person's script has done.
func bootsBoth(t *testing.T, w *world) {
	t.Helper()
	root := scriptBoots(t, w)
	if text, err := os.ReadFile(filepath.Join(root, "opt/app/.env")); err != nil || string(text) != "TOKEN=first\n" {
		t.Errorf("the file: %q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "tmp.env")); err != nil || strings.Contains(string(text), "HOME=") {
		t.Errorf("the person's script: %q, %v", text, err)
	}
}

// A script that was made by hand: Terraform writes its configuration, which changes
// nothing, until files are added.
func TestAccScriptGeneratedConfig(t *testing.T) {
	for name, by := range map[string]string{"id": "id = %q", "identity": "identity = { id = %q }"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if name == "identity" {
				needIdentity(t)
			}
			sim, cli := w.simulator(), adoptCLI(t, w)
			made := sim.Add("by hand", base64.StdEncoding.EncodeToString([]byte(personsScript)))
			imports := adoptProviders + w.config("") + "import {\n  to = ageenv_vultr_startup_script.app\n  " + strings.Replace(by, "%q", `"`+made.ID+`"`, 1) + "\n}\n"
			cli.write(imports)
			out := adoptPlan(t, cli, "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.", "-generate-config-out=generated.tf")
			if !strings.Contains(out, "Warning: The script's content is not managed") {
				t.Errorf("nothing says that the content is not managed: %s", out)
			}
			cli.must("apply", "-auto-approve")
			cli.must("plan", "-detailed-exitcode")
			if got, _ := sim.Script(made.ID); got.Script != made.Script || callsOf(sim, "PATCH") != 0 {
				t.Error("the import has changed the script")
			}
			if err := os.Remove(filepath.Join(cli.dir, "generated.tf")); err != nil {
				t.Fatal(err)
			}
			config := func(more string) string {
				return strings.Replace(imports, "import {", adoptService("ageenv_vultr_startup_script.app.id")+adoptedScript(more)+"import {", 1)
			}
			cli.write(config(""))
			if out := adoptPlan(t, cli, "3 to add, 1 to change, 0 to destroy."); !strings.Contains(out, overwriteSays) {
				t.Errorf("the plan that overwrites the script does not say so: %s", out)
			}
			cli.write(config("  user_script = file(\"${path.module}/script.sh\")\n"))
			if out := adoptPlan(t, cli, "3 to add, 1 to change, 0 to destroy."); strings.Contains(out, overwriteSays) {
				t.Errorf("the plan that keeps what the script did warns: %s", out)
			}
			cli.must("apply", "-auto-approve")
			cli.must("plan", "-detailed-exitcode")
			if a := stateOf(t, cli); a.text("vultr_instance.box", "script_id") != made.ID {
				t.Error("the script is another one")
			}
			bootsBoth(t, w)
		})
	}
}

// A script that ageenv made, and whose state was lost, is overwritten without a word.
func TestAccScriptImportOfOurs(t *testing.T) {
	w := newWorld(t)
	cli := adoptCLI(t, w)
	config := adoptProviders + w.config(adoptService("ageenv_vultr_startup_script.app.id")) + adoptedScript("")
	cli.write(config)
	cli.must("apply", "-auto-approve")
	script, _ := onlyScript(t, w)
	if out, err := cli.plain("state", "rm", "ageenv_vultr_startup_script.app").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cli.write(config + "import {\n  to = ageenv_vultr_startup_script.app\n  id = \"" + script.ID + "\"\n}\n")
	if out := adoptPlan(t, cli, "Plan: 1 to import, 0 to add, 1 to change, 0 to destroy."); strings.Contains(out, overwriteSays) {
		t.Errorf("the plan warns of a script that ageenv made: %s", out)
	}
	cli.must("apply", "-auto-approve")
}

// Nothing is left to Terraform's own words where a configuration says nothing and
// there is no script to keep.
func TestAccScriptSaysNothing(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config("resource \"ageenv_vultr_startup_script\" \"app\" {\n  name = \"app\"\n}\n"))
	if out, err := cli.run("plan"); err == nil || !strings.Contains(flat(out), "Error: No files") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Keys and bundles, too: what Terraform writes plans, and changes nothing.
func TestAccGeneratedConfig(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	writeFile(t, filepath.Join(cli.dir, "app.enc.env"), sealedBundle(t, "TOKEN=x\n", w.operator.recipient))
	cli.write(w.config("import {\n  to = ageenv_key.k\n  id = \"" + newPerson(t).keyFile + "\"\n}\nimport {\n  to = ageenv_bundle.b\n  id = \"${path.module}/app.enc.env\"\n}\n"))
	adoptPlan(t, cli, "Plan: 2 to import, 0 to add, 0 to change, 0 to destroy.", "-generate-config-out=generated.tf")
	cli.must("apply", "-auto-approve")
	cli.must("plan", "-detailed-exitcode")
}

// Nothing else moves here, and a state without a script's ID does not, either.
func TestMoveOfSomethingElse(t *testing.T) {
	u := newUnitServer(t, nil)
	const id = "cb676a46-66fd-4dfb-b839-443f2e6c0b60"
	for name, tt := range map[string]struct{ address, typeName, id, says string }{
		"vultr's":          {"registry.terraform.io/vultr/vultr", "vultr_startup_script", id, ""},
		"OpenTofu's":       {"registry.opentofu.org/vultr/vultr", "vultr_startup_script", id, ""},
		"another type":     {"registry.terraform.io/vultr/vultr", "vultr_instance", id, "Unable to Move Resource State"},
		"another provider": {"registry.terraform.io/other/vultr", "vultr_startup_script", id, "Unable to Move Resource State"},
		"a path for an ID": {"registry.terraform.io/vultr/vultr", "vultr_startup_script", "../instances/x", "The script can't be moved"},
	} {
		resp, err := u.server.MoveResourceState(t.Context(), &tfprotov6.MoveResourceStateRequest{
			SourceProviderAddress: tt.address, SourceTypeName: tt.typeName, TargetTypeName: "ageenv_vultr_startup_script",
			SourceState: &tfprotov6.RawState{JSON: []byte(`{"id":"` + tt.id + `","name":"n","script":"IyEK","type":"boot","date_created":"c","date_modified":"m"}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if text := unitText(resp.Diagnostics); tt.says == "" && text != "" || !strings.Contains(text, tt.says) {
			t.Errorf("%s: %s", name, text)
		}
		if tt.says != "" {
			continue
		}
		state, err := resp.TargetState.Unmarshal(u.schemas.ResourceSchemas["ageenv_vultr_startup_script"].ValueType())
		if err != nil || coreText(t, state, "id") != id || coreText(t, state, "name") != "n" || coreText(t, state, "date_modified") != "m" {
			t.Errorf("%s: %v, %s", name, err, state)
		}
	}
}
