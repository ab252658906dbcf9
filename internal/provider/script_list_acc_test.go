package provider_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// terraform query finds the account's scripts, and writes their configuration.
func TestAccScriptQuery(t *testing.T) {
	w := newWorld(t)
	needActions(t) // lists came with them
	sim, cli := w.simulator(), newCLI(t, w)
	var ids []string
	for _, name := range []string{"app one", "app two", "other"} {
		ids = append(ids, sim.Add(name, base64.StdEncoding.EncodeToString([]byte(personsScript))).ID)
	}
	sim.Alter(sim.Add("app pxe", "IyEK").ID, func(s *vultrsim.Script) { s.Type = "pxe" })
	cli.write(w.config(""))
	list := filepath.Join(cli.dir, "scripts.tfquery.hcl")
	writeFile(t, list, "list \"ageenv_vultr_startup_script\" \"app\" {\n  provider = ageenv\n  config {\n    name_prefix = \"app\"\n  }\n}\n")
	query := func(args ...string) string {
		out, err := cli.plain(append([]string{"query", "-no-color"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	out := query("-generate-config-out=generated.tf")
	for i, want := range []bool{true, true, false} {
		if strings.Contains(out, ids[i]) != want {
			t.Errorf("script %d is found: %t, want %t\n%s", i, !want, want, out)
		}
	}
	if strings.Contains(out, "app pxe") {
		t.Errorf("a script for network boots is found:\n%s", out)
	}
	writeFile(t, list, "list \"ageenv_vultr_startup_script\" \"all\" {\n  provider = ageenv\n  include_resource = true\n  limit = 2\n}\n")
	out = query("-json")
	if found := strings.Count(out, `"type":"list_resource_found"`); found != 2 || strings.Count(out, `"date_created":"2`) != 2 || strings.Contains(out, "Incomplete") {
		t.Errorf("%d scripts are found, with their dates, expected two:\n%s", found, out)
	}
	adoptPlan(t, cli, "Plan: 2 to import, 0 to add, 0 to change, 0 to destroy.")
	cli.must("apply", "-auto-approve")
	cli.must("plan", "-detailed-exitcode")
	if callsOf(sim, "PATCH") != 0 {
		t.Error("the import has changed a script")
	}
}
