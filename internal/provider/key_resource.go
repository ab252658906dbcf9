package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

var (
	_ resource.ResourceWithConfigure   = &keyResource{}
	_ resource.ResourceWithModifyPlan  = &keyResource{}
	_ resource.ResourceWithImportState = &keyResource{}
	_ resource.ResourceWithIdentity    = &keyResource{}
)

// keyResource is the resource ageenv_key.
type keyResource struct {
	settings *settings
}

func newKeyResource() resource.Resource { return &keyResource{} }

type keyModel struct {
	ID               types.String `tfsdk:"id"`
	Algorithm        types.String `tfsdk:"algorithm"`
	EscrowRecipients types.Set    `tfsdk:"escrow_recipients"`
	Keepers          types.Map    `tfsdk:"keepers"`
	RotationDays     types.Int64  `tfsdk:"rotation_days"`
	GraceDays        types.Int64  `tfsdk:"grace_days"`
	Recipient        types.String `tfsdk:"recipient"`
	Recipients       types.List   `tfsdk:"recipients"`
	WrappedIdentity  types.String `tfsdk:"wrapped_identity"`
	Generation       types.Int64  `tfsdk:"generation"`
	Retiring         types.List   `tfsdk:"retiring"`
	CreatedAt        types.String `tfsdk:"created_at"`
	RotateAt         types.String `tfsdk:"rotate_at"`
	RotationDue      types.Bool   `tfsdk:"rotation_due"`

	OperatorRemovedAt types.String `tfsdk:"operator_removed_at"`
}

var (
	escrowPath   = path.Root("escrow_recipients")
	rotateAtPath = path.Root("rotate_at")
)

// keyAlgorithm is the name of a kind of key that can be made.
type keyAlgorithm string

// The algorithms, with what they make.
const (
	algorithmX25519 keyAlgorithm = "x25519"
	algorithmHybrid keyAlgorithm = "mlkem768x25519"
)

var keyAlgorithms = []keyAlgorithm{algorithmX25519, algorithmHybrid}

// algorithmOf is the algorithm that makes keys of a kind; it reports false for a
// kind that is not made here.
func algorithmOf(kind agekey.Kind) (keyAlgorithm, bool) {
	switch kind {
	case agekey.X25519:
		return algorithmX25519, true
	case agekey.Hybrid:
		return algorithmHybrid, true
	}
	return "", false
}

func (a keyAlgorithm) generate() (agekey.Identity, error) {
	if a == algorithmHybrid {
		return agekey.GenerateHybrid()
	}
	return agekey.GenerateX25519()
}

func (r *keyResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_key"
}

func (r *keyResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	idIdentity(resp, "The key's id, random and the same for as long as the key is not replaced. A key is in its state only: to import one, give the path of its file as the import ID.")
}

