package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

var _ ephemeral.EphemeralResource = &dotenvEphemeral{}

type dotenvEphemeral struct{}

func newDotenvEphemeral() ephemeral.EphemeralResource { return &dotenvEphemeral{} }

type dotenvEphemeralModel struct {
	Text    types.String `tfsdk:"text"`
	Path    types.String `tfsdk:"path"`
	Dialect types.String `tfsdk:"dialect"`
	Entries types.Map    `tfsdk:"entries"`
	Dotenv  types.String `tfsdk:"dotenv"`
	Keys    types.List   `tfsdk:"keys"`
}

func (r *dotenvEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_dotenv"
}

func (r *dotenvEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	_, checkDialect := oneOf(dotenv.Dialects())
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads a plaintext env file, or env text, without leaving a trace: `file()` would leave a digest of it in a saved plan, and a short secret can be guessed from that. " +
			"Strict: what readers would take differently is an error with the line's number, and never the line.",
		Attributes: map[string]schema.Attribute{
			"text":    schema.StringAttribute{Optional: true, Sensitive: true, Validators: exactlyOneOf("path"), MarkdownDescription: "The env text. Exactly one of `text` and `path` is set."},
			"path":    schema.StringAttribute{Optional: true, MarkdownDescription: "The path of an env file."},
			"dialect": schema.StringAttribute{Optional: true, Validators: checkDialect, MarkdownDescription: "Whose rules the text follows. Default `compose`."},
			"entries": schema.MapAttribute{ElementType: types.StringType, Computed: true, Sensitive: true, MarkdownDescription: "The entries, name to value."},
			"dotenv":  schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "The text as it was read, for `dotenv_wo`."},
			"keys":    schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "The names, sorted."},
		},
	}
}

func (r *dotenvEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m dotenvEphemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	text, at, ok := textOrFile(m.Text, path.Root("text"), m.Path, &resp.Diagnostics)
	if !ok {
		return
	}
	doc, err := dotenv.Parse(text, dialectOr(m.Dialect))
	if err != nil {
		resp.Diagnostics.Append(contentProblem(err, at))
		return
	}
	m.Entries, m.Dotenv, m.Keys = results(bundle.Content{Text: text, Document: doc})
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}
