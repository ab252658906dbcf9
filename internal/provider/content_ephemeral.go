package provider

import (
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/text/unicode/norm"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// contentModel is what ephemeral resources give of content that they read.
type contentModel struct {
	Entries types.Map    `tfsdk:"entries"`
	Dotenv  types.String `tfsdk:"dotenv"`
	Keys    types.List   `tfsdk:"keys"`
}

// contentSchema is the schema of contentModel, and of the dialect that it is read in.
func contentSchema() map[string]schema.Attribute {
	dialects, checkDialect := oneOf(dotenv.Dialects())
	return map[string]schema.Attribute{
		"dialect": schema.StringAttribute{
			Optional: true, Validators: checkDialect,
			MarkdownDescription: "Whose rules the env text follows: " + codeList(dialects) + ". Default `" + dialects[0] + "`.",
		},
		"entries": schema.MapAttribute{ElementType: types.StringType, Computed: true, Sensitive: true, MarkdownDescription: "The entries, name to value."},
		"dotenv":  schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "The env text as it was read, for `dotenv_wo`. Null where there is none, as in YAML, JSON and INI: give `entries` to `entries_wo` then. A null `dotenv_wo` leaves a bundle's content as it is."},
		"keys":    schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "The names, sorted."},
	}
}

// empty gives nothing.
func (m *contentModel) empty() {
	m.Entries, m.Dotenv, m.Keys = types.MapNull(types.StringType), types.StringNull(), types.ListNull(types.StringType)
}

// fill gives the content. This is where plaintext leaves: into ephemeral values,
// which Terraform keeps nowhere.
func (m *contentModel) fill(content bundle.Content, isEnvText bool) (diags diag.Diagnostics) {
	values := map[string]attr.Value{}
	var changed []string
	for key, value := range content.Document.Entries() {
		if !utf8.ValidString(value.Reveal()) {
			diags.AddError("A value is not text", key+" is not UTF-8, and Terraform holds nothing else: set read_entries = false and take raw_base64.")
			continue
		}
		if !norm.NFC.IsNormalString(value.Reveal()) {
			changed = append(changed, key)
		}
		values[key] = types.StringValue(value.Reveal())
	}
	m.Entries, m.Keys, m.Dotenv = types.MapValueMust(types.StringType, values), textList(content.Document.Keys()), types.StringNull()
	if isEnvText {
		m.Dotenv = types.StringValue(content.Text.Reveal())
	}
	if len(changed) > 0 {
		diags.AddWarning("Terraform changes these values",
			"They hold characters in a decomposed form (an accent after its letter), which Terraform composes in every text it handles: "+strings.Join(changed, ", ")+
				". What it hands on differs from the file by that; where bytes matter, take raw_base64 of an ageenv_bundle.")
	}
	return diags
}

// source is where a text came from: the attribute, and what a person calls it.
type source struct {
	at   path.Path
	name string
}

// textOrFile returns the text, or the content of the file at the path.
func textOrFile(text types.String, textPath path.Path, file types.String, diags *diag.Diagnostics) (secret.Text, source, bool) {
	if !text.IsNull() {
		return secret.New(text.ValueString()), source{textPath, textPath.String()}, true
	}
	from := source{path.Root("path"), shownPath(file.ValueString())}
	content, err := readFile(file.ValueString())
	if err != nil {
		diags.AddAttributeError(from.at, "The file can't be read", sentence(err))
		return secret.Text{}, from, false
	}
	return content, from, true
}

func dialectOr(dialect types.String) dotenv.Dialect {
	if dialect.IsNull() {
		return dotenv.Dialects()[0]
	}
	return dotenv.Dialect(dialect.ValueString())
}