func (r *keyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	keepList := []planmodifier.List{listplanmodifier.UseStateForUnknown()}
	_, checkAlgorithm := oneOf(keyAlgorithms)
	resp.Schema = schema.Schema{
		MarkdownDescription: "An age identity, made once and kept only *wrapped*: encrypted to the operators. The state holds nothing that opens without an operator's identity.\n\n" +
			"`-replace` or taint makes a new key and keeps nothing of the old one: the emergency rotation. With `rotation_days` a key that is due is rotated in place: the routine. " +
			"Whatever is wired to `recipient` follows in the same apply. Old ciphertext, in git or in old states, stays open to the old key.\n\n" +
			"Whether a key is due is found when the state is refreshed, and the plan goes by that: a plan with `-refresh=false` does not notice that time has passed, and a saved plan can be applied after midnight.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "A random ID. It tells nothing about the key, and stays over rotations in place: only `-replace`, taint, `keepers` and `algorithm` give another one."},
			"algorithm": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(string(algorithmX25519)), Validators: checkAlgorithm,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "`x25519` (default) or `mlkem768x25519` (hybrid post-quantum; a box needs age 1.3 or later to open what is sealed to it). A change replaces the key.",
			},
			"escrow_recipients": schema.SetAttribute{
				ElementType: types.StringType, Optional: true, Computed: true,
				Validators:          checkedRecipients(),
				MarkdownDescription: "The operators: they can decrypt `wrapped_identity`. " + operatorsRule + " A change encrypts the same identity to the new operators, in place. That needs an operator identity that opens the current `wrapped_identity`. " + recipientKinds,
			},
			"keepers": schema.MapAttribute{
				ElementType: types.StringType, Optional: true,
				PlanModifiers:       []planmodifier.Map{replaceOnChange(), nullIsAbsent()},
				MarkdownDescription: "Arbitrary values that replace the key: " + replaceRule,
			},
			"rotation_days": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, rotation.MaxDays)},
				MarkdownDescription: "After how many days the key is rotated: in place, by the first apply after that. Without it the key has no schedule. A key that is due is not rotated in an apply that raises or removes it: that puts the rotation off.",
			},
			"grace_days": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(0, rotation.MaxDays), int64validator.AlsoRequires(path.MatchRoot("rotation_days"))},
				MarkdownDescription: "For how many days an identity that was rotated stays in `recipients` and inside `wrapped_identity`, so that boxes which still hold it open bundles. Default 0. " +
					"It is of use where the identity does not travel (`identity_file`, `identity_command`); of an identity that travels in a script, only the current one does. To rotate with a grace period needs an operator identity.",
			},
			"recipient": schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "The current recipient (public key), `age1…` or `age1pq1…`."},
			"recipients": schema.ListAttribute{
				ElementType: types.StringType, Computed: true, PlanModifiers: keepList,
				MarkdownDescription: "What a bundle for this key should be sealed to: the current recipient, then those that are still in their grace period. Wire `recipients` of a bundle to it.",
			},
			"wrapped_identity": schema.StringAttribute{
				Computed: true, Sensitive: true, PlanModifiers: keep,
				MarkdownDescription: "The identity, encrypted to `escrow_recipients`: an armored age file that holds a key file as age-keygen writes it, the current identity first, then those that are still in their grace period. `age -d -i operator.txt` opens it. " + notPrinted("ageenv_key.….wrapped_identity"),
			},
			"generation": schema.Int64Attribute{Computed: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}, MarkdownDescription: "How many identities the key has had, with the current one. A key that is replaced begins at 1 again."},
			"retiring": schema.ListNestedAttribute{
				Computed: true, PlanModifiers: keepList,
				MarkdownDescription: "The identities that were rotated and are in their grace period, the latest first; null if there is none.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"recipient":  schema.StringAttribute{Computed: true, MarkdownDescription: "Its recipient."},
					"created_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When it was made, RFC 3339, UTC."},
					"retire_at":  schema.StringAttribute{Computed: true, MarkdownDescription: "When its grace period ends, RFC 3339, UTC. The first apply after that takes it out."},
					"due":        schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether its grace period had ended when the state was last refreshed."},
				}},
			},
			"created_at":          schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "When the current identity was made, RFC 3339, UTC."},
			"rotate_at":           schema.StringAttribute{Computed: true, PlanModifiers: keep, MarkdownDescription: "When the key is due, RFC 3339, UTC: `rotation_days` after `created_at`. Null without a schedule."},
			"rotation_due":        schema.BoolAttribute{Computed: true, PlanModifiers: []planmodifier.Bool{boolplanmodifier.UseStateForUnknown()}, MarkdownDescription: "Whether the key was due when the state was last refreshed."},
			"operator_removed_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When an operator was last removed in place, RFC 3339, UTC; null if none was. If it is later than `created_at`, a removed operator may still have the current identity from an old state: replace the key. For `items` of `ageenv_rotation_report`."},
		},
	}
}

func (r *keyResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}
