package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// fileDigests are the ciphertext_sha256 of the script's files, and whether one of them
// has a ciphertext.
func fileDigests(t *testing.T, cli *cliRun) (digests []string) {
	t.Helper()
	files, _ := stateOf(t, cli)[scriptAddress]["files"].([]any)
	for _, element := range files {
		file, _ := element.(map[string]any)
		if file["ciphertext_wo"] != nil {
			t.Error("a ciphertext is in the state")
		}
		digests = append(digests, fmt.Sprint(file["ciphertext_sha256"]))
	}
	return digests
}

// uploads counts the calls that change something since the log was cleared.
func uploads(sim *vultrsim.Server) int { return callsOf(sim, "PATCH") + callsOf(sim, "POST") }

// twoFiles has two bundles, the second with a value of its own.
func twoFiles(w *world, value string) string {
	return w.config(fmt.Sprintf(`
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo      = { TOKEN = "first" }
  content_version = "first"
  recipients      = ageenv_key.k.recipients
}

resource "ageenv_bundle" "c" {
  entries_wo      = { TOKEN = %[1]q }
  content_version = %[1]q
  recipients      = ageenv_key.k.recipients
}

resource "ageenv_vultr_startup_script" "s" {
  name             = "app"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files = [
    { ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/one.env" },
    { ciphertext_wo = ageenv_bundle.c.ciphertext, path = "/opt/app/two.env" },
  ]
}
`, value))
}

// A plan tells by the digests which file changes, and the state has the bundles' own.
func TestAccPlanShowsWhichFileChanges(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	cli := newCLI(t, w)
	digests := func() {
		t.Helper()
		state := stateOf(t, cli)
		got := fileDigests(t, cli)
		want := []string{sha256Hex(state.text("ageenv_bundle.b", "ciphertext")), sha256Hex(state.text("ageenv_bundle.c", "ciphertext"))}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the digests are %s, want %s", got, want)
		}
	}
	cli.write(twoFiles(w, "first"))
	cli.must("apply", "-auto-approve")
	digests()
	before := fileDigests(t, cli)

	// Unchanged: by a refresh alone, without one, and where no identity is found.
	cli.must("apply", "-auto-approve", "-refresh-only")
	delete(cli.env, "SOPS_AGE_KEY_FILE")
	for _, args := range [][]string{{"plan", "-detailed-exitcode"}, {"plan", "-detailed-exitcode", "-refresh=false"}} {
		if out, err := cli.run(args...); err != nil {
			t.Errorf("a plan without a change: %v\n%s", err, out)
		}
	}
	cli.env["SOPS_AGE_KEY_FILE"] = w.operator.keyFile

	cli.write(twoFiles(w, "second"))
	out := cli.must("plan", "-out=saved")
	if n := strings.Count(out, "~ ciphertext_sha256 = \""+before[1]+"\" -> (known after apply)"); n != 1 {
		t.Errorf("the digest of the second file is to change %d times:\n%s", n, out)
	}
	if strings.Contains(out, "\""+before[0]+"\" ->") {
		t.Errorf("the digest of the first file is to change:\n%s", out)
	}
	sim.ClearRequests()
	cli.must("apply", "saved")
	digests()
	if n := uploads(sim); n != 1 {
		t.Errorf("%d uploads, want one", n)
	}
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan after it is not empty: %v\n%s", err, out)
	}
}

