package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// What is said of keys of age plugins. A plugin may need a touch for each answer, so a
// plan asks it only where it can't do without: to compare a bundle's content, and to
// render a script. It asks once for each, since what was opened stays known to the run.

// unknownOperator is the error for operators that would be taken from identities of which
// not all show their recipient.
func unknownOperator(at path.Path, programs []string) diag.Diagnostic {
	names := strings.Join(programs, ", ")
	return diag.NewAttributeErrorDiagnostic(at, "An operator's recipient is not known",
		fmt.Sprintf("Neither %s nor the provider's escrow_recipients is set, so that the operators would be those of the identities on this machine. "+
			"The recipient of an identity of %s is not known, and that operator would be left out: an age plugin's identity does not hold its recipient. "+
			"Set escrow_recipients in the provider's configuration to the operators. "+
			"Or add the comment \"# public key: age1…\" in the key file, above the identity, as the plugin prints it.", at, names))
}

// pluginsMissing warns that what this plan encrypts can't be encrypted here.
func pluginsMissing(at path.Path, recipients []agekey.Recipient) (diags diag.Diagnostics) {
	programs := agekey.MissingPlugins(recipients)
	if len(programs) == 0 {
		return diags
	}
	diags.AddAttributeWarning(at, "An age plugin is missing: "+strings.Join(programs, ", "),
		fmt.Sprintf("To encrypt to one of these recipients takes %s, which is not on PATH here. An apply on this machine fails, and changes nothing of this resource. "+
			"Install it where Terraform applies: it needs no key to encrypt.", strings.Join(programs, ", ")))
	return diags
}

// applyAsksForKey warns that an apply takes a key on hardware.
func applyAsksForKey(programs []string) diag.Diagnostic {
	names := strings.Join(programs, ", ")
	return diag.NewAttributeWarningDiagnostic(escrowPath, "The apply asks "+names+" to open this key",
		fmt.Sprintf("No other identity found here opens it. The apply asks %s once, for a minute at most: have its key ready for a touch. This plan has not asked.", names))
}

// asking returns the identities to open the bundle with. A plan asks a plugin only if it
// must compare or carry over the content, and then says how often it does.
func (c *bundleChange) asking(opening bundle.Opening, ring agekey.Keyring) (ids []agekey.Identity, diags diag.Diagnostics) {
	isPlugins := func(id agekey.Identity) bool { _, is := id.Plugin(); return is }
	if c.applying || !slices.ContainsFunc(ring.Identities, isPlugins) {
		return ring.Identities, diags
	}
	quiet := agekey.WithoutPluginCalls(ring.Identities)
	if opening != bundle.MustOpen {
		return quiet, diags
	}
	_, err := c.state.source().Open(c.state.Ciphertext.ValueString(), quiet)
	programs := agekey.PluginsFor(ring.Identities, agekey.Texts(c.before.all()))
	if errors.Is(err, agekey.ErrNoMatch) && c.request().Compares(c.prior) && len(programs) > 0 {
		names := strings.Join(programs, ", ")
		diags.AddAttributeWarning(ciphertextPath, "Each plan asks "+names+" to open this bundle",
			fmt.Sprintf("No other identity found here opens it, and without content_version a plan has to open it to see whether the content changed. "+
				"Each plan asks %s once for each such bundle, and so does each apply that changes it: a touch each, if the key wants one. "+
				"With content_version a plan does not ask.", names))
	}
	return ring.Identities, diags
}

// pluginRemedy is one more remedy where a plan failed because of a plugin.
func pluginRemedy(err error) string {
	if !agekey.PluginFailed(err) {
		return ""
	}
	return " A plan does not open a bundle that has a content_version: it needs no touch and no PIN for it."
}
