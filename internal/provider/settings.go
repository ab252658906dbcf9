package provider

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// settings is the configured provider, as its resources see it.
type settings struct {
	options Options

	sources           agekey.Sources
	identitiesUnknown bool // some identity is not known yet: what can't be opened may be, later
	loadRing          func() agekey.Keyring

	escrow           []agekey.Recipient
	escrowConfigured bool
	escrowUnknown    bool

	vultrConfig  vultr.Config
	vultrUnknown bool
	vultrOnce    sync.Once
	vultrClient  *vultr.Client
	vultrErr     error
	// uncheckedKey is check_api_key = false.
	uncheckedKey bool
	keyChecked   sync.Once
	// vultrReported is done when an error that is every script's has been reported.
	vultrReported sync.Once

	plannedBundles plannedBundles

	refreshedIDs sync.Map // of bundles
	checkedWraps sync.Map // digests of wraps of keys and their recipients that belong together
}

func newSettings(options Options) *settings {
	return &settings{options: options, sources: options.Environment.Identities}
}

// now is the time of this moment, to the second, in UTC.
func (s *settings) now() time.Time { return s.options.Now().UTC().Truncate(time.Second) }

// refreshed reports whether the bundle was refreshed by this provider process. In an
// apply, which plans once more, nothing is.
func (s *settings) refreshed(id string) bool {
	_, seen := s.refreshedIDs.Load(id)
	return seen
}

// keyring loads the identities, once: until something needs one, no file is read
// and no key command is run. An age plugin that is asked ends with ctx.
func (s *settings) keyring(ctx context.Context) agekey.Keyring { return s.loadRing().WithContext(ctx) }

func (s *settings) takeIdentities(ctx context.Context, model providerModel) (diags diag.Diagnostics) {
	for i, element := range model.Identities.Elements() {
		text, ok := element.(basetypes.StringValue)
		switch {
		case !ok || text.IsNull():
		case text.IsUnknown():
			s.identitiesUnknown = true
		default:
			ids, err := agekey.ParseIdentities(secret.New(text.ValueString()))
			if err != nil {
				diags.Append(malformedIdentity(path.Root("identities").AtListIndex(i), err))
			}
			s.sources.Given = append(s.sources.Given, ids...)
		}
	}
	for _, element := range model.IdentityFiles.Elements() {
		file, ok := element.(basetypes.StringValue)
		switch {
		case !ok || file.IsNull():
		case file.IsUnknown():
			s.identitiesUnknown = true
		default:
			s.sources.Files = append(s.sources.Files, file.ValueString())
		}
	}
	s.identitiesUnknown = s.identitiesUnknown || model.Identities.IsUnknown() || model.IdentityFiles.IsUnknown()
	s.loadRing = sync.OnceValue(func() agekey.Keyring { return s.sources.Load(context.WithoutCancel(ctx)) })
	return diags
}

func (s *settings) takeEscrow(ctx context.Context, model providerModel) diag.Diagnostics {
	if model.EscrowRecipients.IsNull() {
		return nil
	}
	recipients, known, diags := recipientSet(ctx, model.EscrowRecipients, path.Root("escrow_recipients"))
	s.escrow, s.escrowConfigured, s.escrowUnknown = recipients, true, !known
	return diags
}

// vultrModel is the provider's vultr attribute.
type vultrModel struct {
	APIKey            types.String  `tfsdk:"api_key"`
	APIURL            types.String  `tfsdk:"api_url"`
	CheckAPIKey       types.Bool    `tfsdk:"check_api_key"`
	RequestsPerSecond types.Float64 `tfsdk:"requests_per_second"`
	MaxRetries        types.Int64   `tfsdk:"max_retries"`
	Timeout           types.String  `tfsdk:"timeout"`
}

func (s *settings) takeVultr(ctx context.Context, model providerModel) (diags diag.Diagnostics) {
	env := s.options.Environment
	s.vultrConfig = vultr.Config{
		APIKey: env.VultrKey, URL: env.VultrURL, Logger: s.options.Logger.Named("vultr"),
		UserAgent: "terraform-provider-ageenv/" + s.options.Version, Transport: s.options.Transport,
	}
	s.vultrUnknown = model.Vultr.IsUnknown()
	if model.Vultr.IsNull() || model.Vultr.IsUnknown() {
		return diags
	}
	var v vultrModel
	diags.Append(model.Vultr.As(ctx, &v, basetypes.ObjectAsOptions{})...)
	if diags.HasError() {
		return diags
	}
	s.vultrUnknown = v.APIKey.IsUnknown() || v.APIURL.IsUnknown() || v.CheckAPIKey.IsUnknown() || v.RequestsPerSecond.IsUnknown() || v.MaxRetries.IsUnknown() || v.Timeout.IsUnknown()
	s.uncheckedKey = v.CheckAPIKey.Equal(types.BoolValue(false))
	c := &s.vultrConfig
	if !v.APIKey.IsNull() {
		c.APIKey = secret.New(v.APIKey.ValueString())
	}
	if !v.APIURL.IsNull() {
		c.URL = v.APIURL.ValueString()
	}
	c.RequestsPerSecond = v.RequestsPerSecond.ValueFloat64()
	switch c.MaxRetries = int(v.MaxRetries.ValueInt64()); {
	case c.MaxRetries == 0 && !v.MaxRetries.IsNull():
		c.MaxRetries = vultr.NoRetries
	case c.MaxRetries < 0:
		c.MaxRetries = vultr.MaxMaxRetries + 1 // refused; NoRetries is not what was asked for
	}
	if !v.Timeout.IsNull() && !v.Timeout.IsUnknown() {
		timeout, err := time.ParseDuration(v.Timeout.ValueString())
		if err != nil || timeout <= 0 {
			// Without a path, as in vultrMisconfigured.
			diags.AddError("Malformed duration", "Write vultr.timeout as a duration above zero, for example \"30s\" or \"2m\".")
		}
		c.Timeout = timeout
	}
	if !diags.HasError() {
		diags.Append(s.checkVultrConfig(v)...)
	}
	return diags
}

// configured returns the settings that a request carries, or nil while Terraform
// only validates.
func configured(data any, diags *diag.Diagnostics) *settings {
	if data == nil {
		return nil
	}
	s, ok := data.(*settings)
	if !ok {
		diags.AddError("Unexpected provider data", "This is a fault of the provider. Please report it.")
	}
	return s
}
