package provider_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
)

// leakHardware is an operator whose key an age plugin holds. What the plugin was given,
// its arguments and its environment, is searched; the plugin and its keys are not.
type leakHardware struct {
	*agekeytest.Plugin
	r *leakRun
}

// hardware puts a plugin on PATH. All that it says begins with a text that is to be found
// nowhere.
func (r *leakRun) hardware() leakHardware {
	r.t.Helper()
	h := leakHardware{agekeytest.NewPluginOffPath(r.t), r}
	r.env["PATH"] = h.Dir() + string(os.PathListSeparator) + os.Getenv("PATH")
	r.secrets = append(r.secrets, leakSecret{"what a plugin said", agekeytest.PluginCanary})
	return h
}

// identity is a key of the plugin whose private half is to be found nowhere.
func (h leakHardware) identity(mode string) (identity, recipient string) {
	h.r.t.Helper()
	id := agekeytest.Parse(h.r.t, h.KeyFile(mode))
	identity = id.Text().Reveal()
	name, middle := "a plugin's identity that behaves as "+mode, identity[len(identity)/2:]
	h.r.secrets = append(h.r.secrets, leakSecret{name, middle}, leakSecret{name + ", lower case", strings.ToLower(middle)})
	return identity, id.Recipient().String()
}

// leakPlugins runs a key, a bundle and a script that a plugin's key alone opens, and then
// plugins that fail, with their key or a question in what they say.
func (r *leakRun) leakPlugins() {
	r.t.Helper()
	h := r.hardware()
	path := []string{"PATH=" + r.env["PATH"]}
	identity, recipient := h.identity("works")
	before := r.env["SOPS_AGE_KEY"]
	r.env["SOPS_AGE_KEY"] = before + "\n" + identity + "\n"
	r.config("plugin.tf", fmt.Sprintf(`
resource "ageenv_key" "hard" { escrow_recipients = [%[1]q] }

resource "ageenv_bundle" "hard" {
  entries_wo          = var.entries
  recipients          = ageenv_key.hard.recipients
  operator_recipients = [%[1]q]
}

ephemeral "ageenv_bundle" "hard" { ciphertext = ageenv_bundle.hard.ciphertext }

ephemeral "ageenv_identity" "hard" { wrapped_identity = ageenv_key.hard.wrapped_identity }

resource "ageenv_bundle" "hard_copy" {
  entries_wo          = merge(ephemeral.ageenv_bundle.hard.entries, { KEY = ephemeral.ageenv_identity.hard.recipient })
  recipients          = []
  operator_recipients = [%[1]q]
  format              = "age_dotenv"
}

resource "ageenv_vultr_startup_script" "hard" {
  name             = "hard"
  wrapped_identity_wo = ageenv_key.hard.wrapped_identity
  files               = [{ ciphertext_wo = ageenv_bundle.hard.ciphertext, path = "/opt/app/hard.env" }]
}
`, recipient))
	r.leakPlanAndApply("plugin")
	r.leakContent("by a plugin")
	r.leakPlanAndApply("plugin-change")
	if n := len(h.Noted("unwraps")); n == 0 {
		r.t.Error("the plugin was not asked: there is nothing to leak")
	}

	plain := r.input("plugin.env", "TOKEN="+r.secret("a value that a plugin does not open", "plg-%s")+"\n")
	for mode, says := range map[string]string{
		"pin": "asked for a PIN", "confirm": "asked for a confirmation", "refuse": "refused", "crash": "ended without an answer",
		"garbage": "is not the protocol", "flood-stanzas": "sent more than is read", "wrong": "a key that does not open it",
	} {
		failing, to := h.identity(mode)
		sealed := r.input("plugin-"+mode+".enc.env", realRun(r.t, "AGEENV_TEST_SOPS", "", path, "--encrypt", "--age", to, plain))
		r.config("fail.tf", fmt.Sprintf("ephemeral \"ageenv_bundle\" \"fails\" {\n  path = %q\n}\n", sealed))
		r.fails(says, map[string]string{"SOPS_AGE_KEY": r.env["SOPS_AGE_KEY"] + failing + "\n"}, "plan", "-no-color", "-refresh=false")
	}
	r.unconfig("fail.tf")
	for i, line := range h.Noted("filekeys") {
		key, err := hex.DecodeString(line)
		if err != nil || len(key) != 16 {
			r.t.Fatal("the plugin notes no file keys")
		}
		r.secrets = append(r.secrets, leakSecret{fmt.Sprintf("file key %d of a plugin", i), string(key)})
	}
	for _, what := range []string{"argv", "environ"} {
		writeFile(r.t, filepath.Join(r.root, "kept", "plugin-"+what), strings.Join(h.Noted(what), "\n"))
	}
	r.unconfig("plugin.tf")
	r.must(nil, "apply", "-no-color", "-auto-approve")
	r.env["SOPS_AGE_KEY"], r.env["PATH"] = before, os.Getenv("PATH")
}
