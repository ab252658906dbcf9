package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// leakConfig gives every secret by every way in. All inputs that are secret are
// ephemeral: a variable that is only sensitive is put into a saved plan by
// Terraform itself, and so is a literal, with the configuration.
const leakConfig = `
terraform {
  required_providers {
    ageenv = { source = "HOST/ageenv/ageenv" }
  }
}

variable "operator_identity" {
  type      = string
  ephemeral = true
}
variable "vultr_api_key" {
  type      = string
  ephemeral = true
  default   = null
}
variable "entries" {
  type      = map(string)
  ephemeral = true
}
variable "env_text" {
  type      = string
  ephemeral = true
}
variable "env_file" {
  type      = string
  ephemeral = true
}
variable "reference_text" {
  type      = string
  ephemeral = true
}
variable "given_identity" {
  type      = string
  ephemeral = true
}
variable "identity_file" { type = string }
variable "given_recipient" { type = string }
variable "escrow" { type = set(string) }

provider "ageenv" {
  identities        = [var.operator_identity]
  identity_files    = [var.identity_file]
  escrow_recipients = var.escrow
  vultr             = { api_key = var.vultr_api_key, requests_per_second = 1000, max_retries = 0 }
}

ephemeral "ageenv_dotenv" "file" { path = var.env_file }
ephemeral "ageenv_dotenv" "text" { text = var.env_text }

ephemeral "ageenv_dotenv" "references" {
  text       = var.reference_text
  references = "resolve"
}

resource "ageenv_key" "box" {}

resource "ageenv_bundle" "references" {
  dotenv_wo  = var.reference_text
  references = "braces"
  entries_wo = { RESOLVED = ephemeral.ageenv_dotenv.references.entries["URL"] }
  recipients = ageenv_key.box.recipients
}

resource "ageenv_bundle" "entries" {
  entries_wo = var.entries
  recipients = ageenv_key.box.recipients
}

resource "ageenv_bundle" "file" {
  dotenv_wo  = ephemeral.ageenv_dotenv.file.dotenv
  recipients = ageenv_key.box.recipients
  format     = "age_dotenv"
}

resource "ageenv_bundle" "text" {
  dotenv_wo       = ephemeral.ageenv_dotenv.text.dotenv
  entries_wo      = ephemeral.ageenv_dotenv.text.entries
  recipients      = [var.given_recipient]
  content_version = "1"
}

ephemeral "ageenv_identity" "box" { wrapped_identity = ageenv_key.box.wrapped_identity }

ephemeral "ageenv_bundle" "entries" {
  ciphertext = ageenv_bundle.entries.ciphertext
  identity   = ephemeral.ageenv_identity.box.identity
}

resource "ageenv_bundle" "binary" {
  entries_wo = var.entries
  recipients = ageenv_key.box.recipients
  format     = "sops_binary"
  dialect    = "systemd"
}

resource "ageenv_bundle" "readers" {
  dotenv_wo  = var.reference_text
  references = "braces"
  recipients = ageenv_key.box.recipients
  readers    = ["node", "go"]
}

ephemeral "ageenv_bundle" "readers" {
  ciphertext = ageenv_bundle.readers.ciphertext
  readers    = ["node", "go"]
}

resource "ageenv_bundle" "files" {
  entries_wo = var.entries
  recipients = ageenv_key.box.recipients
  format     = "age_files"
}

resource "ageenv_bundle" "documents" {
  for_each   = toset(["sops_yaml", "sops_json"])
  entries_wo = var.entries
  recipients = ageenv_key.box.recipients
  format     = each.key
}

resource "ageenv_bundle" "kubernetes" {
  entries_wo = var.entries
  recipients = ageenv_key.box.recipients
  format     = "sops_kubernetes"
  kubernetes = { name = "app", labels = { team = "a" } }
}

ephemeral "ageenv_bundle" "kubernetes" {
  ciphertext = ageenv_bundle.kubernetes.ciphertext
  format     = "sops_kubernetes"
}

resource "ageenv_bundle" "generated" {
  recipients = ageenv_key.box.recipients
  generated  = { GENERATED_TOKEN = { length = 40 }, GENERATED_KEY = { bytes = 32 } }
}

ephemeral "ageenv_bundle" "generated" { ciphertext = ageenv_bundle.generated.ciphertext }

resource "ageenv_bundle" "consumer" {
  entries_wo      = ephemeral.ageenv_bundle.generated.entries
  content_version = ageenv_bundle.generated.generated_status["GENERATED_TOKEN"].version
  recipients      = []
}

variable "settings_file" { type = string }

ephemeral "ageenv_bundle" "settings" { path = var.settings_file }

ephemeral "ageenv_bundle" "files" { ciphertext = ageenv_bundle.files.ciphertext }

resource "ageenv_bundle" "gathered" {
  entries_wo = merge(ephemeral.ageenv_bundle.files.entries, { SETTING = ephemeral.ageenv_bundle.settings.entries["db.password"] })
  recipients = ageenv_key.box.recipients
}

output "shown" {
  value = nonsensitive(provider::ageenv::bundle_metadata(ageenv_bundle.binary.ciphertext))
}

resource "ageenv_bundle" "copy" {
  dotenv_wo  = ephemeral.ageenv_bundle.entries.dotenv
  recipients = ageenv_key.box.recipients
}

resource "ageenv_vultr_startup_script" "wrapped" {
  name             = "wrapped"
  wrapped_identity = ageenv_key.box.wrapped_identity
  files = [
    { ciphertext_wo = ageenv_bundle.entries.ciphertext, path = "/opt/app/entries.env" },
    { ciphertext_wo = ageenv_bundle.file.ciphertext, path = "/opt/app/file.env" },
  ]
  replace_triggers = { recipient = ageenv_key.box.recipient }
}

resource "ageenv_vultr_startup_script" "given" {
  name        = "given"
  identity_wo = var.given_identity
  files       = [{ ciphertext_wo = ageenv_bundle.text.ciphertext, path = "/opt/app/text.env" }]
}
`

