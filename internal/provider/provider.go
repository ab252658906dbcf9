// Package provider is the glue between Terraform and the packages that do the work:
// schemas, models, diagnostics. A resource X has the files X_resource.go (type, model,
// schema), X_plan.go, X_crud.go (Create, Read, Update, Delete), X_import.go, and one
// X_SUBJECT.go for each further subject.
//
// The provider:
//   - provider.go, environment.go, settings.go: its configuration, the environment
//     variables, and the settings that resources get from both
//   - values.go: conversion between Terraform's values and Go's, and reading models
//   - validators.go, descriptions.go: parts of several schemas
//   - recipients.go, readers.go, triggers.go: arguments of several resources
//   - resource_identity.go, local_file.go, env_text.go: identities of resources, files of
//     this machine, env text
//   - diagnostics.go, plugin.go: errors with their remedies, and age plugins
//   - refuse_keys.go, refuse_keys_server.go: private keys in the wrong argument
//   - unlogged_server.go: calls without the plugin library's loggers
//
// Keys:
//   - key_resource.go, key_plan.go, key_crud.go, key_import.go: the resource
//   - key_generation.go: the identities of a key over time
//   - operator_change.go: warnings when operators of a key or a bundle change
//   - identity_ephemeral.go: the ephemeral resource
//
// Bundles:
//   - bundle_resource.go, bundle_plan.go, bundle_crud.go, bundle_import.go: the resource
//   - bundle_change.go, bundle_content.go, bundle_effect.go: the change that a plan and its
//     apply make, the configured content, and which entries get a new value
//   - bundle_generated.go, bundle_generated_status.go: generated entries
//   - bundle_kubernetes.go: the manifest of a Secret
//   - bundle_ephemeral.go, dotenv_ephemeral.go, content_ephemeral.go: ephemeral resources
//   - bundle_metadata_function.go, dotenv_functions.go: functions
//   - rotation_report_data.go: the data source
//   - rotation_report_scopes.go: of it, who can read what is stored, and who may
//
// Startup scripts:
//   - script_resource.go, script_plan.go, script_crud.go, script_import.go: the resource
//   - script_boot.go, script_files.go: the arguments for the box, which the data source has
//     too, and the files with their bundles
//   - script_validate.go, script_render.go, script_forecast.go: checks, rendering, and
//     warnings of what can fail at apply
//   - script_duplicates.go, script_missing.go, vultr_client.go: lost answers, deleted
//     scripts, the API client
//   - script_scrub.go, script_scrub_action.go: removing the secret from the account
//   - script_move.go, script_list.go: scripts that exist already
//   - first_boot_script_data.go: the data source
package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var (
	_ provider.Provider                       = &ageenvProvider{}
	_ provider.ProviderWithEphemeralResources = &ageenvProvider{}
	_ provider.ProviderWithFunctions          = &ageenvProvider{}
	_ provider.ProviderWithActions            = &ageenvProvider{}
	_ provider.ProviderWithListResources      = &ageenvProvider{}
)

// Options are what the provider is made with.
type Options struct {
	Version     string           // of the provider, for user agents
	Environment Environment      // see TakeEnvironment
	Logger      hclog.Logger     // nil logs nothing
	Now         func() time.Time // nil is time.Now
	// Transport takes the place of the network to Vultr, in tests.
	Transport http.RoundTripper
}

type ageenvProvider struct {
	options Options
}

// New returns a factory for the provider.
func New(options Options) func() provider.Provider {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = hclog.NewNullLogger()
	}
	return func() provider.Provider { return &ageenvProvider{options: options} }
}

func (p *ageenvProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "ageenv"
	resp.Version = p.options.Version
}

// providerModel is the provider's configuration.
type providerModel struct {
	Identities       types.List   `tfsdk:"identities"`
	IdentityFiles    types.List   `tfsdk:"identity_files"`
	EscrowRecipients types.Set    `tfsdk:"escrow_recipients"`
	Vultr            types.Object `tfsdk:"vultr"`
}

