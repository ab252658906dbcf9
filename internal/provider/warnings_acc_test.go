package provider_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
)

// Terraform shows only the first of several warnings with the same summary, and counts
// the others. What tells a person which secrets or scripts are concerned must be seen
// of each resource.
func TestAccEachWarningIsShown(t *testing.T) {
	t.Run("operators and values", func(t *testing.T) {
		w := newWorld(t)
		second := newPerson(t)
		cli := newCLI(t, w)
		write := func(operators, value string) {
			cli.write(w.config(`
resource "ageenv_bundle" "b" {
  for_each   = toset(["ALPHA", "BETA", "GAMMA"])
  entries_wo = { (each.key) = "first", TOKEN = "` + value + `" }
  recipients = []
  operator_recipients = ` + operators + `
}
`))
		}
		write(theOperators(w.operator, second), "canary-first")
		cli.must("apply", "-auto-approve")
		write(theOperators(w.operator), "canary-first")
		badOutput(t, cli.must("plan"), []string{
			"They could read these entries: ALPHA, TOKEN.", "They could read these entries: BETA, TOKEN.", "They could read these entries: GAMMA, TOKEN.",
		}, []string{"more similar warning"})
		cli.must("apply", "-auto-approve")
		write(theOperators(w.operator), "canary-second")
		if out := flat(cli.must("plan")); strings.Count(out, "TOKEN: the configuration gives another value") != 3 {
			t.Errorf("the plan does not say of each bundle why TOKEN changes: %s", out)
		}
	})
	t.Run("scripts that people made", func(t *testing.T) {
		w := newWorld(t)
		sim, cli := w.simulator(), adoptCLI(t, w)
		made := []string{
			sim.Add("app", base64.StdEncoding.EncodeToString([]byte(personsScript))).ID,
			sim.Add("web", base64.StdEncoding.EncodeToString([]byte(personsScript))).ID,
		}
		cli.write(adoptProviders + w.config(adoptService(`"`+made[0]+`"`)+adoptedScript("")) +
			strings.NewReplacer(`"app"`, `"web"`).Replace(adoptedScript("")) + `
import {
  to = ageenv_vultr_startup_script.app
  id = "` + made[0] + `"
}

import {
  to = ageenv_vultr_startup_script.web
  id = "` + made[1] + `"
}
`)
		badOutput(t, cli.must("plan"), []string{"Script " + made[0], "Script " + made[1]}, []string{"more similar warning"})
	})
	t.Run("env texts", func(t *testing.T) {
		w := newWorld(t)
		cli := newCLI(t, w)
		for _, name := range []string{"one.env", "two.env"} {
			writeFile(t, filepath.Join(cli.dir, name), "TOKEN=canary-1\nTOKEN=canary-2\n")
		}
		cli.write(w.config(`
ephemeral "ageenv_dotenv" "texts" {
  for_each = toset(["one.env", "two.env"])
  path     = each.key
}
`))
		badOutput(t, cli.must("plan"), []string{"In " + `"` + filepath.Join(cli.dir, "one.env"), "In " + `"` + filepath.Join(cli.dir, "two.env")}, []string{"more similar warning"})
	})
}
