package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const openingCanary = "opening-canary"

// closedBundle is a bundle whose content comes by an ephemeral variable, with
// whatever attributes follow.
func closedBundle(content, rest string) string {
	return "variable \"value\" {\n  type      = string\n  ephemeral = true\n}\n" +
		"resource \"ageenv_bundle\" \"b\" {\n  " + content + "\n  recipients = []\n  " + rest + "\n}\n"
}

// newClosedCLI is a CLI without any identity, in a world with an operator.
func newClosedCLI(t *testing.T, w *world) *cliRun {
	t.Helper()
	c := newCLI(t, w)
	delete(c.env, "SOPS_AGE_KEY_FILE")
	c.env["TF_VAR_value"] = openingCanary
	return c
}

// Without an identity and without content_version nothing can be compared: that is
// told at the first plan, and is an error at the second one, with remedies that
// work.
func TestAccNothingOpensTheBundle(t *testing.T) {
	const entries, text = `entries_wo = { TOKEN = var.value }`, `dotenv_wo = "TOKEN=${var.value}\n"`
	remedies := []string{
		"Error: Can't tell whether the content changed", "with ageenv_bundle.b",
		"The bundle's ciphertext can't be decrypted with any identity found here. No identity was found.",
		"Give an operator identity that opens it: identity_files or identities in the provider's configuration, SOPS_AGE_KEY_FILE (or another SOPS_AGE_… variable) in the environment, or the user's sops/age/keys.txt.",
		"Or set a new content_version, so that the configured values are encrypted anew without opening the old ones.",
		"To destroy without an identity: terraform destroy -refresh=false.",
	}
	hides := []string{openingCanary}
	// applied is a CLI whose bundle exists and can't be opened.
	applied := func(t *testing.T, w *world, content string) *cliRun {
		t.Helper()
		c := newClosedCLI(t, w)
		c.write(w.config(closedBundle(content, "")))
		out := c.must("apply", "-auto-approve")
		badOutput(t, out, []string{
			"Warning: The next plan will not be able to open this bundle", "with ageenv_bundle.b",
			"None of the identities found here opens it, and without content_version a plan has to open it to see whether the content changed. No identity was found.",
			"Give an operator identity that opens it:", "Or set content_version.",
		}, hides)
		return c
	}
	refused := func(t *testing.T, c *cliRun, where string, args ...string) {
		t.Helper()
		out, err := c.run(args...)
		if exitCode(err) != 1 {
			t.Fatalf("%v ends with %v:\n%s", args, err, out)
		}
		badOutput(t, out, append(remedies, where), hides)
	}

	for attribute, content := range map[string]string{"entries_wo": entries, "dotenv_wo": text} {
		t.Run(attribute, func(t *testing.T) {
			c := applied(t, newWorld(t), content)
			refused(t, c, "", "plan")
			// The values may be literals, so their source is not shown with the error.
			if out, _ := c.run("plan"); strings.Contains(out, ": "+attribute+" = ") {
				t.Errorf("the content's source is printed:\n%s", out)
			}
		})
	}
	t.Run("an identity helps", func(t *testing.T) {
		w := newWorld(t)
		c := applied(t, w, entries)
		c.env["SOPS_AGE_KEY_FILE"] = w.operator.keyFile
		if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
			t.Errorf("the plan is not empty: %v\n%s", err, out)
		}
	})
	t.Run("a stranger's identity is named", func(t *testing.T) {
		w, stranger := newWorld(t), newPerson(t)
		c := applied(t, w, entries)
		c.env["SOPS_AGE_KEY"] = stranger.identity
		out, err := c.run("plan")
		if exitCode(err) != 1 {
			t.Fatalf("the plan ends with %v:\n%s", err, out)
		}
		badOutput(t, out, []string{remedies[0], "The identities found belong to: " + stranger.recipient + "."}, []string{openingCanary, stranger.identity[20:]})
	})
	t.Run("a new content_version helps", func(t *testing.T) {
		w := newWorld(t)
		c := applied(t, w, entries)
		before := stateOf(t, c).text(bundleAddress, "ciphertext")
		c.env["TF_VAR_value"] = openingCanary + "2"
		c.write(w.config(closedBundle(entries, `content_version = "2"`)))
		badOutput(t, c.must("apply", "-auto-approve"), nil, hides)
		after := stateOf(t, c).text(bundleAddress, "ciphertext")
		if after == before {
			t.Error("the ciphertext is the old one")
		}
		if got := openedBy(t, after, w.operator); got != "TOKEN="+openingCanary+"2\n" {
			t.Errorf("the operator reads %q", got)
		}
		if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
			t.Errorf("the plan after it is not empty: %v\n%s", err, out)
		}
	})
	t.Run("destroy -refresh=false helps", func(t *testing.T) {
		c := applied(t, newWorld(t), entries)
		refused(t, c, "", "destroy", "-auto-approve")
		badOutput(t, c.must("destroy", "-auto-approve", "-refresh=false"), nil, hides)
		if left := stateOf(t, c); len(left) != 0 {
			t.Errorf("the state still has %d resources", len(left))
		}
	})
	t.Run("new recipients need an identity", func(t *testing.T) {
		w := newWorld(t)
		c := newClosedCLI(t, w)
		c.write(w.config(closedBundle(entries, `content_version = "1"`)))
		badOutput(t, c.must("apply", "-auto-approve"), nil, append(hides, "The next plan will not be able"))
		c.write(w.config(closedBundle(entries, "content_version = \"1\"\n  operator_recipients = [\""+newPerson(t).recipient+"\"]")))
		out, err := c.run("plan")
		if exitCode(err) != 1 {
			t.Fatalf("the plan ends with %v:\n%s", err, out)
		}
		badOutput(t, out, append([]string{"Error: The content can't be carried over"}, remedies[1:]...), hides)
	})
}

