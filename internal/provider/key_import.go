package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

func (r *keyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	fail := func(detail string) { resp.Diagnostics.AddError("The key can't be imported", detail) }
	if _, named, _ := importedByID(ctx, req); named {
		fail("A key is nowhere but in a state, so its id finds nothing. Give the path of a key file as the import ID: import { to = …, id = \"age.key\" }.")
		return
	}
	content, err := readFile(req.ID)
	if err != nil {
		fail(sentence(err) + " The import ID is the path of a key file, as age-keygen writes it, or of one wrapped to the operators; it is never the key itself.")
		return
	}
	if agekey.IsFile(content.Reveal()) {
		ring := r.settings.keyring(ctx)
		opened, err := agekey.Open(content.Reveal(), ring.Identities)
		if err != nil {
			fail(openFailed("The key file "+shownPath(req.ID), err, ring, ""))
			return
		}
		content = opened
	}
	ids, err := agekey.ParseIdentities(content)
	if err != nil {
		fail("In " + shownPath(req.ID) + ": " + sentence(err))
		return
	}
	algorithm, ok := algorithmOf(ids[0].Recipient().Kind())
	if len(ids) != 1 || !ok {
		fail(fmt.Sprintf("%s must hold one identity that age-keygen made (AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…). It holds %d, and the first is of kind %s.", shownPath(req.ID), len(ids), ids[0].Recipient().Kind()))
		return
	}
	now := r.settings.now()
	created, ok := agekey.CreatedAt(content)
	if !ok {
		created = now
	}
	null := types.SetNull(types.StringType)
	escrow, diags := r.settings.operatorsOf(ctx, escrowPath, null, null)
	resp.Diagnostics.Append(diags...)
	if escrow.IsUnknown() {
		fail("The provider's escrow_recipients are not known before the apply. Apply what they come from first, with -target, then import.")
		return
	}
	state := keyModel{EscrowRecipients: escrow, Keepers: types.MapNull(types.StringType), Algorithm: types.StringValue(string(algorithm))}
	resp.Diagnostics.Append(state.hold(ctx, agekey.DatedIdentity{Identity: ids[0], CreatedAt: created}, now)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &state)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
}
