package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// recipientSet reads a set of recipients. It reports false if the set or an element
// is not known yet. Errors are put on the element at fault, which is shown only if
// it can't be a private key.
func recipientSet(ctx context.Context, set types.Set, at path.Path) (recipients []agekey.Recipient, known bool, diags diag.Diagnostics) {
	known = !set.IsUnknown()
	for _, element := range set.Elements() {
		text, ok := element.(basetypes.StringValue)
		switch {
		case !ok || text.IsNull():
			diags.AddAttributeError(at, "Malformed recipient", "An element is null: leave it out.")
		case text.IsUnknown():
			known = false
		default:
			recipient, err := agekey.ParseRecipient(text.ValueString())
			if errors.Is(err, agekey.ErrPrivateKey) {
				// Without a path: Terraform would print the attribute's source, key and all.
				diags.AddError("Private key where a recipient belongs", fmt.Sprintf("In %s: %s", at, sentence(err)))
				continue
			}
			if err != nil {
				// Not on the element's path: for a set that path is the element itself,
				// and would be printed whole.
				diags.AddAttributeError(at, "Malformed recipient", fmt.Sprintf("In %s: %s can't be used. %s", at, shownRecipient(text.ValueString()), sentence(err)))
				continue
			}
			recipients = append(recipients, recipient.WithContext(ctx))
		}
	}
	return agekey.Union(recipients), known, diags
}

// shownRecipient tells which element of a set can't be used. One that begins as a
// recipient does is public, up to where a recipient ends. Anything else may be a secret
// that was pasted into the wrong place, and only its length is told.
func shownRecipient(text string) string {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return "the empty text"
	case strings.HasPrefix(trimmed, "age1"), strings.HasPrefix(trimmed, "ssh-"):
		isEnd := func(r rune) bool {
			return r == ',' || r == ';' || unicode.IsControl(r) || r == ' ' && trimmed[0] == 'a'
		}
		if end := strings.IndexFunc(trimmed, isEnd); end > 0 {
			return shortened(trimmed[:end]) + " and what follows it"
		}
		return shortened(trimmed)
	}
	return fmt.Sprintf("the element of %d bytes that begins neither with age1 nor with ssh- (it is not repeated here)", len(text))
}

// checkedRecipients refuses unusable recipients before anything is planned: while
// it plans, the framework traces the path of every element of a set, and that path
// is the element itself, a pasted private key too.
func checkedRecipients() []validator.Set { return []validator.Set{recipientsCheck{}} }

type recipientsCheck struct{}

func (recipientsCheck) Description(context.Context) string { return "must be age recipients" }

func (recipientsCheck) MarkdownDescription(context.Context) string { return "must be age recipients" }

func (recipientsCheck) ValidateSet(ctx context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	_, _, diags := recipientSet(ctx, req.ConfigValue, req.Path)
	resp.Diagnostics.Append(diags...)
}

// textSet is the recipients as a Terraform set.
func textSet(recipients []agekey.Recipient) types.Set {
	elements := make([]attr.Value, len(recipients))
	for i, r := range recipients {
		elements[i] = types.StringValue(r.String())
	}
	return types.SetValueMust(types.StringType, elements)
}

// sameRecipients compares two lists made by Union.
func sameRecipients(a, b []agekey.Recipient) bool {
	return slices.Equal(agekey.Texts(a), agekey.Texts(b))
}

// operatorsOf returns the operators of a resource: own is its own list in the
// configuration, kept the list in its state; both are null where there is none.
// agekey.OperatorsFrom says which list is followed. Recipients of this machine's
// identities come with a warning. The set is unknown until its list is known. Whether
// an empty set is an error is the caller's decision.
func (s *settings) operatorsOf(ctx context.Context, at path.Path, own, kept types.Set) (operators types.Set, diags diag.Diagnostics) {
	unknown := types.SetUnknown(types.StringType)
	switch agekey.OperatorsFrom(agekey.OperatorLists{Resource: !own.IsNull(), Provider: s.escrowConfigured, Existing: !kept.IsNull()}) {
	case agekey.OperatorsOfResource:
		return own, diags
	case agekey.OperatorsOfProvider:
		if s.escrowUnknown {
			return unknown, diags
		}
		if before, known, _ := recipientSet(ctx, kept, at); known && !kept.IsNull() && sameRecipients(before, s.escrow) {
			return kept, diags // written differently is no change
		}
		return textSet(s.escrow), diags
	case agekey.OperatorsKept:
		return kept, diags
	}
	if s.identitiesUnknown {
		return unknown, diags
	}
	ring := s.keyring(ctx)
	if programs := agekey.PluginsOfUnknownRecipient(ring.Dedicated); len(programs) > 0 {
		diags.Append(unknownOperator(at, programs))
		return unknown, diags
	}
	recipients := agekey.Recipients(ring.Dedicated)
	if len(recipients) > 0 {
		diags.AddAttributeWarning(at, "Operators taken from the identities found here",
			fmt.Sprintf("Neither %s nor the provider's escrow_recipients is set. The operators are the recipients of the identities on this machine: %s. "+
				"This list is kept in the state, for everybody who applies, until one of the two arguments is set. "+
				"Set escrow_recipients in the provider's configuration to the operators.", at, strings.Join(agekey.Texts(recipients), ", ")))
	}
	return textSet(recipients), diags
}

// locksOut reports whether nothing on this machine opens what is encrypted to these
// recipients. It reports false while that is not known: an identity of an age plugin
// without a known recipient may open anything.
func (s *settings) locksOut(ctx context.Context, recipients []agekey.Recipient) bool {
	if s.identitiesUnknown {
		return false
	}
	ids := s.keyring(ctx).Identities
	return len(agekey.PluginsOfUnknownRecipient(ids)) == 0 && len(agekey.WithoutIdentity(ids, agekey.Texts(recipients))) == len(recipients)
}

const noOperatorsDetail = "Nobody could ever open it again. Set escrow_recipients in the provider's configuration (or %s here) to the operators' recipients; " +
	"age-keygen makes a key and prints its recipient. Only where neither is set, the recipients of this machine's identities are taken."
