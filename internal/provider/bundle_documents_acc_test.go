package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// documentHolds is an error unless the bundle has these entries, in this order.
func documentHolds(t *testing.T, format bundle.Format, want string, people ...person) after {
	return func(a attributes) {
		for _, p := range people {
			opened, err := ownSource(format).Open(a.text(bundleAddress, "ciphertext"), p.identities(t))
			if err != nil {
				t.Fatal(err)
			}
			content, err := opened.Read(bundle.Params{Dialect: dotenv.Compose})
			var got strings.Builder
			for _, line := range content.Document.Lines {
				fmt.Fprintf(&got, "%s=%q ", line.Key, line.Value.Reveal())
			}
			if err != nil || got.String() != want {
				t.Errorf("it holds %s(%v), expected %s", got.String(), err, want)
			}
		}
	}
}

// Empty values and texts that could be something else stay as they are, plan after plan,
// and nothing is read from the configuration while content_version stays.
func TestAccDocuments(t *testing.T) {
	for _, format := range []bundle.Format{bundle.SOPSYAML, bundle.SOPSJSON, bundle.SOPSKubernetes} {
		t.Run(string(format), func(t *testing.T) {
			w := newWorld(t)
			box := newPerson(t)
			config := func(text string, more ...string) string {
				return bundleConfig(w, append(more, fmt.Sprintf("dotenv_wo = %q", text), bundleRecipients(box), formatArgument(format))...)
			}
			const text = "# dropped\nZ=True\nEMPTY=\nA=1\n"
			const holds = `Z="True" EMPTY="" A="1" `
			update := planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate})
			var ciphertext string
			reordered := documentHolds(t, format, `A="1" EMPTY="" Z="True" `, box)
			if format == bundle.SOPSKubernetes { // the data of a Secret have no order
				reordered = stateSame(t, &ciphertext, bundleAddress, "ciphertext")
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
				{Config: config(text), ConfigStateChecks: looks(documentHolds(t, format, holds, box, w.operator), stateKeep(&ciphertext, bundleAddress, "ciphertext"))},
				{Config: config(text), ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext"))},
				{Config: config(text + "B=2\n"), ConfigPlanChecks: update, ConfigStateChecks: looks(documentHolds(t, format, holds+`B="2" `, box))},
				{Config: config(text), ConfigPlanChecks: update, ConfigStateChecks: looks(documentHolds(t, format, holds, box))},
				{Config: config("# other\n" + text), ConfigStateChecks: looks(documentHolds(t, format, holds, box), stateKeep(&ciphertext, bundleAddress, "ciphertext"))},
				{Config: config("A=1\nEMPTY=\nZ=True\n"), ConfigStateChecks: looks(reordered)},
				{Config: config(text), ConfigStateChecks: looks(documentHolds(t, format, holds, box))},
				{Config: config(text, `content_version = "1"`), ConfigPlanChecks: update},
				{Config: config("NOT=read\n", `content_version = "1"`), ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(documentHolds(t, format, holds, box))},
			}})
		})
	}
}

// What a manifest says beside the entries is followed, and carries them over.
func TestAccKubernetes(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	config := func(kubernetes string) string {
		return w.config(fmt.Sprintf(`
resource "terraform_data" "later" {
  input = "later"
}

resource "ageenv_bundle" "b" {
  entries_wo      = { A = "1" }
  content_version = "1"
  recipients      = [%q]
  format          = "sops_kubernetes"
  kubernetes      = { %s }
}
`, box.recipient, kubernetes))
	}
	says := func(want ...string) after {
		return func(a attributes) {
			for _, text := range want {
				if !strings.Contains(a.text(bundleAddress, "ciphertext"), text) {
					t.Errorf("there is no %q in\n%s", text, a.text(bundleAddress, "ciphertext"))
				}
			}
			documentHolds(t, bundle.SOPSKubernetes, `A="1" `, box, w.operator)(a)
		}
	}
	update := planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate})
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config(`name = "app"`), ConfigStateChecks: looks(says("    name: app\n", "type: Opaque\n", "data:\n    A: ENC["))},
		{Config: config(`name = "app", labels = { team = null }`), ConfigPlanChecks: update},
		{Config: config(`name = "app", namespace = "prod"`), ConfigPlanChecks: update, ConfigStateChecks: looks(says("    namespace: prod\n"))},
		{Config: config(`name = "app", namespace = "prod", labels = { team = terraform_data.later.id }`), ConfigPlanChecks: update, ConfigStateChecks: looks(says("        team: "))},
		{Config: config(`name = "app", namespace = "prod", labels = { team = terraform_data.later.id }`), ConfigPlanChecks: plannedEmpty},
		{Config: config(`name = "app", annotations = { "x.io/note" = "two\nlines" }`), ConfigPlanChecks: update, ConfigStateChecks: looks(says("        x.io/note: |-\n            two\n"))},
		{Config: config(`name = "app", annotations = { "x.io/note" = "two\nlines" }`), ConfigPlanChecks: plannedEmpty},
	}})
}

