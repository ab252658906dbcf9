package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

var (
	_ action.ActionWithConfigure  = &scrubAction{}
	_ action.ActionWithModifyPlan = &scrubAction{}
)

// scrubAction scrubs a startup script at once.
type scrubAction struct {
	settings *settings
}

func newScrubAction() action.Action { return &scrubAction{} }

type scrubActionModel struct {
	ScriptID types.String `tfsdk:"script_id"`
}

var scriptIDPath = path.Root("script_id")

func (a *scrubAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_vultr_startup_script_scrub"
}

func (a *scrubAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Takes the secret out of a startup script in the account, at once: its body is replaced by a placeholder that fails when a box boots it, and says so. " +
			"The script keeps its ID, and boxes that have started keep their files. The next refresh of the `ageenv_vultr_startup_script` sees it (`scrubbed`), and leaves it so until the script's inputs change.\n\n" +
			"Needs Terraform 1.14. Elsewhere, `scrub_after` of the resource does it after a time.",
		Attributes: map[string]schema.Attribute{
			"script_id": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The script's ID: `ageenv_vultr_startup_script.….id`. A script that was not made by this provider is refused.",
			},
		},
	}
}

func (a *scrubAction) Configure(_ context.Context, req action.ConfigureRequest, resp *action.ConfigureResponse) {
	a.settings = configured(req.ProviderData, &resp.Diagnostics)
}

func (a *scrubAction) ModifyPlan(ctx context.Context, req action.ModifyPlanRequest, resp *action.ModifyPlanResponse) {
	var config scrubActionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.ScriptID.IsUnknown() {
		return
	}
	if err := vultr.ValidID(config.ScriptID.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(scriptIDPath, "The script can't be scrubbed", sentence(err))
	}
}

func (a *scrubAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config scrubActionModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	client, diags := a.settings.knownVultr()
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := config.ScriptID.ValueString()
	found, err := client.GetScript(ctx, id)
	if err != nil {
		resp.Diagnostics.AddError(vultrFailed("reading the startup script", err))
		return
	}
	switch {
	case found.IsBoot() && vultr.IsPlaceholder(vultr.Digest(found.Body)):
		resp.SendProgress(action.InvokeProgressEvent{Message: "script " + id + " is scrubbed already"})
		return
	case !isRendered(found):
		resp.Diagnostics.AddAttributeError(scriptIDPath, "The script can't be scrubbed",
			"Script "+id+" was not made by this provider, and what it holds could not be brought back. Give the ID of an ageenv_vultr_startup_script.")
		return
	}
	if err := scrub(ctx, client, id); err != nil {
		resp.Diagnostics.AddError(vultrFailed("scrubbing the startup script", err))
		return
	}
	resp.SendProgress(action.InvokeProgressEvent{Message: "script " + id + " is scrubbed: a box that is started with it now gets no files, and an error"})
}

// ourBanner begins the second line of every script that internal/firstboot renders.
const ourBanner = "# ageenv first boot, template "

func isRendered(s vultr.Script) bool {
	_, second, _ := strings.Cut(s.Body.Reveal(), "\n")
	return strings.HasPrefix(second, ourBanner)
}
