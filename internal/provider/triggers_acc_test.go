package provider_test

import (
	"strings"
	"testing"
)

// Terraform and OpenTofu accept that a null is planned as absent, in every map of
// triggers.
func TestAccTriggersNull(t *testing.T) {
	w := newWorld(t)
	c := newCLI(t, w)
	text := func(triggers string) string {
		text := strings.Replace(oneService, `"k" {}`, "\"k\" {\n  keepers = "+triggers+"\n}", 1)
		text = strings.Replace(text, "  entries_wo =", "  generated = { MADE = { bytes = 32, keepers = "+triggers+" } }\n  entries_wo =", 1)
		return w.config(strings.Replace(text, "  replace_triggers = { recipient = ageenv_key.k.recipient }", "  replace_triggers = "+triggers+"\n  upload_triggers = "+triggers, 1))
	}
	c.write(text(`{ a = "1" }`))
	c.must("apply", "-auto-approve")
	for _, triggers := range []string{`{ a = "1", b = null }`, `{ a = "1", c = null }`, `{ a = "1" }`} {
		c.write(text(triggers))
		if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
			t.Errorf("%s: the plan is not empty: %v\n%s", triggers, err, out)
		}
	}
	c.write(text(`{ a = "1", b = "2" }`))
	if out := c.must("plan"); strings.Count(out, "must be replaced") != 2 || strings.Count(out, "will be updated in-place") != 1 {
		t.Errorf("a value is added, and the plan is:\n%s", out)
	}
}
