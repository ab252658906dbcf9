package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

var _ ephemeral.EphemeralResourceWithConfigure = &identityEphemeral{}

type identityEphemeral struct {
	settings *settings
}

func newIdentityEphemeral() ephemeral.EphemeralResource { return &identityEphemeral{} }

type identityEphemeralModel struct {
	WrappedIdentity types.String `tfsdk:"wrapped_identity"`
	Identity        types.String `tfsdk:"identity"`
	Recipient       types.String `tfsdk:"recipient"`
}

func (r *identityEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_identity"
}

func (r *identityEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Unwraps a key's identity with an operator identity, for this run only: it is in no state and in no plan.",
		Attributes: map[string]schema.Attribute{
			"wrapped_identity": schema.StringAttribute{Required: true, Sensitive: true, MarkdownDescription: "An `ageenv_key`'s `wrapped_identity`, or any key file that was encrypted with age to an operator."},
			"identity":         schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "The current identity, `AGE-SECRET-KEY-1…`."},
			"recipient":        schema.StringAttribute{Computed: true, MarkdownDescription: "Its recipient; null for one of an age plugin whose key file does not name it."},
		},
	}
}

func (r *identityEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}

func (r *identityEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m identityEphemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ring := r.settings.keyring(ctx)
	ids, err := agekey.Unwrap(m.WrappedIdentity.ValueString(), ring.Identities)
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("wrapped_identity"), "The identity can't be unwrapped", openFailed("The wrapped identity", err, ring, ""))
		return
	}
	m.Identity = types.StringValue(ids[0].Text().Reveal())
	if m.Recipient = types.StringNull(); ids[0].Recipient().String() != "" {
		m.Recipient = types.StringValue(ids[0].Recipient().String())
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}
