package provider_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// guideBlocks are the code blocks of the guide on scripts below a heading.
func guideBlocks(t *testing.T, heading, language string) []string {
	t.Helper()
	return guideBlocksOf(t, "scripts-you-have", heading, language)
}

// guideBlocksOf are the code blocks of a guide below a heading, by language. The heading
// may be the page's title.
func guideBlocksOf(t *testing.T, guide, heading, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../templates/guides/" + guide + ".md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "# "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	if !found || len(blocks) == 0 {
		t.Fatalf("the guide has no %s below %q", language, heading)
	}
	return blocks
}

// guideCLI is a CLI with what the guide takes for granted.
func guideCLI(t *testing.T, w *world) *cliRun {
	t.Helper()
	cli := adoptCLI(t, w)
	writeFile(t, filepath.Join(cli.dir, "setup.sh"), personsScript)
	cli.env["TF_VAR_token"] = "first"
	return cli
}

// The guide's first way, block by block.
func TestAccGuideMoved(t *testing.T) {
	w := newWorld(t)
	w.simulator()
	cli := guideCLI(t, w)
	blocks, plans := guideBlocks(t, "From `vultr_startup_script`", "terraform"), guideBlocks(t, "From `vultr_startup_script`", "text")
	cli.write(adoptProviders + w.config(blocks[0]))
	cli.must("apply", "-auto-approve")
	before := stateOf(t, cli)
	cli.write(adoptProviders + w.config(blocks[1]))
	if out := adoptPlan(t, cli, strings.TrimSpace(plans[0])); strings.Contains(out, overwriteSays) || strings.Contains(out, "vultr_instance.app will") {
		t.Errorf("the plan: %s", out)
	}
	cli.must("apply", "-auto-approve")
	cli.must("plan", "-detailed-exitcode")
	after := stateOf(t, cli)
	for _, name := range []string{"id", "script_id"} {
		if before.text("vultr_instance.app", name) != after.text("vultr_instance.app", name) {
			t.Errorf("the box's %s is another one", name)
		}
	}
	bootsBoth(t, w)
}

// Its second way, and the way back.
func TestAccGuideByHand(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	cli := guideCLI(t, w)
	const heading = "From scripts that were made by hand"
	blocks, plans, commands := guideBlocks(t, heading, "terraform"), guideBlocks(t, heading, "text"), guideBlocks(t, heading, "shell")
	made := sim.Add("app", base64.StdEncoding.EncodeToString([]byte(personsScript)))
	const guideID = "cb676a46-66fd-4dfb-b839-443f2e6c0b60"
	imports := strings.Replace(blocks[1], guideID, made.ID, 1)
	cli.write(adoptProviders + w.config(imports))
	if hasActions(t) {
		query := filepath.Join(cli.dir, "all.tfquery.hcl")
		writeFile(t, query, blocks[0])
		if out, err := cli.plain("query", "-no-color").CombinedOutput(); err != nil || !strings.Contains(string(out), made.ID) {
			t.Errorf("%v\n%s", err, out)
		}
	}
	adoptPlan(t, cli, strings.TrimSpace(plans[0]), "-generate-config-out=generated.tf")
	cli.must("apply", "-auto-approve")
	if err := os.Remove(filepath.Join(cli.dir, "generated.tf")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(commands[0], "/v2/startup-scripts/"+guideID+" ") {
		t.Error("the guide's command reads another script")
	}
	cli.write(adoptProviders + w.config(imports+blocks[2]))
	if out := adoptPlan(t, cli, strings.TrimSpace(plans[1])); strings.Contains(out, overwriteSays) {
		t.Errorf("the plan: %s", out)
	}
	cli.must("apply", "-auto-approve")
	cli.must("plan", "-detailed-exitcode")
	if scripts := sim.Scripts(); len(scripts) != 1 || scripts[0].ID != made.ID {
		t.Errorf("the account has %d scripts", len(scripts))
	}
	bootsBoth(t, w)

	scrub := guideBlocks(t, "Back", "terraform")[0]
	cli.write(adoptProviders + w.config(imports+strings.Replace(blocks[2], "  user_script ", scrub+"  user_script ", 1)))
	cli.must("apply", "-auto-approve")
	time.Sleep(1100 * time.Millisecond) // scrub_after, on a real clock
	cli.must("apply", "-auto-approve")

	cli.write(adoptProviders + w.config(`
removed {
  from = ageenv_vultr_startup_script.app
  lifecycle {
    destroy = false
  }
}

import {
  to = vultr_startup_script.app
  id = "`+made.ID+`"
}

resource "vultr_startup_script" "app" {
  name   = "app"
  script = filebase64("${path.module}/setup.sh")
}
`))
	// Vultr's provider prints the script that it finds.
	found, err := sim.BootScript(made.ID)
	if out := cli.must("plan"); err != nil || strings.Contains(string(found), "AGE-SECRET-KEY-") || !strings.Contains(out, base64.StdEncoding.EncodeToString(found)) {
		t.Errorf("the plan of the way back prints the identity, or no script (%v): %s", err, out)
	}
	cli.must("apply", "-auto-approve")
	if got, _ := sim.Script(made.ID); got.Script != made.Script {
		t.Error("the way back does not lead back")
	}
}

// The command that saves a script gives its bytes, and shows the key to nobody.
func TestAccGuideSavesTheScript(t *testing.T) {
	w := newWorld(t)
	made := w.simulator().Add("app", base64.StdEncoding.EncodeToString([]byte(personsScript)))
	for _, program := range []string{"curl", "jq", "base64"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	command := guideBlocks(t, "From scripts that were made by hand", "shell")[0]
	command = strings.NewReplacer("cb676a46-66fd-4dfb-b839-443f2e6c0b60", made.ID, "https://api.vultr.com", w.env["VULTR_API_URL"]).Replace(command)
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "VULTR_API_KEY="+simKey)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(cmd.Dir, "setup.sh")); err != nil || string(got) != personsScript {
		t.Errorf("%q, %v", got, err)
	}
}
