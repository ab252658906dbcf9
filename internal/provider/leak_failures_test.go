package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
)

// leakFailures are runs that fail with a secret at hand.
func (r *leakRun) leakFailures() {
	r.t.Helper()
	stranger := r.identity("a stranger's identity")
	bad := func(problem, text string) map[string]string {
		canary := r.secret("a line with "+problem, "bad-%s")
		return map[string]string{"TF_VAR_env_text": "GOOD=" + canary + "\n" + strings.ReplaceAll(text, "CANARY", canary)}
	}
	plan := []string{"plan", "-no-color", "-refresh=false"}
	for _, run := range []struct {
		why  string
		vars map[string]string
	}{
		{"Unusable env content", bad("a bad name", "BAD NAME=CANARY\n")},
		{"Unusable env content", bad("an unclosed quote", "OPEN=\"CANARY\n")},
		{"Unusable env content", bad("a reference", "A=CANARY$HOME\n")},
		{"Unusable env content", bad("a doubled $", "A=CANARY$$CANARY\n")},
		{"Unusable env content", bad("a CR", "A=CANARY\rB=CANARY\n")},
		{"Unusable env content", bad("a zero-width space", "CANARY\u200b=CANARY\n")},
		{"Unusable env content", map[string]string{"TF_VAR_reference_text": "A=${" + strings.ReplaceAll(r.secret("a name that is not set", "Unset%s"), "-", "_") + "}\n"}},
		{"Unusable env content", map[string]string{"TF_VAR_reference_text": "A=${B:?" + r.secret("the message of a reference", "msg-%s") + "}\n"}},
		{"Unusable env content", bad("no name", "CANARY\n")},
		{"Unusable env content", map[string]string{"TF_VAR_entries": `{"BAD NAME":"` + r.secret("an entry with a bad name", "ent-%s") + `"}`}},
		{"Malformed identity", map[string]string{"TF_VAR_operator_identity": "AGE-SECRET-KEY-1" + r.secret("a malformed operator identity", "%sX")}},
		{"Malformed identity", map[string]string{"TF_VAR_given_identity": "AGE-SECRET-KEY-1" + r.secret("a malformed travelling identity", "%sX")}},
		{"can't be decrypted with any identity found here", map[string]string{
			"SOPS_AGE_KEY": stranger.identity, "SOPS_AGE_KEY_FILE": stranger.keyFile, "SOPS_AGE_KEY_CMD": "",
			"TF_VAR_operator_identity": stranger.identity, "TF_VAR_identity_file": stranger.keyFile,
		}},
		{"Private key where a recipient belongs", map[string]string{"TF_VAR_escrow": `["` + r.identity("an identity among the escrow recipients").identity + `"]`}},
	} {
		r.fails(run.why, run.vars, plan...)
	}

	pasted := r.identity("an identity pasted into the configuration")
	r.config("fail.tf", fmt.Sprintf("resource \"ageenv_bundle\" \"pasted\" {\n  entries_wo = var.entries\n  recipients = [%q]\n}\n", pasted.identity))
	r.fails("Private key where a recipient belongs", nil, plan...)
	r.leakMisplacedKeys(plan)
	plaintext := r.input("not-sealed.env", "TOKEN="+r.secret("an env file where a bundle belongs", "raw-%s")+"\n")
	r.config("fail.tf", fmt.Sprintf("ephemeral \"ageenv_bundle\" \"unsealed\" {\n  path = %q\n}\n", plaintext))
	r.fails("The bundle can't be opened", nil, plan...)
	for name, c := range map[string]struct{ extension, text, says string }{
		"in clear":    {".yaml", "A: %[1]s\nB_unencrypted: %[1]s\n", "allow_unauthenticated = true"},
		"by a rule":   {".json", `{"A": "%[1]s", "B_unencrypted": {"C": "%[1]s"}}`, "allow_unauthenticated = true"},
		"documents":   {".yaml", "A: %[1]s\n---\nA: %[1]s\n", "several YAML documents"},
		"a warning":   {".yaml", "T: \"True\"\nA: %[1]s\n---\nA: %[1]s\n", "sops does not authenticate a type"},
		"no env text": {".bin", "%[1]s\n", "read_entries = false"},
		"names alike": {".json", `{"a.b": "%[1]s", "a": {"b": "%[1]s"}}`, "two values have this name"},
		"empty name":  {".yaml", "base: &base {\"\": %[1]s}\nweb:\n  <<: *base\n", "base: a name inside it is empty"},
		"no name":     {".env", "export 3D=%[1]s\n", "its entries can't be read"},
	} {
		plain := r.input("unreadable"+c.extension, fmt.Sprintf(c.text, r.secret("a file of sops, "+name, "unr-%s")))
		sealed := r.input("unreadable.enc"+c.extension, realRun(r.t, "AGEENV_TEST_SOPS", "", nil, "--encrypt", "--age", r.recipients, plain))
		r.config("fail.tf", fmt.Sprintf("ephemeral \"ageenv_bundle\" \"unreadable\" {\n  path = %q\n}\n", sealed))
		r.fails(c.says, nil, plan...)
	}
	for format, dialect := range map[string]string{"sops_binary": "docker", "sops_dotenv": "shell"} {
		r.config("fail.tf", fmt.Sprintf("resource \"ageenv_bundle\" \"held\" {\n  entries_wo = var.entries\n  recipients = []\n  format = %q\n  dialect = %q\n}\n", format, dialect))
		r.fails("Unusable env content", nil, plan...)
	}
	for _, value := range []string{"%s$(x)", "`%s\\'\""} {
		r.config("fail.tf", "variable \"for_readers\" {\n  type      = string\n  ephemeral = true\n}\nresource \"ageenv_bundle\" \"not_held\" {\n  entries_wo = { KEY = var.for_readers }\n  recipients = []\n  readers    = [\"compose\", \"next\", \"ruby\"]\n}\n")
		r.fails("Unusable env content", map[string]string{"TF_VAR_for_readers": r.secret("a value that not all readers hold", value)}, plan...)
	}
	r.config("fail.tf", `
resource "ageenv_vultr_startup_script" "malformed" {
  name        = "malformed"
  identity_wo = var.given_identity
  files       = [{ ciphertext_wo = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n", path = "/opt/x" }]
}
`)
	r.fails("The bundle can't be opened with the script's identity", nil, plan...)
	r.unconfig("fail.tf")

	r.leakContent("third")
	interrupted := filepath.Join(r.root, "kept", "interrupted.tfplan")
	r.must(nil, "plan", "-no-color", "-out="+interrupted)
	r.sim.RevokeAPIKey()
	r.fails("Vultr refuses the API key", nil, "apply", "-no-color", interrupted)
	r.fails("reading the startup script failed", nil, "plan", "-no-color")
	r.sim.SetAPIKey(r.vultr)
}

