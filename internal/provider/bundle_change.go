package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// bundleChange is a change of a bundle, or its creation. Plan and apply both read it
// from their models, and ask package bundle what it does.
type bundleChange struct {
	settings            *settings
	config, plan, state bundleModel // state is the zero model where there is none
	create, applying    bool

	wanted        wanted
	before, after access
	prior         bundle.Prior // the bundle that is there
	generated     generatedChange
}

// read reads what is configured and reports what is wrong with it.
func (c *bundleChange) read(ctx context.Context) (diags diag.Diagnostics) {
	if !c.applying || c.plan.OperatorRecipients.IsUnknown() {
		diags.Append(c.plan.setOperators(ctx, c.settings, c.config, c.state)...)
	}
	c.before, _ = c.state.access(ctx)
	c.prior = c.state.prior(c.before)
	var d diag.Diagnostics
	c.after, d = c.plan.access(ctx)
	diags.Append(d...)
	c.generated, d = changeGenerated(ctx, c.plan, c.state)
	diags.Append(d...)
	paramsKnown := !c.plan.Dialect.IsUnknown() && readersKnown(c.plan.Readers) && !c.plan.Format.IsUnknown() && !c.plan.References.IsUnknown() && !c.plan.kubernetesUnknown()
	if paramsKnown {
		c.wanted, d = wantedContent(c.config, c.plan.params(c.after), c.generated)
		diags.Append(d...)
		diags.Append(c.generated.check(ctx, c.plan.params(c.after), c.wanted, c.after)...)
	} else {
		c.wanted = wanted{configured: c.config.hasContent(), namesUnknown: true} // what of it can be held is not known
	}
	return diags
}

// request is what is asked of package bundle.
func (c *bundleChange) request() bundle.Request {
	return bundle.Request{
		Params: c.plan.params(c.after), RecipientsKnown: c.after.known,
		Content: c.wanted.Wanted, Configured: c.wanted.configured,
		ContentKnown: c.wanted.known, Unknown: c.wanted.unknown, NamesUnknown: c.wanted.namesUnknown,
		Version: c.plan.version(), Generated: c.generated.Generated,
	}
}

// prior is what a state says of the bundle. It reads the ciphertext.
func (m bundleModel) prior(before access) bundle.Prior {
	params, names := m.params(before), m.keys()
	return bundle.Prior{
		Params: params, Version: m.version(), Weak: params.Weak(m.Ciphertext.ValueString(), names) != nil,
		Names: names, ChangedAt: m.changedAt(),
	}
}

func (m bundleModel) version() bundle.Version {
	v := m.ContentVersion
	return bundle.Version{Set: !v.IsNull(), Unknown: v.IsUnknown(), Text: v.ValueString()}
}

// carriesOver reports whether the content stays what it is, whatever is configured.
func (c *bundleChange) carriesOver() bool { return c.request().CarriesOver(c.prior) }

// decide opens the bundle that is there as far as that is needed, and decides. content
// is nil if it was not opened or not read.
func (c *bundleChange) decide(ctx context.Context) (action bundle.Action, opened bundle.Opened, content *bundle.Content, diags diag.Diagnostics) {
	request, prior := c.request(), c.prior
	if opening := request.Opening(prior); opening != bundle.NotOpened {
		opened, content, diags = c.open(ctx, opening)
	}
	return request.Decide(prior, content), opened, content, diags
}

// open opens the bundle that is there. That it can't be is an error if it must be
// opened, unless an identity is still unknown.
func (c *bundleChange) open(ctx context.Context, opening bundle.Opening) (opened bundle.Opened, content *bundle.Content, diags diag.Diagnostics) {
	ring := c.settings.keyring(ctx)
	opened, err := c.state.source().Open(c.state.Ciphertext.ValueString(), ring.Identities)
	if err != nil {
		later := !c.applying && errors.Is(err, agekey.ErrNoMatch) && c.settings.identitiesUnknown
		if opening == bundle.MustOpen && !later {
			diags.Append(c.notOpened(err, ring))
		}
		return opened, nil, diags
	}
	if !c.request().Reads(c.prior) {
		return opened, nil, diags
	}
	read, err := opened.Read(c.state.params(c.before))
	if err != nil {
		if opening == bundle.MustOpen {
			diags.Append(c.notRead(err))
		}
		return opened, nil, diags
	}
	return opened, &read, diags
}

// notOpened tells what can't be done because nothing opens the bundle that is there.
func (c *bundleChange) notOpened(err error, ring agekey.Keyring) diag.Diagnostic {
	if c.request().Compares(c.prior) && !c.applying {
		// Not on the content's path: where the values are literals, Terraform would
		// print them with the source.
		return diag.NewAttributeErrorDiagnostic(ciphertextPath, "Can't tell whether the content changed", openFailed("The bundle's ciphertext", err, ring, openRemedies))
	}
	return diag.NewAttributeErrorDiagnostic(recipientsPath, "The content can't be carried over",
		openFailed("The bundle's ciphertext", err, ring, c.generated.remedies()))
}

// notRead is notOpened where it was opened, and holds no entries.
func (c *bundleChange) notRead(err error) diag.Diagnostic {
	if c.request().Compares(c.prior) && !c.applying {
		return diag.NewAttributeErrorDiagnostic(ciphertextPath, "Can't tell whether the content changed", "The bundle's content can't be read: "+sentence(err)+" "+openRemedies)
	}
	return notCarried(err)
}

// notCarried tells why what is in a bundle can't be written as the plan says.
func notCarried(err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("The content can't be carried over",
		"What is in the bundle can't be written in the format and for the readers of the plan: "+sentence(err)+
			" Leave format, dialect and readers as they were, or change the value in the same apply.")
}

// setOperators puts the operators. The state is the zero model where there is none.
// That nobody is an operator is an error, unless the configuration says so here.
func (m *bundleModel) setOperators(ctx context.Context, s *settings, config, state bundleModel) diag.Diagnostics {
	operators, diags := s.operatorsOf(ctx, operatorsPath, config.OperatorRecipients, state.OperatorRecipients)
	m.OperatorRecipients = operators
	nobody := !operators.IsUnknown() && len(operators.Elements()) == 0
	if nobody && config.OperatorRecipients.IsNull() && !operators.Equal(state.OperatorRecipients) {
		diags.AddAttributeError(operatorsPath, "No operator recipient",
			"Only the recipients could open the bundle: whoever runs Terraform would be locked out. Set escrow_recipients in the provider's configuration, or operator_recipients here; operator_recipients = [] opts out.")
	}
	return diags
}

// differs reports whether an argument differs from the state. What is not configured
// and unknown is computed: the framework marks it before it compares maps of triggers.
func (c *bundleChange) differs() bool {
	config, state := attributeValues(c.config), attributeValues(c.state)
	for i, value := range attributeValues(c.plan) {
		if !value.Equal(state[i]) && !(config[i].IsNull() && value.IsUnknown()) {
			return true
		}
	}
	return false
}