// leakOperators gives one operator's identity by each of the ways there are, and
// returns the one in the environment.
func (r *leakRun) leakOperators() person {
	r.t.Helper()
	inEnv := r.identity("the identity in SOPS_AGE_KEY")
	inFile := r.identity("the identity in SOPS_AGE_KEY_FILE")
	named := r.identity("the identity in identity_files")
	inVariable := r.identity("the identity in the provider's identities")
	printed := r.identity("the identity that SOPS_AGE_KEY_CMD prints")
	r.env["SOPS_AGE_KEY"] = inEnv.identity
	r.env["SOPS_AGE_KEY_FILE"] = inFile.keyFile
	r.env["TF_VAR_identity_file"] = named.keyFile
	r.env["TF_VAR_operator_identity"] = inVariable.identity
	// The command tells what it can see of the environment.
	command := r.input("key-command", fmt.Sprintf("#!/bin/sh\nenv >%s/key-command-environment.$$\ncat %s\n", r.root, printed.keyFile))
	if err := os.Chmod(command, 0o700); err != nil {
		r.t.Fatal(err)
	}
	r.env["SOPS_AGE_KEY_CMD"] = command
	escrow, err := json.Marshal([]string{inEnv.recipient, inFile.recipient, named.recipient, inVariable.recipient, printed.recipient})
	if err != nil {
		r.t.Fatal(err)
	}
	r.env["TF_VAR_escrow"] = string(escrow)
	r.recipients = inEnv.recipient
	return inEnv
}

