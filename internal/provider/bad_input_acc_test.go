package provider_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
)

// badInput is a configuration that a plan refuses.
type badInput struct {
	provider string            // the provider block; "" is the world's, "none" is none
	config   string            // the rest
	vars     map[string]string // ephemeral variables, declared by the test
	env      map[string]string // over the world's; a value "-" removes
	says     []string          // what is printed, line breaks aside
	hides    []string          // what is printed nowhere, source snippets included
}

// plan plans it with a real CLI and holds all that is printed against it.
func (b badInput) plan(t *testing.T) {
	t.Helper()
	w := newWorld(t)
	out, err := b.cli(t, w).run("plan")
	if exitCode(err) != 1 {
		t.Fatalf("the plan ends with %v:\n%s", err, out)
	}
	badOutput(t, out, b.says, b.hides)
}

// cli is a CLI with the configuration, the environment and the variables.
func (b badInput) cli(t *testing.T, w *world) *cliRun {
	t.Helper()
	env := maps.Clone(w.env)
	for name, value := range b.env {
		if env[name] = value; value == "-" {
			delete(env, name)
		}
	}
	config := b.config
	for name, value := range b.vars {
		env["TF_VAR_"+name] = value
		config += fmt.Sprintf("\nvariable %q {\n  type      = string\n  ephemeral = true\n}\n", name)
	}
	switch b.provider {
	case "":
		config = w.config(config)
	case "none":
	default:
		config = b.provider + "\n" + config
	}
	c := newCLI(t, &world{t: t, env: env})
	c.write(config)
	return c
}

// badOutput holds what a CLI printed against what it has to say and to hide. The
// CLI breaks lines as it likes.
func badOutput(t *testing.T, out string, says, hides []string) {
	t.Helper()
	words := strings.Join(strings.Fields(out), " ")
	for _, part := range says {
		if !strings.Contains(words, strings.Join(strings.Fields(part), " ")) {
			t.Errorf("it does not say %q:\n%s", part, out)
		}
	}
	solid := strings.Join(strings.Fields(out), "")
	for _, secret := range hides {
		if strings.Contains(solid, strings.Join(strings.Fields(secret), "")) {
			t.Errorf("it shows %q:\n%s", secret, out)
		}
	}
}

// badTable plans each.
func badTable(t *testing.T, cases map[string]badInput) {
	t.Helper()
	for name, b := range cases {
		t.Run(name, b.plan)
	}
}

const noIdentity = "-"

// alone is an environment without any identity.
var alone = map[string]string{"SOPS_AGE_KEY_FILE": noIdentity}

// homeWithSSHKey is a home directory with an SSH key in it.
func homeWithSSHKey(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(home, ".ssh", "id_ed25519"), agekeytest.FixedSSHEd25519(t).Text().Reveal())
	return home
}

