package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// A script that was imported, or moved from Vultr's own resource, may be a person's
// own work. Until this provider has uploaded something, script_sha256 is null, and:
//
//   - a configuration that gives no content leaves the content as it is;
//   - a plan that would overwrite the content warns, unless this provider made it, too.

// ImportState takes the script's UUID, as the import ID or as the identity.
func (r *scriptResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id, named, diags := importedByID(ctx, req)
	resp.Diagnostics.Append(diags...)
	if !named {
		id = req.ID
	}
	if err := vultr.ValidID(id); err != nil {
		resp.Diagnostics.AddError("The script can't be imported", "The import ID is the startup script's UUID, for example cb676a46-66fd-4dfb-b839-443f2e6c0b60. "+sentence(err))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), id)...)
}

// saysNothing reports whether no content is configured, nor anything about it.
func (m *scriptModel) saysNothing(config scriptModel) bool {
	for _, value := range append(attributeValues(m.bootModel), attr.Value(config.WrappedWO), config.IdentityWO, m.ScrubAfter, m.UploadTriggers) {
		if !value.IsNull() {
			return false
		}
	}
	return true
}

// unmanaged reports whether the content stays as it was found.
func (m *scriptModel) unmanaged(config, state scriptModel) bool {
	return state.ScriptSHA256.IsNull() && m.saysNothing(config)
}

func unmanagedWarning(state scriptModel) (summary, detail string) {
	return "The script's content is not managed", fmt.Sprintf(
		"Script %s keeps the content that it had when it was taken over: nothing here puts files on a box. "+
			"Give it files and an identity. To keep what it does, give its present content as user_script.", state.ID.ValueString())
}

// oursKey is in private state while a script that this resource has not uploaded is
// known to be made by this provider all the same.
const oursKey = "ours"

// noteMaker remembers who made the content that a refresh has found.
func noteMaker(ctx context.Context, body secret.Text, state scriptModel, private privateState) diag.Diagnostics {
	if state.ScriptSHA256.IsNull() && firstboot.IsRendered(body) {
		return private.SetKey(ctx, oursKey, []byte("true"))
	}
	return private.SetKey(ctx, oursKey, nil)
}

// overwriteWarning says that a plan overwrites what a person wrote. It is no warning
// where user_script is what the account holds, byte for byte.
func overwriteWarning(ctx context.Context, change scriptChange, plan, state scriptModel, private privateState) (diags diag.Diagnostics) {
	if !change.render || !state.ScriptSHA256.IsNull() {
		return diags
	}
	ours, diags := private.GetKey(ctx, oursKey)
	given := plan.UserScript.ValueString()
	if diags.HasError() || len(ours) > 0 || given != "" && digest(given) == state.RemoteSHA256.ValueString() {
		return diags
	}
	kept := "To keep what it does, save it and give it as user_script, which runs after the files are in place:"
	switch {
	case plan.UserScript.IsUnknown():
		kept = "user_script is not known yet. This warning is void if it is the script's present content. To save that:"
	case given != "":
		kept = "user_script is not the same text: compare it with the script's present content before you apply. To save that:"
	}
	// The ID is in the summary too: Terraform shows one of many warnings with the same one.
	diags.AddAttributeWarning(filesPath, "The apply overwrites a script that ageenv did not make: "+state.ID.ValueString(), fmt.Sprintf(
		"Script %[1]s (%[2]q, %[3]d bytes) was made elsewhere, and what it does now is lost: the account keeps no copy. "+
			"Its ID stays, so no box is replaced, and running boxes do not notice. New boxes run the new content only.\n\n"+
			"%[4]s\n\n"+
			"    printf 'header = \"Authorization: Bearer %%s\"' \"$VULTR_API_KEY\" |\n"+
			"      curl -sK - https://api.vultr.com/v2/startup-scripts/%[1]s |\n"+
			"      jq -r .startup_script.script | base64 -d > user-script.sh\n\n"+
			"To leave the script alone, don't apply: remove its import or moved block.",
		state.ID.ValueString(), state.Name.ValueString(), state.ScriptBytes.ValueInt64(), kept))
	return diags
}
