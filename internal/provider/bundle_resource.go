package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

var (
	_ resource.ResourceWithConfigure   = &bundleResource{}
	_ resource.ResourceWithModifyPlan  = &bundleResource{}
	_ resource.ResourceWithImportState = &bundleResource{}
	_ resource.ResourceWithIdentity    = &bundleResource{}
)

// bundleResource is the resource ageenv_bundle.
type bundleResource struct {
	settings *settings
}

func newBundleResource() resource.Resource { return &bundleResource{} }

type bundleModel struct {
	ID                 types.String `tfsdk:"id"`
	EntriesWO          types.Map    `tfsdk:"entries_wo"`
	DotenvWO           types.String `tfsdk:"dotenv_wo"`
	References         types.String `tfsdk:"references"`
	ContentVersion     types.String `tfsdk:"content_version"`
	Recipients         types.Set    `tfsdk:"recipients"`
	OperatorRecipients types.Set    `tfsdk:"operator_recipients"`
	Format             types.String `tfsdk:"format"`
	Dialect            types.String `tfsdk:"dialect"`
	Readers            types.List   `tfsdk:"readers"`
	Kubernetes         types.Object `tfsdk:"kubernetes"`
	Ciphertext         types.String `tfsdk:"ciphertext"`
	ChangedAt          types.Map    `tfsdk:"changed_at"`
	Generated          types.Map    `tfsdk:"generated"`
	GeneratedStatus    types.Map    `tfsdk:"generated_status"`
	OperatorRemovedAt  types.String `tfsdk:"operator_removed_at"`
}

var (
	entriesPath    = path.Root("entries_wo")
	dotenvPath     = path.Root("dotenv_wo")
	referencesPath = path.Root("references")
	recipientsPath = path.Root("recipients")
	operatorsPath  = path.Root("operator_recipients")
	ciphertextPath = path.Root("ciphertext")
)

func (r *bundleResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_bundle"
}

func (r *bundleResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	idIdentity(resp, "The bundle's id, random and the same for as long as the bundle is not replaced. A bundle is in its state only: to import one, give the path of its file as the import ID.")
}

func (r *bundleResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	formats, checkFormat := oneOf(bundle.Formats())
	dialects, checkDialect := oneOf(dotenv.Dialects())
	keepSet := []planmodifier.Set{setplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Env entries, encrypted: a text to commit, to review, and to open with `sops -d` or `age -d`. Plaintext enters by write-only arguments only, and leaves as ciphertext.\n\n" +
			"Whether the content changed is found by opening the own ciphertext with an operator identity; with `content_version`, by that alone, and no identity is needed until something else changes. " +
			"Every re-encryption takes a fresh data key. Names and lengths of values can be seen in the ciphertext.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}, MarkdownDescription: "A random ID."},
			"entries_wo": schema.MapAttribute{
				ElementType: types.StringType, Optional: true, WriteOnly: true,
				MarkdownDescription: "The entries, name to value. Write-only: declare the variables that feed it `ephemeral = true`, since Terraform puts a variable that is only `sensitive` into a saved plan. Sorted by name in the text.",
			},
			"dotenv_wo": schema.StringAttribute{
				Optional: true, WriteOnly: true,
				MarkdownDescription: "The entries as env text, read as `dialect` says; order and comments of a line of their own are kept, blank lines and comments after a value are dropped, quotes are written anew. Write-only. Read a file with the ephemeral `ageenv_dotenv`: `file()` leaves a digest of it in a saved plan. " +
					"With `entries_wo` too, the entries win name by name. **With neither, the content is unmanaged**: kept as it is, and carried over whenever something else changes.",
			},
			"references": schema.StringAttribute{
				Optional: true, Validators: append(checkReferences(), stringvalidator.AlsoRequires(path.MatchRoot("dotenv_wo"))),
				MarkdownDescription: referencesDescription + " A change takes effect as one of `dotenv_wo` does: with `content_version`, at its next change.",
			},
			"content_version": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Any text that you change when the content changes. With it the content is taken anew only when it changes; unchanged, every re-encryption (recipients, format, readers) carries the old content over by opening the old ciphertext, " +
					"and never reads the configured values, which may be this run's random ones.",
			},
			"recipients": schema.SetAttribute{
				ElementType: types.StringType, Optional: true, Computed: true, PlanModifiers: keepSet, Validators: checkedRecipients(),
				MarkdownDescription: "Who opens it, beside the operators: usually `ageenv_key.….recipients`. Required, but after an import. A change re-encrypts. " + recipientKinds,
			},
			"operator_recipients": schema.SetAttribute{
				ElementType: types.StringType, Optional: true, Computed: true, Validators: checkedRecipients(),
				MarkdownDescription: "The operators: they can decrypt it too, so that nobody is locked out. " + operatorsRule + " A change encrypts the content again, in place. `[]` opts out.",
			},
			"format": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(formats[0]), Validators: checkFormat,
				MarkdownDescription: "A change encrypts the content again.\n" + formatList() + "\n\n" +
					"  The age formats are sealed to hybrid recipients or to classic ones, not to both; the sops formats may mix them.",
			},
			"dialect": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(dialects[0]), Validators: checkDialect,
				MarkdownDescription: "Whose rules `dotenv_wo` follows: " + codeList(dialects) + ". Default `" + dialects[0] + "`. It is the default of `readers`, too. A reference (`$NAME`) without `references` is an error that names the entry.",
			},
			"readers": schema.ListAttribute{
				ElementType: types.StringType, Optional: true, Validators: checkReaders(),
				MarkdownDescription: "Who is to read the text inside: values are written so that all of these read them alike. Default: `dialect` alone. " +
					"A value that can't be written so is an error that names the entry and the readers. A change re-encrypts. Formats without an env text inside (" + formatsWithoutText() + ") ignore it." + readerList(),
			},
			"kubernetes": kubernetesSchema(),
			"ciphertext": schema.StringAttribute{
				Computed: true, Sensitive: true,
				MarkdownDescription: "The bundle: write it to a file named " + fileNameList() + ". " + notPrinted("ageenv_bundle.….ciphertext"),
			},
			"changed_at": schema.MapAttribute{
				ElementType: types.StringType, Computed: true,
				MarkdownDescription: "The entries: name to the time, RFC 3339, UTC, at which the value last changed; null while that is not known (after an import). `keys(ageenv_bundle.….changed_at)` lists the names, and `toset(…)` of that is for `for_each`: a plan knows the names, and they must be the same at apply.\n\n" +
					"  A plan names the entries whose value changes: their times are known after apply, all others stay, and a warning says why. To see that, it opens the current ciphertext with an identity found here; without one it says that values may change. A value that the plan calls unchanged must be the same at apply: else the apply stops with `inconsistent final plan` and changes nothing; plan again. A new `content_version` leaves the times of all configured entries to the apply. Where the old ciphertext can't be opened, values are not called changed, only new names and newly generated values are.",
			},
			"operator_removed_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When an operator was last removed in place, RFC 3339, UTC; null if none was. Values that have not changed since are known to removed operators. For `items` of `ageenv_rotation_report`."},
		},
	}
	maps.Copy(resp.Schema.Attributes, generatedSchema())
}

func (r *bundleResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}
