package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// missingWarning is for a script that the account does not have. An account can't be
// told from another by its API, so a script that was deleted looks like one that is in
// the account which the resource's provider, or its key, belonged to before. There it
// still is, with an identity that opens the bundles.
func (m *scriptModel) missingWarning(then string) diag.Diagnostic {
	id := m.ID.ValueString()
	old := "It can be deleted there."
	if !m.IdentityRecipient.IsNull() && !m.isScrubbed() {
		old = fmt.Sprintf("It holds the identity of %s: who can read that account can open the bundles. Delete script %s there, or replace the key as well.",
			m.IdentityRecipient.ValueString(), id)
	}
	// The ID is in the summary too: Terraform shows one of many warnings with the same one.
	return diag.NewWarningDiagnostic("Startup script "+id+" is not in this account", fmt.Sprintf(
		"The account of the API key has no startup script %s (%q). %s\n\n"+
			"If it was deleted, there is nothing to do. "+
			"If this resource has another provider (an alias) or another API key than before, the script is still in the other account. %s\n\n"+
			"To move a service to another account, change the name of the resource together with its provider: then Terraform deletes the old script with the old provider.",
		id, m.Name.ValueString(), then, old))
}
