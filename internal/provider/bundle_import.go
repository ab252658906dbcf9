package provider

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

func (r *bundleResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	fail := func(detail string) { resp.Diagnostics.AddError("The bundle can't be imported", detail) }
	file, err := readSmallFile(req.ID)
	if err != nil {
		fail("The import ID is the path of a bundle: a dotenv file that sops encrypted, or an armored age file. " + sentence(err))
		return
	}
	ciphertext := file.Reveal() // a bundle is no secret; anything else is refused below
	format, err := bundle.Detect(ciphertext)
	if err != nil {
		fail("The file at that path: " + sentence(err))
		return
	}
	if format == bundle.AgeDotenv && !agekey.IsArmored(ciphertext) {
		fail("The age file is a binary one, and a state holds text: armor it first (age -d … | age -a …).")
		return
	}
	ring := r.settings.keyring(ctx)
	content, err := bundle.Open(ciphertext, dotenv.Compose, ring.Identities)
	if err != nil {
		fail(openFailed("The file", err, ring, ""))
		return
	}
	state := bundleModel{
		ID: types.StringValue(newID()), EntriesWO: types.MapNull(types.StringType),
		Format: types.StringValue(string(format)), Dialect: types.StringValue(string(dotenv.Compose)),
		Ciphertext: types.StringValue(ciphertext), CiphertextSHA256: types.StringValue(digest(ciphertext)),
		ChangedAt: types.MapValueMust(types.StringType, map[string]attr.Value{}),
		UpdatedAt: types.StringValue(r.settings.now().Format(time.RFC3339)),
	}
	state.setKeys(content.Document.Keys())
	resp.Diagnostics.Append(r.importAccess(ctx, &state, ring)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// importAccess parts the recipients that the file shows into those whom the
// provider's configuration calls operators and the others, as a configuration
// would have them.
func (r *bundleResource) importAccess(ctx context.Context, state *bundleModel, ring agekey.Keyring) (diags diag.Diagnostics) {
	texts, shown := bundle.Recipients(state.Ciphertext.ValueString())
	if !shown {
		texts = agekey.Texts(agekey.Recipients(ring.Identities))
		diags.AddWarning("An age file does not show its recipients",
			"The recipients of the identities at hand are taken for them. Set recipients and operator_recipients to what is right: if they differ, the next apply encrypts the bundle anew to exactly those.")
	}
	var all []agekey.Recipient
	for _, text := range texts {
		recipient, err := agekey.ParseRecipient(text)
		if err != nil {
			diags.AddError("The bundle can't be imported", "One of its recipients can't be used: "+sentence(err))
			return diags
		}
		all = append(all, recipient)
	}
	operators, _, _ := r.settings.operators(ctx, operatorsPath)
	isOperator := func(recipient agekey.Recipient) bool {
		return slices.Contains(agekey.Texts(operators), recipient.String())
	}
	others := slices.DeleteFunc(slices.Clone(all), isOperator)
	all = slices.DeleteFunc(all, func(recipient agekey.Recipient) bool { return !isOperator(recipient) })
	state.Recipients, state.OperatorRecipients = textSet(others), textSet(all)
	return diags
}
