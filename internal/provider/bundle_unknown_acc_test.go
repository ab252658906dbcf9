package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// Whatever of a bundle is unknown while it is planned, at its making or later, the
// apply has the right result and the plan after it is empty. What is unknown and
// turns out equal is not encrypted anew.
func TestAccBundleUnknown(t *testing.T) {
	box, other := newPerson(t), newPerson(t)
	for name, arguments := range map[string]string{
		"a value":           fmt.Sprintf("entries_wo = { A = %%s, B = \"2\" }\n  recipients = [%q]", box.recipient),
		"all entries":       fmt.Sprintf("entries_wo = jsondecode(format(\"{\\\"A\\\": %%%%q, \\\"B\\\": \\\"2\\\"}\", %%s))\n  recipients = [%q]", box.recipient),
		"the env text":      fmt.Sprintf("dotenv_wo = \"A=${%%s}\\nB=2\\n\"\n  recipients = [%q]", box.recipient),
		"a recipient":       fmt.Sprintf("entries_wo = { A = \"1\", B = \"2\" }\n  recipients = [%q, element([%q, %q], length(%%s))]", box.recipient, other.recipient, other.recipient),
		"all recipients":    fmt.Sprintf("entries_wo = { A = \"1\", B = \"2\" }\n  recipients = split(\" \", \"%s${substr(%%s, 0, 0)}\")", box.recipient),
		"the operators":     fmt.Sprintf("entries_wo = { A = \"1\", B = \"2\" }\n  recipients = [%q]\n  operator_recipients = split(\" \", \"%%o${substr(%%s, 0, 0)}\")", box.recipient),
		"the format":        fmt.Sprintf("entries_wo = { A = \"1\", B = \"2\" }\n  recipients = [%q]\n  format = \"sops_${replace(%%s, \"/.*/\", \"binary\")}\"", box.recipient),
		"the dialect":       fmt.Sprintf("entries_wo = { A = \"1\", B = \"2\" }\n  recipients = [%q]\n  dialect = \"${replace(%%s, \"/.*/\", \"shell\")}\"", box.recipient),
		"the version":       fmt.Sprintf("entries_wo = { A = \"1\", B = \"2\" }\n  recipients = [%q]\n  content_version = replace(%%s, \"/.*/\", \"v1\")", box.recipient),
		"value and version": fmt.Sprintf("entries_wo = { A = %%s, B = \"2\" }\n  recipients = [%q]\n  content_version = %%s", box.recipient),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			config := func(input string) string {
				filled := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(arguments, "%s", "terraform_data.d.output"), "%o", w.operator.recipient), "%%", "%")
				return w.config(fmt.Sprintf("resource \"terraform_data\" \"d\" {\n  input = %q\n}\n\nresource \"ageenv_bundle\" \"b\" {\n  %s\n}\n", input, filled))
			}
			follows := strings.Contains(arguments, "A = %s") || strings.Contains(arguments, "%%q") || strings.Contains(arguments, "A=$")
			holds := func(input string) after {
				want := "A=1\nB=2\n"
				if follows {
					want = "A=" + input + "\nB=2\n"
				}
				return stateOpens(t, want, box, w.operator)
			}
			var ciphertext string
			kept := stateSame(t, &ciphertext, bundleAddress, "ciphertext")
			if follows {
				kept = stateChanged(t, &ciphertext, bundleAddress, "ciphertext")
			}
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config("first"), ConfigStateChecks: looks(holds("first"), stateKeep(&ciphertext, bundleAddress, "ciphertext"))},
					{Config: config("first"), ConfigPlanChecks: plannedEmpty},
					// Unknown again, now that it is there.
					{
						Config:            config("second"),
						ConfigPlanChecks:  planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate}),
						ConfigStateChecks: looks(holds("second"), kept),
					},
					{Config: config("second"), ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}

// An ephemeral that is not yet there while it is planned: it reads what the same
// apply makes, in a format that shows nothing unopened.
func TestAccBundleOfEphemeralNotThere(t *testing.T) {
	for _, format := range bundle.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := newWorld(t)
			config := func(value string) string {
				return w.config(fmt.Sprintf(`
resource "ageenv_bundle" "source" {
  entries_wo = { A = %q }
  recipients = []
  %s
}

ephemeral "ageenv_bundle" "source" {
  ciphertext = ageenv_bundle.source.ciphertext
  format     = ageenv_bundle.source.format
}

resource "ageenv_bundle" "b" {
  entries_wo = ephemeral.ageenv_bundle.source.entries
  recipients = []
}
`, value, formatArgument(format)))
			}
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config("1"), ConfigStateChecks: looks(stateOpens(t, "A=1\n", w.operator))},
					{Config: config("1"), ConfigPlanChecks: plannedEmpty},
					{Config: config("2"), ConfigStateChecks: looks(stateOpens(t, "A=2\n", w.operator))},
					{Config: config("2"), ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}