// leakMisplacedKeys are plans with a private key where none belongs.
func (r *leakRun) leakMisplacedKeys(plan []string) {
	r.t.Helper()
	key := func(where string) string { return r.identity("an identity in " + where).identity }
	for where, config := range map[string]string{
		"keepers":         `resource "ageenv_key" "misplaced" { keepers = { a = %q } }`,
		"a keeper's name": `resource "ageenv_key" "misplaced" { keepers = { %q = "a" } }`,
		"algorithm":       `resource "ageenv_key" "misplaced" { algorithm = %q }`,
		"content_version": "resource \"ageenv_bundle\" \"misplaced\" {\n  recipients      = []\n  content_version = %q\n}",
		"path":            `ephemeral "ageenv_bundle" "misplaced" { path = %q }`,
	} {
		// On one line, Terraform would print it with the block's first.
		config = strings.NewReplacer("{ ", "{\n", " }", "\n}").Replace(config)
		r.config("fail.tf", fmt.Sprintf(config, key(where)))
		r.fails("Private key in the wrong place", nil, plan...)
	}
	r.unconfig("fail.tf")
	stranger := r.identity("a stranger's identity, beside a misplaced one")
	r.fails("it holds a private key, and the path of a key file belongs there", map[string]string{
		"SOPS_AGE_KEY": "", "SOPS_AGE_KEY_CMD": "", "SOPS_AGE_KEY_FILE": key("SOPS_AGE_KEY_FILE"),
		"TF_VAR_operator_identity": stranger.identity, "TF_VAR_identity_file": stranger.keyFile,
	}, plan...)
}