// What was changed in the state after it was encrypted is found before anything is
// done with it.
func TestAccTamperedState(t *testing.T) {
	for name, tt := range map[string]struct{ format, says string }{
		"sops": {"sops_dotenv", "The bundle's ciphertext can't be read: Line 1, TOKEN: the value was changed after it was encrypted, or stood under another name, or comes from another version of the file (by a git merge: take one version whole"},
		"age":  {"age_dotenv", "The bundle's ciphertext can't be read: It is not a whole, unaltered age file: it was cut off or tampered with, or is something else."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := newClosedCLI(t, w)
			c.env["SOPS_AGE_KEY_FILE"] = w.operator.keyFile
			c.write(w.config(closedBundle(`entries_wo = { TOKEN = var.value }`, `format = "`+tt.format+`"`)))
			c.must("apply", "-auto-approve")
			badAlterState(t, c, func(ciphertext string) string {
				if tt.format == "sops_dotenv" {
					return badTampered(t, ciphertext)
				}
				return ciphertext[:len(ciphertext)/2] + ciphertext[len(ciphertext)/2+1:]
			})
			altered := stateOf(t, c).text(bundleAddress, "ciphertext")
			for _, args := range [][]string{{"plan"}, {"apply", "-auto-approve"}} {
				out, err := c.run(args...)
				if exitCode(err) != 1 {
					t.Fatalf("%v ends with %v:\n%s", args, err, out)
				}
				badOutput(t, out, []string{"Error: Can't tell whether the content changed", "with ageenv_bundle.b", tt.says}, []string{openingCanary})
			}
			if stateOf(t, c).text(bundleAddress, "ciphertext") != altered {
				t.Error("the state was written")
			}
			c.write(w.config(closedBundle(`entries_wo = { TOKEN = var.value }`, "content_version = \"2\"\n  format = \""+tt.format+"\"")))
			c.must("apply", "-auto-approve")
			if got := openedBy(t, stateOf(t, c).text(bundleAddress, "ciphertext"), w.operator); got != "TOKEN="+openingCanary+"\n" {
				t.Errorf("a new content_version gives %q", got)
			}
		})
	}
}

// badAlterState alters the ciphertext of the one bundle in a state file.
func badAlterState(t *testing.T, c *cliRun, alter func(string) string) {
	t.Helper()
	was := stateOf(t, c).text(bundleAddress, "ciphertext")
	quoted := func(text string) string {
		out, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	state, is := string(c.state()), alter(was)
	if is == was || strings.Count(state, quoted(was)) != 1 {
		t.Fatal("the ciphertext was not altered, or is not in the state once")
	}
	writeFile(t, filepath.Join(c.dir, "terraform.tfstate"), strings.Replace(state, quoted(was), quoted(is), 1))
}

func TestAccWrongVultrKey(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	w.env["VULTR_API_KEY"] = "WRONGKEY0123456789"
	c := newCLI(t, w)
	c.write(w.config(oneService))
	out, err := c.run("apply", "-auto-approve")
	if exitCode(err) != 1 {
		t.Fatalf("apply ends with %v:\n%s", err, out)
	}
	badOutput(t, out, []string{
		"Error: Vultr refuses the API key", "with ageenv_vultr_startup_script.s",
		"not authorized: the API key is wrong or was revoked, or the address of this machine is not allowed by the account's access control (Vultr console: Account, API) (status 401).",
	}, []string{"WRONGKEY0123456789"})
	if made := len(sim.Scripts()); made != 0 {
		t.Errorf("%d scripts were made", made)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "terraform.tfstate")); err == nil {
		t.Error("something was made before the key was checked")
	}
}

