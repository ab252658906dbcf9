package provider_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// A key or a bundle can't be found by its identity, and the error says how it is.
func TestAccImportByIdentityOfState(t *testing.T) {
	w := newWorld(t)
	needIdentity(t)
	cli := newCLI(t, w)
	for address, says := range map[string]string{"ageenv_key.k": `id = "age.key"`, "ageenv_bundle.b": "The import ID is the path of a bundle"} {
		cli.write(w.config("import {\n  to = " + address + "\n  identity = { id = \"x\" }\n}\nresource \"ageenv_key\" \"k\" {}\nresource \"ageenv_bundle\" \"b\" {\n  recipients = []\n}\n"))
		if out, err := cli.run("plan"); err == nil || !strings.Contains(flat(out), says) {
			t.Errorf("%s: %v\n%s", address, err, out)
		}
	}
}

// Each resource has its id as its identity; a state that was made without identities
// gets them, and nothing else changes.
func TestAccResourceIdentity(t *testing.T) {
	w := newWorld(t)
	needIdentity(t)
	cli := newCLI(t, w)
	cli.write(w.config(oneService))
	cli.must("apply", "-auto-approve")
	wantIdentities(t, cli)
	cli.write(w.config(strings.Replace(oneService, `"first"`, `"second"`, 1)))
	cli.must("apply", "-auto-approve")
	wantIdentities(t, cli)

	var state map[string]any
	if err := json.Unmarshal(cli.state(), &state); err != nil {
		t.Fatal(err)
	}
	for _, instance := range identityInstances(state) {
		delete(instance, "identity")
		delete(instance, "identity_schema_version")
	}
	without, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(cli.dir, "terraform.tfstate"), string(without))
	cli.must("plan", "-detailed-exitcode")
	cli.write(w.config(strings.Replace(oneService, `"first"`, `"third"`, 1)))
	cli.must("apply", "-auto-approve", "-refresh=false")
	cli.must("refresh")
	wantIdentities(t, cli)
}

func identityInstances(state map[string]any) (instances []map[string]any) {
	resources, _ := state["resources"].([]any)
	for _, r := range resources {
		resource, _ := r.(map[string]any)
		all, _ := resource["instances"].([]any)
		for _, i := range all {
			if instance, ok := i.(map[string]any); ok {
				instances = append(instances, instance)
			}
		}
	}
	return instances
}

func wantIdentities(t *testing.T, cli *cliRun) {
	t.Helper()
	var state map[string]any
	if err := json.Unmarshal(cli.state(), &state); err != nil {
		t.Fatal(err)
	}
	instances := identityInstances(state)
	if len(instances) != 3 {
		t.Fatalf("%d resources are in the state", len(instances))
	}
	for _, instance := range instances {
		identity, _ := instance["identity"].(map[string]any)
		attributes, _ := instance["attributes"].(map[string]any)
		if identity["id"] == nil || identity["id"] != attributes["id"] {
			t.Errorf("the identity is %v, and the id %v", identity, attributes["id"])
		}
	}
}
