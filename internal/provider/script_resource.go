package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

var (
	_ resource.ResourceWithConfigure      = &scriptResource{}
	_ resource.ResourceWithValidateConfig = &scriptResource{}
	_ resource.ResourceWithModifyPlan     = &scriptResource{}
	_ resource.ResourceWithIdentity       = &scriptResource{}
	_ resource.ResourceWithImportState    = &scriptResource{}
	_ resource.ResourceWithMoveState      = &scriptResource{}
)

// scriptResource is the resource ageenv_vultr_startup_script.
type scriptResource struct {
	settings *settings
}

func newScriptResource() resource.Resource { return &scriptResource{} }

type scriptModel struct {
	bootModel
	ID                types.String `tfsdk:"id"`
	Name              types.String `tfsdk:"name"`
	WrappedWO         types.String `tfsdk:"wrapped_identity_wo"`
	WrappedSHA256     types.String `tfsdk:"wrapped_identity_sha256"`
	IdentityWO        types.String `tfsdk:"identity_wo"`
	ReplaceTriggers   types.Map    `tfsdk:"replace_triggers"`
	IdentityRecipient types.String `tfsdk:"identity_recipient"`
	ScriptSHA256      types.String `tfsdk:"script_sha256"`
	RemoteSHA256      types.String `tfsdk:"remote_sha256"`
	ScriptBytes       types.Int64  `tfsdk:"script_bytes"`
	TemplateVersion   types.String `tfsdk:"template_version"`
	DateCreated       types.String `tfsdk:"date_created"`
	DateModified      types.String `tfsdk:"date_modified"`
	scrubModel
	DuplicateIDs types.List `tfsdk:"duplicate_ids"`
}

var (
	wrappedPath    = path.Root("wrapped_identity_wo")
	identityWOPath = path.Root("identity_wo")
)

func (r *scriptResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_vultr_startup_script"
	// A copy that a lost answer has left can take the script's place; see script_duplicates.go.
	resp.ResourceBehavior.MutableIdentity = true
}

func (r *scriptResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	idIdentity(resp, "The startup script's UUID in the account.")
}

func (r *scriptResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	keepNumber := []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A Vultr startup script (cloud-init) that drops decrypted env files on a new box's first boot. On the box it needs systemd and python3, which cloud-init brings: without one of them it does nothing but say so. It needs no network and no package, and opens its payload with `age` if the box has it, else by itself. " +
			"All files are put in place, complete, or none is.\n\n" +
			"Of the script only digests are in the state. With `wrapped_identity_wo` and `identity_wo` **the identity travels in the script**: whoever can read the account's startup scripts or a box's metadata can read the files. With `identity_file` and `identity_command` it is had on the box. " +
			"Everything but `replace_triggers` is changed in place; running boxes are not reached by that, new ones get the new script.\n\n" +
			"A `vultr_startup_script` of Vultr's provider, or a script that was made by hand, is taken over with its ID, by a `moved` or an `import` block: the guide [From the scripts you have](../guides/scripts-you-have.md) shows both. Until `files` or an identity is configured, its content is left as it is.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "The script's UUID, for `script_id` of a `vultr_instance`."},
			"name": schema.StringAttribute{
				Required: true, Validators: []validator.String{stringvalidator.LengthBetween(1, 255), checkedBy{firstboot.CheckName}},
				MarkdownDescription: "The script's name in the account.",
			},
			"wrapped_identity_wo": schema.StringAttribute{
				Optional: true, WriteOnly: true, Sensitive: true,
				MarkdownDescription: "The identity that travels in the script, wrapped: `ageenv_key.….wrapped_identity`. An operator identity unwraps it when the script is rendered. Exactly one of `wrapped_identity_wo`, `identity_wo`, `identity_file` and `identity_command` is set. To wrap it anew changes no script. Write-only: the state has `wrapped_identity_sha256` in its place.",
			},
			"wrapped_identity_sha256": schema.StringAttribute{Computed: true, MarkdownDescription: "SHA-256 of the wrapped identity, hex; null if none is given."},
			"identity_wo": schema.StringAttribute{
				Optional: true, WriteOnly: true,
				MarkdownDescription: "The identity that travels in the script, `AGE-SECRET-KEY-1…`. Write-only: from an ephemeral resource or variable.",
			},
			"replace_triggers": schema.MapAttribute{
				ElementType: types.StringType, Optional: true, PlanModifiers: []planmodifier.Map{replaceOnChange(), nullIsAbsent()},
				MarkdownDescription: "Values that replace the script, so that it gets a new ID and, through `script_id`, boxes are replaced: " + replaceRule + " Usually `ageenv_key.….id` (which taint and `-replace` change; `recipient` changes by a schedule too) and a bundle's `content_version`. What is unknown while planning counts as changed.",
			},
			"identity_recipient": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "The recipient of the identity that is in the script; null if none is."},
			"script_sha256":      schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "SHA-256 of the script that was uploaded, hex."},
			"remote_sha256":      schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "SHA-256 of the script that the account holds. Where it differs from `script_sha256`, or is null because it is no boot script or no base64 any more, somebody else changed the script, and the next apply mends it, in place."},
			"script_bytes":       schema.Int64Attribute{Computed: true, PlanModifiers: keepNumber, MarkdownDescription: "The script's size in bytes, before base64."},
			"template_version":   schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "The version of the script's template. A newer one alone uploads nothing."},
			"date_created":       schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "When the account made it, RFC 3339."},
			"date_modified":      schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "When the account last changed it, RFC 3339."},
			"duplicate_ids":      duplicatesAttribute(),
		},
	}
	maps.Copy(resp.Schema.Attributes, scrubAttributes())
	maps.Copy(resp.Schema.Attributes, bootAttributes(resourceCiphertext()))
}

func (r *scriptResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}