// leakContent sets new values for everything, and returns the entries.
func (r *leakRun) leakContent(generation string) {
	r.t.Helper()
	entries := map[string]string{
		"PIN": r.secret("the PIN, "+generation, "PIN-%s")[:8],
		"URL": r.secret("a URL, "+generation, `postgres://app:p<&>"%s"@db.internal/app`),
		"PEM": r.secret("a PEM key, "+generation, "-----BEGIN PRIVATE KEY-----\nMC4C%s\n-----END PRIVATE KEY-----\n"),
	}
	// Only a few characters: found in full, and by its digests.
	r.secrets = append(r.secrets, leakSecret{"the short PIN, " + generation, entries["PIN"]})
	encoded, err := json.Marshal(entries)
	if err != nil {
		r.t.Fatal(err)
	}
	r.env["TF_VAR_entries"] = string(encoded)
	text := func(from string) string {
		env := fmt.Sprintf("# a comment %s\nTOKEN=%s\nPASSWORD='%s'\n",
			r.secret("a comment of "+from, "note-%s"), r.secret("a token of "+from, "tok-%s"), r.secret("a password of "+from, "p$ss w#rd %s"))
		r.secrets = append(r.secrets, leakSecret{"the whole of " + from, env})
		return env
	}
	settings := r.input("settings-"+generation+".yaml", fmt.Sprintf("# %s\ndb:\n  password: %s\n",
		r.secret("a comment of a YAML file, "+generation, "yaml-note-%s"), r.secret("a password of a YAML file, "+generation, "yaml-%s")))
	sealedSettings := realRun(r.t, "AGEENV_TEST_SOPS", "", nil, "--encrypt", "--age", r.recipients, settings)
	r.env["TF_VAR_settings_file"] = r.input("settings-"+generation+".enc.yaml", sealedSettings)
	r.env["TF_VAR_env_text"] = text("the env text, " + generation)
	// Read with warnings: a byte order mark, CR LF, a name twice, and a reference.
	r.env["TF_VAR_reference_text"] = fmt.Sprintf("\ufeffTOKEN=%s\r\nTOKEN=%s\r\nURL=\"https://x:${TOKEN}@h/%s\"\r\n",
		r.secret("a value that is replaced, "+generation, "old-%s"), r.secret("a value that is referred to, "+generation, "ref-%s"), r.secret("a value with a reference, "+generation, "url-%s"))
	r.env["TF_VAR_env_file"] = r.input("app-"+generation+".env", text("the env file, "+generation))
}

// leakPlanAndApply saves a plan, shows it, applies it and shows the state.
func (r *leakRun) leakPlanAndApply(name string, args ...string) {
	r.t.Helper()
	plan := filepath.Join(r.root, "kept", name+".tfplan")
	r.must(nil, append([]string{"plan", "-no-color", "-out=" + plan}, args...)...)
	r.must(nil, "show", "-json", plan)
	r.must(nil, "apply", "-no-color", plan)
	r.must(nil, "show", "-json")
}

// TestAccNothingLeaks runs a whole lifecycle, failures included, and looks for
// every secret in everything that is left of it.
func TestAccNothingLeaks(t *testing.T) {
	r := newLeakRun(t, leakBuild(t, "../.."))
	operator := r.leakOperators()
	given := r.identity("the identity in identity_wo")
	r.env["TF_VAR_given_identity"], r.env["TF_VAR_given_recipient"] = given.identity, given.recipient
	r.config("main.tf", leakConfig)
	r.must(nil, "init", "-no-color")

	r.leakContent("first")
	r.leakPlanAndApply("create")
	r.checkBoxes(append(r.learn(operator), given.identity))
	r.learnGenerated(operator)

	r.leakContent("second")
	r.leakPlanAndApply("change")
	// This time with the account's key from the configuration.
	if code, out := r.try(map[string]string{"VULTR_API_KEY": "", "TF_VAR_vultr_api_key": r.vultr}, "plan", "-no-color", "-detailed-exitcode"); code != 0 {
		t.Errorf("the second plan is not empty: exit code %d\n%s", code, out)
	}
	r.leakPlanAndApply("rotate", "-replace=ageenv_key.box")
	r.checkBoxes(append(r.learn(operator), given.identity))

	r.leakScrub()
	r.leakImports()
	r.leakFailures()
	r.must(nil, "destroy", "-no-color", "-auto-approve")

	r.checkEvidence()
	r.search().report(t)
}

