package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	listschema "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

var _ list.ListResourceWithConfigure = &scriptList{}

// scriptList finds the account's startup scripts for terraform query. Keys and bundles
// have no list: they are nowhere but in a state.
type scriptList struct {
	settings *settings
}

func newScriptList() list.ListResource { return &scriptList{} }

type scriptListModel struct {
	NamePrefix types.String `tfsdk:"name_prefix"`
}

func (l *scriptList) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_vultr_startup_script"
}

func (l *scriptList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = listschema.Schema{
		MarkdownDescription: "The boot scripts in the Vultr account, whoever made them; scripts for network boots (`pxe`) are left out. " +
			"For `terraform query`, Terraform 1.14 or later. `-generate-config-out` writes an import block and a resource for each: they plan, and leave the content of the scripts as it is until you give them `files` and an identity. " +
			"`include_resource` adds names and dates; the account's list does not have the content.\n\n" +
			"There is no list of `ageenv_key` and `ageenv_bundle`: these are in no account, only in a state.",
		Attributes: map[string]listschema.Attribute{
			"name_prefix": listschema.StringAttribute{Optional: true, MarkdownDescription: "Only scripts whose names begin with this."},
		},
	}
}

func (l *scriptList) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	l.settings = configured(req.ProviderData, &resp.Diagnostics)
}

func (l *scriptList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config scriptListModel
	diags := req.Config.Get(ctx, &config)
	found, d := l.scripts(ctx)
	diags.Append(d...)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = func(push func(list.ListResult) bool) {
		var listed int64
		for _, script := range found {
			if !script.IsBoot() || !strings.HasPrefix(script.Name, config.NamePrefix.ValueString()) {
				continue
			}
			if listed++; listed > req.Limit || !push(listResult(ctx, req, script)) {
				return
			}
		}
	}
}

func (l *scriptList) scripts(ctx context.Context) ([]vultr.Script, diag.Diagnostics) {
	if l.settings == nil {
		return nil, nil
	}
	client, diags := l.settings.knownVultr()
	if diags.HasError() {
		return nil, diags
	}
	found, err := client.ListScripts(ctx)
	if err != nil {
		diags.AddError(vultrFailed("listing the startup scripts", err))
	}
	return found, diags
}

// listResult is a script as far as the account's list shows it.
func listResult(ctx context.Context, req list.ListRequest, script vultr.Script) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = script.Name
	result.Diagnostics.Append(setIdentity(ctx, result.Identity, types.StringValue(script.ID))...)
	if !req.IncludeResource {
		return result
	}
	for name, text := range map[string]string{"id": script.ID, "name": script.Name, "date_created": script.DateCreated, "date_modified": script.DateModified} {
		result.Diagnostics.Append(result.Resource.SetAttribute(ctx, path.Root(name), text)...)
	}
	return result
}
