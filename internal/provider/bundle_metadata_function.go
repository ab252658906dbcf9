package provider

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

var _ function.Function = bundleMetadataFunction{}

type bundleMetadataFunction struct{}

func newBundleMetadataFunction() function.Function { return bundleMetadataFunction{} }

func (bundleMetadataFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "bundle_metadata"
}

// metadataModel is what the function returns.
type metadataModel struct {
	Format       types.String `tfsdk:"format"`
	Keys         types.List   `tfsdk:"keys"`
	Recipients   types.List   `tfsdk:"recipients"`
	LastModified types.String `tfsdk:"last_modified"`
	SOPSVersion  types.String `tfsdk:"sops_version"`
}

func (bundleMetadataFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	texts := types.ListType{ElemType: types.StringType}
	resp.Definition = function.Definition{
		Summary: "What a bundle shows without being opened",
		MarkdownDescription: "Reads what the text of a bundle shows, ours or one that `sops` or `age` made. Needs no identity, opens nothing and **verifies nothing**: whoever can write the text can write this too.\n\n" +
			"Returns an object:\n\n" +
			"- `format`: " + codeList(slices.DeleteFunc(bundle.ReadableFormats(), bundle.Format.IsAge)) + ", or `" + bundle.FormatAge + "` (whether an env text or a tar is inside an age file shows once it is opened)\n" +
			"- `keys`: the names of the entries, in the text's order, those of nested documents flattened; null for `sops_binary` and `age`\n" +
			"- `recipients`: who can open it, each once, those of all key groups; null for `age`\n" +
			"- `last_modified`: RFC 3339, UTC; null for `age`\n" +
			"- `sops_version`: of the sops that wrote it; null for `age`\n\n" +
			"The `ciphertext` of an `ageenv_bundle` is marked sensitive to keep plans short; give it as `nonsensitive(ageenv_bundle.….ciphertext)` to see the result.",
		Parameters: []function.Parameter{function.StringParameter{Name: "text", MarkdownDescription: "The bundle's text, for example `file(\"app.enc.env\")`."}},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"format": types.StringType, "keys": texts, "recipients": texts, "last_modified": types.StringType, "sops_version": types.StringType,
		}},
	}
}

func (bundleMetadataFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	shown, err := bundle.Inspect(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "The text is no bundle that can be read: "+sentence(err))
		return
	}
	result := metadataModel{
		Format: types.StringValue(shown.Format), Keys: listOrNull(shown.Keys), Recipients: listOrNull(shown.Recipients),
		LastModified: types.StringNull(), SOPSVersion: types.StringNull(),
	}
	if !shown.LastModified.IsZero() {
		result.LastModified = types.StringValue(shown.LastModified.Format(time.RFC3339))
		result.SOPSVersion = types.StringValue(shown.SOPSVersion)
	}
	resp.Error = resp.Result.Set(ctx, &result)
}
