package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// vultr returns the client that all resources share. It reports false, without an
// error, while its configuration is not known.
func (s *settings) vultr() (client *vultr.Client, known bool, diags diag.Diagnostics) {
	switch {
	case s.vultrUnknown:
		return nil, false, diags
	case s.vultrConfig.APIKey.IsEmpty():
		diags.AddError("No Vultr API key",
			"ageenv_vultr_startup_script needs one: set vultr = { api_key = … } in the provider's configuration, or the environment's VULTR_API_KEY.")
		return nil, true, diags
	}
	s.vultrOnce.Do(func() { s.vultrClient, s.vultrErr = vultr.New(s.vultrConfig) })
	if s.vultrErr != nil {
		diags.AddError(vultrMisconfigured(s.vultrErr))
	}
	return s.vultrClient, true, diags
}

func vultrMisconfigured(err error) (summary, detail string) {
	return "Vultr can't be configured", sentence(err) +
		" It is configured by vultr = {…} in the provider's configuration, VULTR_API_KEY and VULTR_API_URL."
}

// checkVultrConfig reports what is wrong with vultr = {…}, once and not for each
// script. What the environment alone gives is for the scripts to report: whoever has
// none may have anything there. The error has no path: Terraform would print the line,
// which may hold the API key.
func (s *settings) checkVultrConfig() (diags diag.Diagnostics) {
	if s.vultrUnknown || s.vultrConfig.APIKey.IsEmpty() {
		return diags
	}
	if _, err := vultr.New(s.vultrConfig); err != nil {
		diags.AddError(vultrMisconfigured(err))
	}
	return diags
}

// knownVultr is the Vultr client, where it has to be known by now.
func (s *settings) knownVultr() (*vultr.Client, diag.Diagnostics) {
	client, known, diags := s.vultr()
	if !known {
		diags.AddError("Vultr is not configured yet", "A value in vultr = {…} of the provider's configuration is not known. Apply what it comes from first, with -target.")
	}
	return client, diags
}

// checkVultrKey is for plans that create or change a startup script. It reports what is
// wrong with Vultr's configuration and, once for all scripts, a key that the API
// refuses: otherwise an apply would find out after it has made keys and bundles.
func (s *settings) checkVultrKey(ctx context.Context) diag.Diagnostics {
	if s.uncheckedKey && s.vultrConfig.APIKey.IsEmpty() {
		return nil // a plan without a key
	}
	client, known, diags := s.vultr()
	if !known || s.uncheckedKey || diags.HasError() {
		return diags
	}
	s.keyChecked.Do(func() {
		switch err := client.CheckKey(ctx); {
		case errors.Is(err, vultr.ErrUnauthorized):
			diags.AddError("Vultr refuses the API key", sentence(err)+
				" Nothing was created. "+keptState+" Set api_key in vultr = {…} of the provider's configuration, or VULTR_API_KEY. "+
				"To plan without a valid key, set check_api_key = false there and plan with -refresh=false.")
		case err != nil:
			diags.AddWarning("Vultr's API key can't be checked", sentence(err)+
				" The apply needs the API. This plan is made without it; check_api_key = false in vultr = {…} of the provider's configuration leaves the check out.")
		}
	})
	return diags
}
