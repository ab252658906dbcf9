package provider

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var (
	_ resource.ResourceWithConfigure   = &keyResource{}
	_ resource.ResourceWithModifyPlan  = &keyResource{}
	_ resource.ResourceWithImportState = &keyResource{}
)

type keyResource struct {
	settings *settings
}

func newKeyResource() resource.Resource { return &keyResource{} }

type keyModel struct {
	ID               types.String `tfsdk:"id"`
	EscrowRecipients types.Set    `tfsdk:"escrow_recipients"`
	Keepers          types.Map    `tfsdk:"keepers"`
	Recipient        types.String `tfsdk:"recipient"`
	Recipients       types.List   `tfsdk:"recipients"`
	WrappedIdentity  types.String `tfsdk:"wrapped_identity"`
	CreatedAt        types.String `tfsdk:"created_at"`
}

var escrowPath = path.Root("escrow_recipients")

func (r *keyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_key"
}

func (r *keyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An age identity (X25519), made once and kept only *wrapped*: encrypted to the operators. The state holds nothing that opens without an operator's identity.\n\n" +
			"`-replace` or taint makes a new key and keeps nothing of the old one: the emergency rotation. Whatever is wired to `recipient` follows in the same apply. Old ciphertext, in git or in old states, stays open to the old key.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "A random ID. It tells nothing about the key."},
			"escrow_recipients": schema.SetAttribute{
				ElementType: types.StringType, Optional: true, Computed: true,
				PlanModifiers: []planmodifier.Set{setplanmodifier.UseStateForUnknown()}, Validators: checkedRecipients(),
				MarkdownDescription: "The operators who can unwrap the identity. Default: the provider's `escrow_recipients`, else the recipients of its identities (with a warning), taken once, at creation, and then kept. " +
					"A change wraps the same identity anew, which needs an operator identity. " + recipientKinds,
			},
			"keepers": schema.MapAttribute{
				ElementType: types.StringType, Optional: true,
				PlanModifiers:       []planmodifier.Map{replaceOnChange()},
				MarkdownDescription: "Arbitrary values that replace the key: " + replaceRule + ".",
			},
			"recipient": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "The recipient (public key), `age1…`."},
			"recipients": schema.ListAttribute{
				ElementType: types.StringType, Computed: true, PlanModifiers: []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "What a bundle for this key should be sealed to: the current recipient. Wire `recipients` of a bundle to it.",
			},
			"wrapped_identity": schema.StringAttribute{
				Computed: true, PlanModifiers: keep,
				MarkdownDescription: "The identity, encrypted to `escrow_recipients`: an armored age file that holds a key file as age-keygen writes it. `age -d -i operator.txt` opens it.",
			},
			"created_at": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "When the identity was made, RFC 3339, UTC."},
		},
	}
}

func (r *keyResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}

