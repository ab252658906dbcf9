package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

// ValidateConfig counts the identities. A configuration that says nothing but the
// name is one that Terraform generates for an import.
func (r *scriptResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config scriptModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.saysNothing(config) {
		return
	}
	resp.Diagnostics.Append(checkIdentities(config)...)
}

// identitySources are the ways to give the identity, as a configuration names them.
func (m *scriptModel) identitySources() (names []string, values []attr.Value) {
	return []string{"wrapped_identity_wo", "identity_wo", "identity_file", "identity_command"},
		[]attr.Value{m.WrappedWO, m.IdentityWO, m.IdentityFile, m.IdentityCommand}
}

// checkIdentities reports more than one way to give the identity, or none.
func checkIdentities(config scriptModel) (diags diag.Diagnostics) {
	names, values := config.identitySources()
	var given []string
	for i, value := range values {
		if !value.IsNull() {
			given = append(given, names[i])
		}
	}
	const choose = "Set exactly one of wrapped_identity_wo, identity_wo, identity_file and identity_command."
	switch {
	case len(given) == 0:
		diags.AddAttributeError(filesPath, "No identity", "Nothing opens the files on the box. "+choose)
	case len(given) > 1:
		at := path.Root(given[0])
		if at.Equal(identityWOPath) { // Terraform would print its source, key and all
			at = path.Root(given[1])
		}
		diags.AddAttributeError(at, "More than one identity", strings.Join(given, " and ")+" are set. "+choose)
	}
	return diags
}
