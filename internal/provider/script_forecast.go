package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// A script whose key or bundle is made by the same apply can't be rendered while
// planning. What is here warns of what will fail then, after the key and the bundle
// were made.

// unwrapWarning warns if wrapped_identity_wo is not known yet and no identity that is
// found here can be expected to unwrap it.
func (s *settings) unwrapWarning(ctx context.Context, config scriptModel) (diags diag.Diagnostics) {
	if !config.IdentityWO.IsNull() || !config.WrappedWO.IsUnknown() || s.identitiesUnknown {
		return diags
	}
	ring := s.keyring(ctx)
	unless := ""
	switch {
	case len(ring.Identities) == 0:
	case s.escrowConfigured && !s.escrowUnknown && s.locksOut(ctx, s.escrow):
		unless = " None of them is in the provider's escrow_recipients. If the key has other escrow_recipients, and one of these identities is among them, ignore this warning."
	default:
		return diags
	}
	diags.AddAttributeWarning(wrappedPath, "The apply will need an operator identity",
		fmt.Sprintf("wrapped_identity_wo is not known before the apply. Then an operator identity has to unwrap it, because the identity travels in the script; "+
			"without one the apply stops here, after the key was made. %s%s\n\n%s", keyringState(ring), unless, identityRemedy))
	return diags
}

// plannedBundles are the formats of the bundles that this run encrypts. Terraform plans
// a bundle before the script that it is for, in the same process, and tells the script
// nothing about a ciphertext that is not known: not even which bundle it comes from.
type plannedBundles struct {
	mu      sync.Mutex
	formats []bundle.Format // "" for one that is not known
}

// note is for a bundle that is planned, with the ciphertext that is planned for it.
func (b *plannedBundles) note(format, ciphertext types.String) {
	if !ciphertext.IsUnknown() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := bundle.Format(format.ValueString()); !slices.Contains(b.formats, f) {
		b.formats = append(b.formats, f)
	}
}

// warnings name the files whose ciphertext is not known and that no bundle of this plan
// fits. Where one fits, it may be the one, and nothing is said.
func (b *plannedBundles) warnings(boot bootValues) (diags diag.Diagnostics) {
	b.mu.Lock()
	formats := slices.Sorted(slices.Values(b.formats))
	b.mu.Unlock()
	if len(formats) == 0 || slices.Contains(formats, "") {
		return diags
	}
	for i, f := range boot.files {
		asDirectory := f.Layout.ValueString() == string(firstboot.LayoutDirectory)
		fits := func(format bundle.Format) bool { return canDrop(format, f.boxLayout(), boot.travels()) }
		if !f.Ciphertext.IsUnknown() || f.Layout.IsUnknown() || slices.ContainsFunc(formats, fits) {
			continue
		}
		wanted := slices.DeleteFunc(bundle.Formats(), func(format bundle.Format) bool { return !fits(format) })
		at := boot.atCiphertext(i)
		diags.AddAttributeWarning(at, "The box will not be able to drop this bundle: "+at.String(),
			fmt.Sprintf("%s is not known before the apply, and all bundles that this plan encrypts have the format %s. %s "+
				"Set the bundle's format to %s, or the apply stops here, after the bundle was made. Ignore this warning if the ciphertext does not come from an ageenv_bundle of this plan.",
				at, strings.Join(texts(formats), " or "), whyNotDropped(boot.travels(), asDirectory), strings.Join(texts(wanted), " or ")))
	}
	return diags
}

// canDrop reports whether a box can store a bundle of the format.
func canDrop(format bundle.Format, layout bundle.Layout, travels bool) bool {
	if travels {
		return format.CanReencryptForBox(layout)
	}
	return format.CanSendToBox(layout)
}

func whyNotDropped(travels, asDirectory bool) string {
	switch {
	case asDirectory:
		return "layout = \"directory\" needs a bundle that holds one file per key."
	case !travels:
		return "The identity does not travel, so the box gets the bundle as it is: it opens age files, and has no sops; and it drops one env text."
	}
	return "The file needs a bundle that holds env text."
}