// Documents and manifests that sops made are taken over.
func TestAccDocumentImports(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: app\n    namespace: prod\n    labels:\n        team: a\ntype: Opaque\n"
	const kubernetes = `kubernetes = { name = "app", namespace = "prod", labels = { team = "a" }, type = "Opaque" }`
	const inOrder = `B="1" A="x" `
	byRule := []string{"--encrypted-regex", "^(data|stringData)$"}
	for name, tt := range map[string]struct {
		made      func(t *testing.T, w *world, file string)
		format    bundle.Format
		arguments []string
		holds     string
		anew      bool
	}{
		"yaml":                 {encryptedFile(".yaml", "B: \"1\"\nA: x\n"), bundle.SOPSYAML, nil, inOrder, false},
		"yaml, an empty value": {encryptedFile(".yaml", "B: \"1\"\nA: \"\"\n"), bundle.SOPSYAML, nil, `B="1" A="" `, false},
		"yaml, another MAC":    {encryptedFile(".yaml", "B: \"1\"\nA: x\n", "--mac-only-encrypted"), bundle.SOPSYAML, nil, inOrder, true},
		"json":                 {encryptedFile(".json", `{"B": "1", "A": "x"}`), bundle.SOPSJSON, nil, inOrder, false},
		"secret":               {encryptedFile(".yaml", manifest+"data:\n    B: MQ==\n    A: eA==\n", byRule...), bundle.SOPSKubernetes, []string{kubernetes}, inOrder, false},
		"secret, a comment":    {encryptedFile(".yaml", "# by hand\n"+manifest+"data:\n    B: MQ==\n    A: eA==\n", byRule...), bundle.SOPSKubernetes, []string{kubernetes}, inOrder, true},
		// stringData wins name by name, in no order.
		"secret, stringData": {encryptedFile(".yaml", manifest+"stringData:\n    B: \"1\"\n    A: x\n", byRule...), bundle.SOPSKubernetes, []string{kubernetes}, `A="x" B="1" `, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := filepath.Join(t.TempDir(), "app")
			tt.made(t, w, file)
			config := bundleConfig(w, append(tt.arguments, "recipients = []", fmt.Sprintf("format = %q", tt.format))...)
			next := resource.TestStep{Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(documentHolds(t, tt.format, tt.holds, w.operator), func(a attributes) {
				if content, err := os.ReadFile(file); err != nil || a.text(bundleAddress, "ciphertext") != string(content) {
					t.Errorf("the ciphertext is not the file's: %v", err)
				}
			})}
			if tt.anew {
				next.ConfigPlanChecks = planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate})
				next.ConfigStateChecks = looks(documentHolds(t, tt.format, tt.holds, w.operator))
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
				{Config: config, ResourceName: bundleAddress, ImportState: true, ImportStatePersist: true, ImportStateId: file},
				next,
				{Config: config, ConfigPlanChecks: plannedEmpty},
			}})
		})
	}
}

// Of the manifest of a Secret the entries are read, as the cluster has them: stringData
// wins. What is in clear is authenticated by the MAC.
func TestAccEphemeralReadsASecret(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: app\ntype: Opaque\ndata:\n    A: MQ==\n    B: Mg==\nstringData:\n    B: three\n    tls.crt: |\n        four\n"
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "app.yaml")
	encryptedFile(".yaml", manifest, "--encrypted-regex", "^(data|stringData)$")(t, w, file)
	config := w.config(fmt.Sprintf("ephemeral \"ageenv_bundle\" \"e\" {\n  path = %q\n  format = \"sops_kubernetes\"\n}\n", file))
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{{
		Config:            config + echoed("ephemeral.ageenv_bundle.e"),
		ConfigStateChecks: looks(echoFile(t, "sops_kubernetes", manifest, map[string]string{"A": "1", "B": "three", "tls.crt": "four\n"})),
	}}})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, strings.Replace(string(text), "name: app", "name: other", 1))
	c := newCLI(t, w)
	c.write(config)
	out, err := c.run("plan")
	if exitCode(err) != 1 {
		t.Errorf("a manifest that was changed in clear: the plan ends with %v", err)
	}
	badOutput(t, out, []string{"The bundle can't be opened", "changed after it was encrypted"}, []string{"three"})
}