// Without the check, the apply says the same of the call that fails.
func TestAccWrongVultrKeyUnchecked(t *testing.T) {
	w := newWorld(t)
	w.simulator()
	w.env["VULTR_API_KEY"] = "WRONGKEY0123456789"
	c := newCLI(t, w)
	c.write(strings.Replace(w.config(oneService), "vultr = {", "vultr = { check_api_key = false, ", 1))
	out, err := c.run("apply", "-auto-approve")
	if exitCode(err) != 1 {
		t.Fatalf("apply ends with %v:\n%s", err, out)
	}
	badOutput(t, out, []string{
		"Error: Vultr: creating the startup script failed", "with ageenv_vultr_startup_script.s",
		"create startup script \"app\": not authorized: the API key is wrong or was revoked, or the address of this machine is not allowed by the account's access control (Vultr console: Account, API) (status 401).",
	}, []string{"WRONGKEY0123456789"})
	state := stateOf(t, c)
	if state[scriptAddress] != nil || state[bundleAddress] == nil || state[keyAddress] == nil {
		t.Errorf("the state has %d resources, and not the key and the bundle alone", len(state))
	}
}

// A key that is revoked between two runs is no reason to forget a script.
func TestAccRevokedVultrKey(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	c := newCLI(t, w)
	c.write(w.config(oneService))
	c.must("apply", "-auto-approve")
	id := stateOf(t, c).text(scriptAddress, "id")

	sim.RevokeAPIKey()
	renamed := strings.Replace(oneService, `"app"`, `"renamed"`, 1)
	for name, tt := range map[string]struct {
		config, says string
		args         []string
	}{
		"plan":                {oneService, "Vultr: reading the startup script failed", []string{"plan"}},
		"apply":               {oneService, "Vultr: reading the startup script failed", []string{"apply", "-auto-approve"}},
		"destroy":             {oneService, "Vultr: reading the startup script failed", []string{"destroy", "-auto-approve"}},
		"update":              {renamed, "Vultr refuses the API key", []string{"apply", "-auto-approve", "-refresh=false"}},
		"destroy unrefreshed": {oneService, "Vultr: deleting the startup script failed", []string{"destroy", "-auto-approve", "-refresh=false", "-target=" + scriptAddress}},
	} {
		t.Run(name, func(t *testing.T) {
			c.write(w.config(tt.config))
			out, err := c.run(tt.args...)
			if exitCode(err) != 1 {
				t.Fatalf("%v ends with %v:\n%s", tt.args, err, out)
			}
			badOutput(t, out, []string{
				"Error: " + tt.says, "not authorized: the API key is wrong or was revoked", "(status 401)",
				"Nothing was read as missing because of that, and nothing was dropped from the state.",
			}, []string{simKey})
			if now := stateOf(t, c).text(scriptAddress, "id"); now != id {
				t.Errorf("the state has the script %q, want %q", now, id)
			}
		})
	}

	sim.SetAPIKey(simKey)
	c.write(w.config(oneService))
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("with the key back, the plan is not empty: %v\n%s", err, out)
	}
}

func TestAccBadScriptImport(t *testing.T) {
	const summary = "Error: The script can't be imported"
	const remedy = "The import ID is the startup script's UUID, for example cb676a46-66fd-4dfb-b839-443f2e6c0b60."
	w := newWorld(t)
	sim := w.simulator()
	c := newCLI(t, w)
	c.write(w.config(oneService))
	for name, tt := range map[string]struct {
		id   string
		says []string
	}{
		"a name":           {"app", []string{summary, remedy, "and this is not one (3 bytes)."}},
		"upper case":       {"CB676A46-66FD-4DFB-B839-443F2E6C0B60", []string{summary, remedy, "is written in lower case."}},
		"another resource": {"../instances/cb676a46-66fd-4dfb-b839-443f2e6c0b60", []string{summary, remedy, "(49 bytes)."}},
		"none of ours":     {"cb676a46-66fd-4dfb-b839-443f2e6c0b60", []string{"Cannot import non-existent remote object"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(sim.Requests())
			out, err := c.run("import", scriptAddress, tt.id)
			if exitCode(err) != 1 {
				t.Fatalf("import ends with %v:\n%s", err, out)
			}
			badOutput(t, out, tt.says, []string{simKey})
			if asked := len(sim.Requests()) > before; asked != (name == "none of ours") {
				t.Errorf("Vultr was asked: %v", asked)
			}
		})
	}
}
