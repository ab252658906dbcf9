package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var _ ephemeral.EphemeralResourceWithConfigure = &bundleEphemeral{}

type bundleEphemeral struct {
	settings *settings
}

func newBundleEphemeral() ephemeral.EphemeralResource { return &bundleEphemeral{} }

type bundleEphemeralModel struct {
	Ciphertext types.String `tfsdk:"ciphertext"`
	Path       types.String `tfsdk:"path"`
	Identity   types.String `tfsdk:"identity"`
	Dialect    types.String `tfsdk:"dialect"`
	Format     types.String `tfsdk:"format"`
	Entries    types.Map    `tfsdk:"entries"`
	Dotenv     types.String `tfsdk:"dotenv"`
	Keys       types.List   `tfsdk:"keys"`
}

func (r *bundleEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_bundle"
}

// exactlyOneOf is the validation of a pair of alternatives.
func exactlyOneOf(other string) []validator.String {
	return []validator.String{stringvalidator.ExactlyOneOf(path.MatchRoot(other))}
}

func (r *bundleEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	_, checkDialect := oneOf(dotenv.Dialects())
	resp.Schema = schema.Schema{
		MarkdownDescription: "Opens a bundle, ours or one that `sops` (dotenv) or `age` made, for this run only: nothing of it is in state or in a plan. All of it is authenticated before anything is given out.",
		Attributes: map[string]schema.Attribute{
			"ciphertext": schema.StringAttribute{Optional: true, Validators: exactlyOneOf("path"), MarkdownDescription: "The bundle's text. Exactly one of `ciphertext` and `path` is set."},
			"path":       schema.StringAttribute{Optional: true, MarkdownDescription: "The path of a file with the bundle."},
			"identity": schema.StringAttribute{
				Optional: true, Sensitive: true,
				MarkdownDescription: "The identity that opens it, for example an `ageenv_identity`'s. Default: the provider's identities.",
			},
			"dialect": schema.StringAttribute{Optional: true, Validators: checkDialect, MarkdownDescription: "Whose rules the env text inside follows. Default `compose`."},
			"format":  schema.StringAttribute{Computed: true, MarkdownDescription: "The format that was found: `sops_dotenv` or `age_dotenv`."},
			"entries": schema.MapAttribute{ElementType: types.StringType, Computed: true, Sensitive: true, MarkdownDescription: "The entries, name to value."},
			"dotenv":  schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "The env text, byte for byte."},
			"keys":    schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "The names, sorted."},
		},
	}
}

func (r *bundleEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}

func (r *bundleEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m bundleEphemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ciphertext, at, ok := textOrFile(m.Ciphertext, path.Root("ciphertext"), m.Path, &resp.Diagnostics)
	if !ok {
		return
	}
	ring, ok := r.ring(ctx, m.Identity, &resp.Diagnostics)
	if !ok {
		return
	}
	content, err := bundle.Open(ciphertext.Reveal(), dialectOr(m.Dialect), ring.Identities)
	if err != nil {
		resp.Diagnostics.AddAttributeError(at, "The bundle can't be opened", openFailed("The bundle", err, ring, ""))
		return
	}
	format, err := bundle.Detect(ciphertext.Reveal())
	if err != nil {
		resp.Diagnostics.AddAttributeError(at, "The bundle can't be opened", sentence(err))
		return
	}
	m.Format = types.StringValue(string(format))
	m.Entries, m.Dotenv, m.Keys = results(content)
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}

// ring is the identity that is given, else the provider's.
func (r *bundleEphemeral) ring(ctx context.Context, given types.String, diags *diag.Diagnostics) (agekey.Keyring, bool) {
	if given.IsNull() {
		return r.settings.keyring(ctx), true
	}
	ids, err := agekey.ParseIdentities(secret.New(given.ValueString()))
	if err != nil {
		diags.Append(malformedIdentity(path.Root("identity"), err))
		return agekey.Keyring{}, false
	}
	return agekey.Keyring{Identities: ids}, true
}

// textOrFile returns the text, or the content of the file at the path, and which
// attribute it came from.
func textOrFile(text types.String, textPath path.Path, file types.String, diags *diag.Diagnostics) (secret.Text, path.Path, bool) {
	if !text.IsNull() {
		return secret.New(text.ValueString()), textPath, true
	}
	at := path.Root("path")
	content, err := readSmallFile(file.ValueString())
	if err != nil {
		diags.AddAttributeError(at, "The file can't be read", sentence(err))
		return secret.Text{}, at, false
	}
	return content, at, true
}

func dialectOr(dialect types.String) dotenv.Dialect {
	if dialect.IsNull() {
		return dotenv.Dialects()[0]
	}
	return dotenv.Dialect(dialect.ValueString())
}

// results are the attributes that opening gives. This is where plaintext leaves:
// into ephemeral values, which Terraform keeps nowhere.
func results(content bundle.Content) (entries types.Map, text types.String, keys types.List) {
	values := map[string]attr.Value{}
	for key, value := range content.Document.Entries() {
		values[key] = types.StringValue(value.Reveal())
	}
	return types.MapValueMust(types.StringType, values), types.StringValue(content.Text.Reveal()), textList(content.Document.Keys())
}