// A known ciphertext has a known digest in the plan.
func TestAccPlanKnowsDigestOfKnownCiphertext(t *testing.T) {
	w, box := newWorld(t), newPerson(t)
	cli := newCLI(t, w)
	file := filepath.Join(cli.dir, "app.enc.env")
	cli.write(w.config(badScript(`{ ciphertext_wo = file("app.enc.env"), path = "/opt/app/.env" }`, `identity_wo = var.box`) + "variable \"box\" {\n  type = string\n  ephemeral = true\n}\n"))
	cli.env["TF_VAR_box"] = box.identity
	first, second := sealedBundle(t, "TOKEN=1\n", box.recipient), sealedBundle(t, "TOKEN=2\n", box.recipient)
	writeFile(t, file, first)
	cli.must("apply", "-auto-approve")
	writeFile(t, file, second)
	if out, want := cli.must("plan"), fmt.Sprintf("~ ciphertext_sha256 = %q -> %q", sha256Hex(first), sha256Hex(second)); !strings.Contains(out, want) {
		t.Errorf("it does not say %s:\n%s", want, out)
	}
	cli.must("apply", "-auto-approve")
	if got := fileDigests(t, cli); got[0] != sha256Hex(second) {
		t.Errorf("the digest is %s", got)
	}
	// A plan that was saved is for the file as it was.
	writeFile(t, file, first)
	cli.must("plan", "-out=saved")
	writeFile(t, file, sealedBundle(t, "TOKEN=3\n", box.recipient))
	sim := w.simulator()
	sim.ClearRequests()
	out, err := cli.run("apply", "saved")
	if exitCode(err) != 1 || uploads(sim) != 0 {
		t.Errorf("a saved plan is applied to another file: %v, %d uploads\n%s", err, uploads(sim), out)
	}
}

// What ignore_changes takes from the provider is no change; what needs it says so.
func TestAccScriptIgnoresFiles(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	cli := newCLI(t, w)
	config := func(value, with string) string {
		return strings.Replace(twoFiles(w, value), "  name             = \"app\"", "  name = \"app\"\n"+with, 1)
	}
	cli.write(config("first", ""))
	cli.must("apply", "-auto-approve")
	before := fileDigests(t, cli)
	for _, ignored := range []string{"[files]", "[files[1].ciphertext_wo]", "all"} {
		t.Run(ignored, func(t *testing.T) {
			ignore := "  lifecycle {\n    ignore_changes = " + ignored + "\n  }\n"
			sim.ClearRequests()
			cli.write(config("second", ignore))
			cli.must("apply", "-auto-approve")
			if n := uploads(sim); n != 0 {
				t.Errorf("%d uploads, want none", n)
			}
			if got := fileDigests(t, cli); fmt.Sprint(got) != fmt.Sprint(before) {
				t.Errorf("the digests are %s, want those of what was uploaded, %s", got, before)
			}
			if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
				t.Errorf("the plan after it is not empty: %v\n%s", err, out)
			}
			if ignored == "all" {
				return
			}
			cli.write(config("second", ignore+"  upload_triggers = { a = \"b\" }\n"))
			out, err := cli.run("plan")
			if exitCode(err) != 1 {
				t.Fatalf("the plan ends with %v:\n%s", err, out)
			}
			badOutput(t, out, []string{"Error: The bundle is not given", "files[1].ciphertext_wo is null", "ignore_changes"}, nil)
		})
	}
}

// A file without a bundle is an error of the plan, wherever the null comes from.
func TestAccBadCiphertext(t *testing.T) {
	box := newPerson(t)
	given := func(ciphertext, more string, says ...string) badInput {
		return badInput{
			config: badScript(`{ `+ciphertext+`path = "/opt/app/.env" }`, "identity_wo = var.box") + more,
			vars:   map[string]string{"box": box.identity}, says: append(says, `in resource "ageenv_vultr_startup_script" "s"`), hides: []string{box.identity[20:]},
		}
	}
	badTable(t, map[string]badInput{
		"missing":             given("", "", `Error: Incorrect attribute value type`, `attribute "ciphertext_wo" is required`),
		"null":                given("ciphertext_wo = null, ", "", "Must set a configuration value for the files[0].ciphertext_wo attribute"),
		"null, by a variable": given("ciphertext_wo = var.none, ", "variable \"none\" {\n  type    = string\n  default = null\n}\n", "Must set a configuration value for the files[0].ciphertext_wo attribute"),
		"empty":               given(`ciphertext_wo = "", `, "", "Error: Unusable value", "files[0].ciphertext_wo is empty: give a bundle, as ageenv_bundle.….ciphertext."),
		"the old name":        given(`ciphertext = "x", `, "", `attribute "ciphertext_wo" is required`),
	})
	t.Run("a null file", badInput{
		config: badScript("null", "identity_wo = var.box"), vars: map[string]string{"box": box.identity}, says: []string{"with ageenv_vultr_startup_script.s", "Must set a configuration value for the files[0].path attribute"},
	}.plan)
}
