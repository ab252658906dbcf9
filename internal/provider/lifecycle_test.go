package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// oneService is a key, a bundle for it and a script that drops it.
const oneService = `
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first", DB_URL = "postgres://u:p@h/db" }
  recipients = ageenv_key.k.recipients
}

resource "ageenv_vultr_startup_script" "s" {
  name             = "app"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.k.recipient }
}
`

func TestAccOneApply(t *testing.T) {
	w := newWorld(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.config(oneService)},
			{
				Config:           w.config(oneService),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
		},
	})
}
