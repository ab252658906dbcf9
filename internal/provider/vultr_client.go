package provider

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
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

// vultrMisconfigured names the settings that are wrong. The error has no path: Terraform
// would print the line, which may hold the API key.
func vultrMisconfigured(err error) (summary, detail string) {
	names := map[string]string{
		"APIKey": "vultr.api_key, or VULTR_API_KEY", "URL": "vultr.api_url, or VULTR_API_URL",
		"RequestsPerSecond": "vultr.requests_per_second", "MaxRetries": "vultr.max_retries", "Timeout": "vultr.timeout",
	}
	var lines []string
	for _, problem := range flatten(err) {
		line := sentence(problem)
		var field *vultr.ConfigError
		if errors.As(problem, &field) && names[field.Field] != "" {
			line = "In " + names[field.Field] + ": " + sentence(errors.New(field.Problem))
		}
		lines = append(lines, line)
	}
	return "Vultr can't be configured", strings.Join(lines, "\n") +
		" It is configured by vultr = {…} in the provider's configuration, VULTR_API_KEY and VULTR_API_URL."
}

// checkVultrConfig reports what is wrong with vultr = {…}, once and not for each script.
// What is unknown or missing in it does not hide what is wrong beside it. What the
// environment alone gives is for the first script to report: whoever has none may have
// anything there.
func (s *settings) checkVultrConfig(v vultrModel) (diags diag.Diagnostics) {
	c := s.vultrConfig
	if c.APIKey.IsEmpty() {
		c.APIKey = secret.New("missing") // for the first script to report
	}
	if v.APIURL.IsUnknown() {
		c.URL = "http://127.0.0.1" // the widest limits
	}
	if !v.RequestsPerSecond.IsNull() && !v.RequestsPerSecond.IsUnknown() && c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = -1 // 0 would be the default
	}
	if _, err := vultr.New(c); err != nil {
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

// once returns what is wrong for all scripts alike to the first that asks, and nothing to
// the others. It is for a refresh and a plan, which fail with the first error: hundreds
// of scripts would say the same.
func (s *settings) once(diags diag.Diagnostics) (first diag.Diagnostics) {
	s.vultrReported.Do(func() { first = diags })
	return first
}

// checkVultrKey is for plans that create or change a startup script. It reports what is
// wrong with Vultr's configuration and, once for all scripts, a key that the API
// refuses: otherwise an apply would find out after it has made keys and bundles.
func (s *settings) checkVultrKey(ctx context.Context) diag.Diagnostics {
	if s.uncheckedKey && s.vultrConfig.APIKey.IsEmpty() {
		return nil // a plan without a key
	}
	client, known, diags := s.vultr()
	if diags.HasError() {
		return s.once(diags)
	}
	if !known || s.uncheckedKey {
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