func TestAccBadRecipients(t *testing.T) {
	const expected = "This is not a recipient: expected age1…, age1pq1…, age1NAME1… of an age plugin, ssh-ed25519 … or ssh-rsa …, whole and unaltered."
	good, pq := newPerson(t), hybridPerson(t)
	badTable(t, map[string]badInput{
		"malformed, key": {
			config: `resource "ageenv_key" "k" { escrow_recipients = ["age1nonsense"] }`,
			says:   []string{"Error: Malformed recipient", "with ageenv_key.k", `In escrow_recipients: "age1nonsense" can't be used. ` + expected},
		},
		"malformed, bundle": {
			config: badBundle("TOKEN = \"x\"", `["age1nonsense", "`+good.recipient+`"]`),
			says:   []string{"Error: Malformed recipient", ": recipients = [", `In recipients: "age1nonsense" can't be used. ` + expected},
		},
		"malformed, provider": {
			provider: `provider "ageenv" { escrow_recipients = ["bob"] }`, config: `resource "ageenv_key" "k" {}`,
			says: []string{"Error: Malformed recipient", `in provider "ageenv"`, "In escrow_recipients: the element of 3 bytes that begins neither with age1 nor with ssh- (it is not repeated here) can't be used. " + expected},
		},
		"two of three": {
			config: `resource "ageenv_key" "k" { escrow_recipients = ["` + good.recipient + `", "` + good.recipient[:40] + `", "ssh-ed25519 AAAA nobody"] }`,
			says:   []string{`"` + good.recipient[:40] + `" can't be used.`, `"ssh-ed25519 AAAA nobody" can't be used.`},
		},
		"of a plugin, cut off": {
			config: `resource "ageenv_key" "k" { escrow_recipients = ["age1yubikey1qwerty"] }`,
			says:   []string{"Error: Malformed recipient", `"age1yubikey1qwerty" can't be used. ` + expected},
		},
		"several in one": {
			config: badBundle("TOKEN = \"x\"", `["`+good.recipient+","+pq.recipient+`"]`),
			says: []string{
				"Error: Malformed recipient", "In recipients: \"" + good.recipient, "This is a list of recipients, and each element is one: write [\"age1…\", \"age1…\"] for \"age1…,age1…\"",
				`[for line in split("\n", file("recipients.txt")) : trimspace(line) if can(regex("^(age1|ssh-)", line))]`,
			},
		},
		"a secret after a recipient": {
			config: badBundle("TOKEN = \"x\"", `["`+good.recipient+`,secret-canary"]`),
			says:   []string{"In recipients: \"" + good.recipient + "\" and what follows it can't be used. This is a list of recipients"},
		},
		"a secret in an SSH key's place": {
			config: badBundle("TOKEN = \"x\"", `["ssh-ed25519 AAAA me, secret-canary"]`),
			says:   []string{"In recipients: \"ssh-ed25519 AAAA me\" and what follows it can't be used."},
		},
		"a recipients file": {
			config: badBundle("TOKEN = \"x\"", `["# alice\n`+good.recipient+`\n"]`),
			says:   []string{"In recipients: the element of 71 bytes that begins neither with age1 nor with ssh- (it is not repeated here) can't be used. This is a list of recipients"},
		},
		"a user's SSH key is no operator": {
			provider: "none", config: `resource "ageenv_key" "k" {}`, env: map[string]string{"SOPS_AGE_KEY_FILE": noIdentity, "HOME": homeWithSSHKey(t)},
			says: []string{"Error: No escrow recipient"},
		},
		"no escrow for a key": {
			provider: "none", config: `resource "ageenv_key" "k" {}`, env: alone,
			says: []string{
				"Error: No escrow recipient", "with ageenv_key.k", "Nobody could ever open it again.",
				"Set escrow_recipients in the provider's configuration (or escrow_recipients here) to the operators' recipients; age-keygen makes a key and prints its recipient.",
				"Only where neither is set, the recipients of this machine's identities are taken.",
			},
		},
		"an empty escrow": {
			config: `resource "ageenv_key" "k" { escrow_recipients = [] }`,
			says:   []string{"Error: No escrow recipient", "escrow_recipients = []"},
		},
		"no operator for a bundle": {
			provider: "none", config: badBundle(`TOKEN = "x"`, `["`+good.recipient+`"]`), env: alone,
			says: []string{
				"Error: No operator recipient", "with ageenv_bundle.b",
				"Only the recipients could open the bundle: whoever runs Terraform would be locked out. Set escrow_recipients in the provider's configuration, or operator_recipients here; operator_recipients = [] opts out.",
			},
		},
		"nobody at all": {
			config: `resource "ageenv_bundle" "b" {
  entries_wo          = { TOKEN = "x" }
  recipients          = []
  operator_recipients = []
}`,
			says: []string{"Error: No recipient", ": recipients = []", "Neither recipients nor operator_recipients name anybody: nobody could ever open the bundle. Name one at least."},
		},
		"no recipients argument": {
			config: `resource "ageenv_bundle" "b" { entries_wo = { TOKEN = "x" } }`,
			says:   []string{"Error: No recipients", "Set recipients: who is to open the bundle, usually ageenv_key.….recipients. For operators alone, set recipients = []."},
		},
		"a mix that age forbids": {
			config: `resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "x" }
  format     = "age_dotenv"
  recipients = ["` + pq.recipient + `"]
}`,
			says: []string{
				"Error: Recipients can't be mixed", ": recipients = [", "Age can't mix post-quantum recipients (age1pq1…) with classic ones (age1…, ssh-…) in one file",
				`Or use format = "sops_dotenv", which seals to each recipient on its own.`,
			},
		},
		"a mix for a wrap": {
			config: `resource "ageenv_key" "k" { escrow_recipients = ["` + pq.recipient + `", "` + good.recipient + `"] }`,
			says:   []string{"Error: Recipients can't be mixed", "with ageenv_key.k", "use recipients of one class."},
		},
	})
}