func (p *ageenvProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Encrypted env bundles, from `terraform apply` to a box's first boot, with no plaintext in git, in state, in a plan or in a log.\n\n" +
			"Needs Terraform 1.11 or OpenTofu 1.11: write-only arguments and ephemeral resources keep plaintext out of state and plans.\n\n" +
			"**A private key in the wrong argument is refused**, without showing it: an age identity, or an SSH or PEM key. These arguments take one: `identities`, `identity_wo` of a startup script, `identity` of the ephemeral `ageenv_bundle`, " +
			"and, as values, `entries_wo`, `dotenv_wo` and `text` of the ephemeral `ageenv_dotenv`.",
		Attributes: map[string]schema.Attribute{
			"identities": schema.ListAttribute{
				ElementType: types.StringType, Optional: true, Sensitive: true,
				MarkdownDescription: "Operator identities (private keys) that open wrapped keys and bundles: `AGE-SECRET-KEY-1…` lines, `AGE-PLUGIN-NAME-1…` lines of age plugins (a YubiKey, a TPM), whole key files, or SSH private keys without a passphrase. " +
					"Give them from an ephemeral resource or variable; key files are the better place (`identity_files`). " +
					"They are needed only by what opens something. Merged with them, as sops does: `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY_CMD`, `SOPS_AGE_SSH_PRIVATE_KEY_FILE`, `SOPS_AGE_SSH_PRIVATE_KEY_CMD`, the user's `sops/age/keys.txt`, and `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`. " +
					"The last two only open: no new resource takes them for operators. A key command gets no `SOPS_AGE_RECIPIENT`. A plugin is asked only if no other identity opens a file: the guide [Operators' keys on a YubiKey or in a TPM](guides/hardware-keys.md) says when.",
			},
			"identity_files": schema.ListAttribute{
				ElementType: types.StringType, Optional: true,
				MarkdownDescription: "Paths of key files, as age-keygen writes them, or of SSH private keys without a passphrase. `~/` is the home directory. Regular files only, no pipes. A file that can't be read matters only to what needs it.",
			},
			"escrow_recipients": schema.SetAttribute{
				ElementType: types.StringType, Optional: true,
				MarkdownDescription: "The operators: recipients (public keys) that every key and bundle is sealed to that names none of its own. Without it, the recipients of the identities that are found here, with a warning. " + recipientKinds,
			},
			"vultr": schema.SingleNestedAttribute{
				Optional:            true,
				MarkdownDescription: "Access to Vultr's API. Needed only by `ageenv_vultr_startup_script`.",
				Attributes: map[string]schema.Attribute{
					"api_key": schema.StringAttribute{
						Optional: true, Sensitive: true,
						MarkdownDescription: "The API key; else the environment's `VULTR_API_KEY`. It can only be used from addresses that the account's access control allows.",
					},
					"api_url": schema.StringAttribute{
						Optional:            true,
						MarkdownDescription: "The API's URL, scheme, host and port only; else `VULTR_API_URL`, else `https://api.vultr.com`. `http` is for loopback hosts only.",
					},
					"check_api_key": schema.BoolAttribute{
						Optional: true,
						MarkdownDescription: "Whether a plan that creates or changes a startup script asks the API first whether it accepts the key: with one request for all scripts, and none where a refresh has used the key already. " +
							"A key that is refused is an error of the plan, before anything is created. An API that can't be reached is a warning. Default `true`. With `false` a plan with `-refresh=false` needs neither a key nor a network.",
					},
					"requests_per_second": schema.Float64Attribute{
						Optional:            true,
						MarkdownDescription: "Requests a second, all resources together, retries included. Default 20; Vultr answers 429 above 30.",
					},
					"max_retries": schema.Int64Attribute{
						Optional:            true,
						MarkdownDescription: "How often a request is repeated where that is safe. Default 4, at most 10, 0 for never.",
					},
					"timeout": schema.StringAttribute{
						Optional:            true,
						MarkdownDescription: "How long one attempt may take, as a duration (`30s`, the default, to `10m`).",
					},
				},
			},
		},
	}
}

// minimumCLI is the first version, of Terraform and of OpenTofu alike, with
// write-only arguments and ephemeral resources.
var minimumCLI = version.Must(version.NewVersion("1.11.0"))

func (p *ageenvProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	if cli, err := version.NewVersion(req.TerraformVersion); err == nil && cli.Core().LessThan(minimumCLI) {
		resp.Diagnostics.AddError("Terraform is too old for ageenv",
			"This is version "+req.TerraformVersion+", and ageenv needs Terraform 1.11 or OpenTofu 1.11, or later: "+
				"older versions have no write-only arguments, and would put secrets into the state. Upgrade the CLI.")
		return
	}
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	s := newSettings(p.options)
	resp.Diagnostics.Append(s.takeIdentities(ctx, model)...)
	resp.Diagnostics.Append(s.takeEscrow(ctx, model)...)
	resp.Diagnostics.Append(s.takeVultr(ctx, model)...)
	resp.ResourceData = s
	resp.EphemeralResourceData = s
	resp.DataSourceData = s
	resp.ActionData = s
	resp.ListResourceData = s
}

func (p *ageenvProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newKeyResource, newBundleResource, newScriptResource}
}

func (p *ageenvProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newRotationReport, newFirstBootScriptData}
}

func (p *ageenvProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newIdentityEphemeral, newBundleEphemeral, newDotenvEphemeral}
}

func (p *ageenvProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newBundleMetadataFunction, newDotenvDecodeFunction, newDotenvEncodeFunction}
}

// Actions are for Terraform 1.14 and later; older ones and OpenTofu don't ask.
func (p *ageenvProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{newScrubAction}
}

// ListResources are for Terraform 1.14 and later, too.
func (p *ageenvProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{newScriptList}
}