// checkBoxes makes sure that the secrets did travel: a lifecycle in which nothing
// happens leaks nothing.
func (r *leakRun) checkBoxes(identities []string) {
	r.t.Helper()
	var scripts strings.Builder
	for _, script := range r.sim.Scripts() {
		body, err := r.sim.BootScript(script.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		scripts.Write(body)
	}
	for i, identity := range identities {
		if !strings.Contains(scripts.String(), identity) {
			r.t.Errorf("identity %d of %d is in no script that was uploaded", i, len(identities))
		}
	}
}

// leakImports imports what others made: a bundle, a key and a script, secrets in
// each. An ID that is itself a secret is not tried: it would be an argument of the
// CLI, which prints it and shows it in the process list before the provider is asked.
func (r *leakRun) leakImports() {
	r.t.Helper()
	state, err := os.ReadFile(filepath.Join(r.work, "terraform.tfstate"))
	if err != nil {
		r.t.Fatal(err)
	}
	var ciphertext string
	for _, text := range leakAttributes(r.t, state, "ageenv_bundle", "ciphertext") {
		if strings.Contains(text, "sops_mac") {
			ciphertext = text
		}
	}
	bundle := r.input("imported.enc.env", ciphertext)
	key := r.identity("the imported identity")
	script := r.sim.Add("imported", base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho "+r.secret("a foreign script's secret", "scr-%s")+"\n")))
	plaintext := r.input("plaintext.env", "TOKEN="+r.secret("an env file that is not a bundle", "raw-%s")+"\n")

	r.config("imports.tf", `
resource "ageenv_bundle" "imported" {}
resource "ageenv_key" "imported" {}
resource "ageenv_vultr_startup_script" "imported" {
  name             = "imported"
  wrapped_identity = ageenv_key.box.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.entries.ciphertext, path = "/opt/app/.env" }]
}
`)
	r.must(nil, "import", "-no-color", "ageenv_bundle.imported", bundle)
	r.must(nil, "import", "-no-color", "ageenv_key.imported", key.keyFile)
	r.must(nil, "import", "-no-color", "ageenv_vultr_startup_script.imported", script.ID)
	r.leakPlanAndApply("imported")
	for _, address := range []string{"ageenv_bundle.imported", "ageenv_key.imported", "ageenv_vultr_startup_script.imported"} {
		r.must(nil, "state", "rm", address)
	}
	r.fails("can't be imported", nil, "import", "-no-color", "ageenv_bundle.imported", plaintext)
	r.fails("can't be imported", nil, "import", "-no-color", "ageenv_key.imported", plaintext)
	r.unconfig("imports.tf")
}

// checkEvidence makes sure that there was something to search.
func (r *leakRun) checkEvidence() {
	r.t.Helper()
	for _, pattern := range []string{"trace.log", "kept/*.tfplan", "kept/*.terraform.tfstate", "kept/*.terraform.tfstate.backup", "work/.terraform/providers/*", "key-command-environment.*"} {
		if found, err := filepath.Glob(filepath.Join(r.root, pattern)); err != nil || len(found) == 0 {
			r.t.Errorf("the runs left no %s to search", pattern)
		}
	}
	trace, err := os.ReadFile(filepath.Join(r.root, "trace.log"))
	if err != nil || !strings.Contains(string(trace), "[TRACE] provider.") {
		r.t.Error("the provider's own trace is not in the log")
	}
	if dumps, err := os.ReadDir(r.protos); err != nil || len(dumps) > 0 {
		r.t.Errorf("the provider wrote %d protocol dumps, and wants to write none", len(dumps))
	}
	var cmdlines, environs int
	for place := range r.procs.seen() {
		if strings.HasPrefix(place, "process list") {
			cmdlines++
		} else {
			environs++
		}
	}
	switch {
	case runtime.GOOS != "linux":
		r.t.Log("the process list and the provider's environment were not searched: that needs Linux")
	case cmdlines == 0:
		r.t.Error("no process was seen")
	case environs == 0 && os.Getuid() == 0:
		r.t.Error("no provider's environment was seen")
	case environs == 0:
		r.t.Log("the provider's environment was not to be seen without being root")
	}
}
