package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A resource's identity is its id: Terraform 1.12 and OpenTofu 1.12 keep it next to
// the state, and find a resource by it. Older ones don't ask.

// idIdentity is the identity schema of a resource that its id alone tells apart.
func idIdentity(resp *resource.IdentitySchemaResponse, description string) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true, Description: description},
	}}
}

// setIdentity stores the id as the identity.
func setIdentity(ctx context.Context, identity *tfsdk.ResourceIdentity, id types.String) diag.Diagnostics {
	return identity.SetAttribute(ctx, path.Root("id"), id)
}

// importedByID reports whether an import names an identity. Its id is returned.
func importedByID(ctx context.Context, req resource.ImportStateRequest) (id string, named bool, diags diag.Diagnostics) {
	if req.ID != "" || req.Identity == nil || req.Identity.Raw.IsNull() {
		return "", false, nil
	}
	var text types.String
	diags = req.Identity.GetAttribute(ctx, path.Root("id"), &text)
	return text.ValueString(), true, diags
}