// badBundle is a bundle whose entries are literals.
func badBundle(entries, recipients string) string {
	return fmt.Sprintf("resource \"ageenv_bundle\" \"b\" {\n  entries_wo = { %s }\n  recipients = %s\n}\n", entries, recipients)
}

// A private key that was pasted where a recipient belongs is shown nowhere, though
// it stands in the configuration that the CLI quotes from.
func TestAccPrivateKeyAsRecipient(t *testing.T) {
	good, leaked, pq := newPerson(t), newPerson(t), hybridPerson(t)
	cases := map[string]badInput{}
	for kind, key := range map[string]string{"": leaked.identity, ", lower case": strings.ToLower(leaked.identity), ", hybrid": pq.identity, ", cut off": leaked.identity[:40]} {
		says := func(attribute, where string) []string {
			return []string{"Error: Private key where a recipient belongs", where, "In " + attribute + ": This is a private key (identity), and a recipient is a public one: " +
				"give its public half (age-keygen -y FILE prints it, and the comment above an age plugin's identity names it), and treat the key as leaked if it was saved or committed like this."}
		}
		hides := []string{key[15:], strings.ToUpper(key[15:])}
		set := `["` + good.recipient + `", "` + key + `"]`
		cases["key.escrow_recipients"+kind] = badInput{
			config: "resource \"ageenv_key\" \"k\" {\n  escrow_recipients = " + set + "\n}\n", hides: hides,
			says: says("escrow_recipients", "with ageenv_key.k"),
		}
		cases["bundle.recipients"+kind] = badInput{
			config: badBundle(`TOKEN = "x"`, set), hides: hides,
			says: says("recipients", "with ageenv_bundle.b"),
		}
		cases["bundle.operator_recipients"+kind] = badInput{
			config: badBundle(`TOKEN = "x"`, "[]\n  operator_recipients = "+set), hides: hides,
			says: says("operator_recipients", "with ageenv_bundle.b"),
		}
		cases["provider.escrow_recipients"+kind] = badInput{
			provider: "provider \"ageenv\" {\n  escrow_recipients = " + set + "\n}\n", config: `resource "ageenv_key" "k" {}`, hides: hides,
			says: says("escrow_recipients", `in provider "ageenv"`),
		}
	}
	badTable(t, cases)
}

func TestAccMalformedIdentities(t *testing.T) {
	good := newPerson(t)
	cut := good.identity[:len(good.identity)-5]
	says := func(where string) []string {
		return []string{"Error: Malformed identity", where, "Line 1: this is not an identity: expected AGE-SECRET-KEY-1…, AGE-SECRET-KEY-PQ-1… or AGE-PLUGIN-NAME-1…, whole and unaltered."}
	}
	block := func(element string) string {
		return "provider \"ageenv\" {\n  identities = [\n    var.good,\n    " + element + ",\n  ]\n  escrow_recipients = [\"" + good.recipient + "\"]\n}\n"
	}
	bundle := "ephemeral \"ageenv_bundle\" \"e\" {\n  ciphertext = \"x\"\n  identity   = "
	badTable(t, map[string]badInput{
		"provider, a variable": {
			provider: block("var.bad"), vars: map[string]string{"good": good.identity, "bad": cut},
			config: `resource "ageenv_key" "k" {}`, says: says("In identities[1]: "), hides: []string{cut[20:]},
		},
		"provider, a literal": {
			provider: block(`"` + cut + `"`), vars: map[string]string{"good": good.identity},
			config: `resource "ageenv_key" "k" {}`, says: says("In identities[1]: "), hides: []string{cut[20:]},
		},
		"ephemeral bundle, a literal": {
			config: bundle + `"` + cut + "\"\n}\n", says: says("In identity: "), hides: []string{cut[20:]},
		},
		"script, a literal": {
			config: badScript(badFile(t, good), `identity_wo = "`+cut+`"`), says: says("In identity_wo: "), hides: []string{cut[20:]},
		},
	})
}
