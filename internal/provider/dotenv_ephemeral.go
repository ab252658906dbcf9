package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

var _ ephemeral.EphemeralResource = &dotenvEphemeral{}

type dotenvEphemeral struct{}

func newDotenvEphemeral() ephemeral.EphemeralResource { return &dotenvEphemeral{} }

type dotenvEphemeralModel struct {
	Text       types.String `tfsdk:"text"`
	Path       types.String `tfsdk:"path"`
	Dialect    types.String `tfsdk:"dialect"`
	References types.String `tfsdk:"references"`
	contentModel
}

func (r *dotenvEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_dotenv"
}

func (r *dotenvEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	attributes := contentSchema()
	attributes["text"] = schema.StringAttribute{Optional: true, Sensitive: true, Validators: exactlyOneOf("path"), MarkdownDescription: "The env text. Exactly one of `text` and `path` is set."}
	attributes["path"] = schema.StringAttribute{Optional: true, MarkdownDescription: "The path of an env file. " + regularFiles}
	attributes["references"] = schema.StringAttribute{Optional: true, Validators: checkReferences(), MarkdownDescription: referencesDescription}
	attributes["dotenv"] = schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "The env text as it was read, for `dotenv_wo`. Where `references` is set, or a warning says that something was read in another way, it is written anew, with references resolved, and can be read without either."}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads a plaintext env file, or env text, without leaving a trace: `file()` would leave a digest of it in a saved plan, and a short secret can be guessed from that. " +
			"What readers would take differently is an error with the line's number, and never the line. The guide \"Env text\" says what is read, resolved and dropped.",
		Attributes: attributes,
	}
}

func (r *dotenvEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m dotenvEphemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	text, from, ok := textOrFile(m.Text, path.Root("text"), m.Path, &resp.Diagnostics)
	if !ok {
		return
	}
	dialect := dialectOr(m.Dialect)
	doc, changed, diags := readEnvText(text, dialect, m.References, from.name)
	resp.Diagnostics.Append(diags...)
	if diags.HasError() {
		return
	}
	if changed {
		var err error
		if text, err = doc.Encode(dialect); err != nil {
			resp.Diagnostics.Append(contentProblemIn(err, from.name))
			return
		}
	}
	resp.Diagnostics.Append(m.fill(bundle.Content{Text: text, Document: doc}, true)...)
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}