// What a plan refuses of documents and manifests.
func TestAccBadDocuments(t *testing.T) {
	given := func(arguments ...string) string {
		return "resource \"ageenv_bundle\" \"b\" {\n  recipients = []\n  " + strings.Join(arguments, "\n  ") + "\n}\n"
	}
	const format = `format = "sops_kubernetes"`
	secret := func(kubernetes string) string {
		return given(`entries_wo = { A = "canary" }`, format, "kubernetes = { "+kubernetes+" }")
	}
	badTable(t, map[string]badInput{
		"no manifest": {config: given(`entries_wo = { A = "canary" }`, format), says: []string{"No name for the Secret", `set kubernetes = { name = "…" }`}, hides: []string{"canary"}},
		"manifest without effect": {
			config: given(`entries_wo = { A = "x" }`, `kubernetes = { name = "app" }`),
			says:   []string{"kubernetes has no effect", `Only format = "sops_kubernetes"`},
		},
		"name":                 {config: secret(`name = "App_1"`), says: []string{"kubernetes.name is not a name of a Kubernetes object"}},
		"namespace":            {config: secret(`name = "app", namespace = "a.b"`), says: []string{"kubernetes.namespace is not a name of a Kubernetes namespace"}},
		"type":                 {config: secret(`name = "app", type = "a b"`), says: []string{"kubernetes.type is not a type of a Kubernetes Secret"}},
		"label":                {config: secret(`name = "app", labels = { team = "a b" }`), says: []string{"kubernetes.labels: \"team\": the value is not one of a label"}},
		"label's key":          {config: secret(`name = "app", labels = { "a/b/c" = "x" }`), says: []string{"kubernetes.labels: \"a/b/c\": the key is not one of a label"}},
		"label that sops sees": {config: secret(`name = "app", labels = { data = "x" }`), says: []string{"kubernetes.labels: \"data\": sops encrypts what is under this key"}},
		"annotation":           {config: secret(`name = "app", annotations = { note = "ENC[x" }`), says: []string{"kubernetes.annotations: \"note\": the value begins with ENC["}},
		"entries of a type":    {config: secret(`name = "app", type = "kubernetes.io/tls"`), says: []string{"Entries are missing", "type kubernetes.io/tls without these entries: tls.crt, tls.key"}},
		"entry of a type":      {config: given(`entries_wo = { ".dockerconfigjson" = "canary" }`, format, `kubernetes = { name = "app", type = "kubernetes.io/dockerconfigjson" }`), says: []string{"In entries_wo: .dockerconfigjson: the value is not a JSON object"}, hides: []string{"canary"}},
		"annotation of a type": {config: secret(`name = "app", type = "kubernetes.io/service-account-token"`), says: []string{"Secret of type kubernetes.io/service-account-token needs the annotation kubernetes.io/service-account.name"}, hides: []string{"canary"}},
		"too large":            {config: given(`entries_wo = { A = join("", [for i in range(1000) : format("%1050s", "canary")]) }`, format, `kubernetes = { name = "app" }`), says: []string{"a Kubernetes Secret holds 1048576"}, hides: []string{"canary"}},
		"entry's name":         {config: given(`entries_wo = { "a b" = "canary" }`, `format = "sops_yaml"`), says: []string{`In entries_wo: "a b": the name is not one that sops_yaml holds`}, hides: []string{"canary"}},
		"entry named sops":     {config: given(`entries_wo = { sops = "canary" }`, `format = "sops_json"`), says: []string{"In entries_wo: sops: sops keeps its metadata under this name"}, hides: []string{"canary"}},
		"entry in clear":       {config: given(`entries_wo = { K_unencrypted = "canary" }`, `format = "sops_yaml"`), says: []string{"In entries_wo: K_unencrypted: sops stores names that end in _unencrypted in clear"}, hides: []string{"canary"}},
		"tab first":            {config: given(`entries_wo = { K = "\tcanary\nx" }`, `format = "sops_yaml"`), says: []string{"In entries_wo: K: sops can't print a value of several lines that begins with a tab as YAML: use format sops_json"}, hides: []string{"canary"}},
		"private key":          {config: secret(`name = "app", labels = { "` + newPerson(t).identity + `" = "x" }`), says: []string{"private key"}, hides: []string{"AGE-SECRET-KEY-1"}},
	})
}