func (r *keyResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config, plan, state keyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	create := req.State.Raw.IsNull()
	if !create {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() || r.settings == nil {
		return
	}
	if create && config.EscrowRecipients.IsNull() {
		escrow, known, diags := r.settings.operators(ctx, escrowPath)
		resp.Diagnostics.Append(diags...)
		if known {
			plan.EscrowRecipients = textSet(escrow)
		}
	}
	escrow, known, diags := recipientSet(ctx, plan.EscrowRecipients, escrowPath)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if known {
		resp.Diagnostics.Append(checkEscrow(escrow)...)
	}
	if !create && !plan.EscrowRecipients.Equal(state.EscrowRecipients) {
		// Unknown even where the same recipients are only written otherwise: what is
		// unknown now may turn out to be anything.
		plan.WrappedIdentity = types.StringUnknown()
		before, _, _ := recipientSet(ctx, state.EscrowRecipients, escrowPath)
		if known && !sameRecipients(before, escrow) {
			resp.Diagnostics.Append(r.checkUnwraps(ctx, state)...)
		}
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
}

func checkEscrow(escrow []agekey.Recipient) (diags diag.Diagnostics) {
	if len(escrow) == 0 {
		diags.AddAttributeError(escrowPath, "No escrow recipient", fmt.Sprintf(noOperatorsDetail, "escrow_recipients"))
	} else if err := agekey.CheckTogether(escrow); err != nil {
		diags.AddAttributeError(escrowPath, "Recipients can't be mixed", sentence(err))
	}
	return diags
}

// checkUnwraps is an error if the wrap can't be opened here and no identity is
// still to come.
func (r *keyResource) checkUnwraps(ctx context.Context, state keyModel) (diags diag.Diagnostics) {
	ring := r.settings.keyring(ctx)
	if _, err := agekey.Open(state.WrappedIdentity.ValueString(), ring.Identities); err != nil && !r.settings.identitiesUnknown {
		diags.AddAttributeError(escrowPath, "The key can't be wrapped anew",
			openFailed("The wrapped identity", err, ring, "Or leave escrow_recipients as they were, or make a new key with -replace."))
	}
	return diags
}

func (r *keyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan keyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.EscrowRecipients.IsUnknown() {
		escrow, _, diags := r.settings.operators(ctx, escrowPath)
		resp.Diagnostics.Append(diags...)
		plan.EscrowRecipients = textSet(escrow)
	}
	id, err := agekey.GenerateX25519()
	if err != nil {
		resp.Diagnostics.AddError("No key could be made", sentence(err))
		return
	}
	resp.Diagnostics.Append(plan.hold(ctx, id, r.settings.now())...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// hold fills the model with an identity that is new to it, wrapped to the model's
// escrow recipients.
func (m *keyModel) hold(ctx context.Context, id agekey.Identity, created time.Time) diag.Diagnostics {
	escrow, _, diags := recipientSet(ctx, m.EscrowRecipients, escrowPath)
	diags.Append(checkEscrow(escrow)...)
	if diags.HasError() {
		return diags
	}
	wrapped, err := agekey.Wrap(id, created, escrow)
	if err != nil {
		diags.AddAttributeError(escrowPath, "The identity can't be wrapped", sentence(err))
		return diags
	}
	m.ID = types.StringValue(newID())
	m.Recipient = types.StringValue(id.Recipient().String())
	m.Recipients = textList([]string{id.Recipient().String()})
	m.WrappedIdentity = types.StringValue(wrapped)
	m.CreatedAt = types.StringValue(created.UTC().Format(time.RFC3339))
	return diags
}

// newID returns a random ID of 26 letters and digits.
func newID() string { return rand.Text() }

func (r *keyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state keyModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ids, err := agekey.Unwrap(state.WrappedIdentity.ValueString(), r.settings.keyring(ctx).Identities)
	if err == nil && ids[0].Recipient().String() != state.Recipient.ValueString() {
		resp.Diagnostics.AddAttributeError(path.Root("wrapped_identity"), "The wrapped identity is another key's",
			"It does not belong to recipient: the state was altered. What is sealed to that recipient may not be open to anybody here. Restore the state from a backup, or make a new key with -replace.")
	}
}

func (r *keyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state keyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	before, _, _ := recipientSet(ctx, state.EscrowRecipients, escrowPath)
	after, _, diags := recipientSet(ctx, plan.EscrowRecipients, escrowPath)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(checkEscrow(after)...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.WrappedIdentity = state.WrappedIdentity
	if !sameRecipients(before, after) {
		ring := r.settings.keyring(ctx)
		keyFile, err := agekey.Open(state.WrappedIdentity.ValueString(), ring.Identities)
		if err != nil {
			resp.Diagnostics.AddAttributeError(escrowPath, "The key can't be wrapped anew", openFailed("The wrapped identity", err, ring, ""))
			return
		}
		wrapped, err := agekey.SealArmored(keyFile, after)
		if err != nil {
			resp.Diagnostics.AddAttributeError(escrowPath, "The key can't be wrapped anew", sentence(err))
			return
		}
		plan.WrappedIdentity = types.StringValue(wrapped)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Delete forgets the key: it is nowhere but in the state.
func (r *keyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func (r *keyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	fail := func(detail string) { resp.Diagnostics.AddError("The key can't be imported", detail) }
	content, err := readSmallFile(req.ID)
	if err != nil {
		fail("The import ID is the path of a key file, as age-keygen writes it, or of one wrapped to the operators; it is never the key itself. " + sentence(err))
		return
	}
	if agekey.IsFile(content.Reveal()) {
		ring := r.settings.keyring(ctx)
		opened, err := agekey.Open(content.Reveal(), ring.Identities)
		if err != nil {
			fail(openFailed("The key file", err, ring, ""))
			return
		}
		content = opened
	}
	ids, err := agekey.ParseIdentities(content)
	if err != nil {
		fail("The key file: " + sentence(err))
		return
	}
	if len(ids) != 1 || ids[0].Recipient().Kind() != agekey.X25519 {
		fail(fmt.Sprintf("The file holds %d identities, and one of kind X25519 (AGE-SECRET-KEY-1…) is needed.", len(ids)))
		return
	}
	created, ok := agekey.CreatedAt(content)
	if !ok {
		created = r.settings.now()
	}
	escrow, known, diags := r.settings.operators(ctx, escrowPath)
	resp.Diagnostics.Append(diags...)
	if !known {
		fail("The provider's escrow_recipients are not known yet: import once they are.")
		return
	}
	state := keyModel{EscrowRecipients: textSet(escrow), Keepers: types.MapNull(types.StringType)}
	resp.Diagnostics.Append(state.hold(ctx, ids[0], created)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// maxImport is the largest file that is read by its path, in bytes.
const maxImport = agekey.MaxSize

// readSmallFile reads a file by its path, without the path or the content in its
// errors: the path may turn out to be the secret itself.
func readSmallFile(name string) (secret.Text, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return secret.Text{}, fmt.Errorf("there is no file at that path, or it may not be read")
	case info.IsDir():
		return secret.Text{}, fmt.Errorf("there is a directory at that path")
	case info.Size() > maxImport:
		return secret.Text{}, fmt.Errorf("the file is larger than 16 MiB")
	}
	content, err := os.ReadFile(name) //nolint:gosec // the path is the operator's to give
	if err != nil {
		return secret.Text{}, fmt.Errorf("the file can't be read")
	}
	return secret.New(string(content)), nil
}
