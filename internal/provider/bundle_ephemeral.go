package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var _ ephemeral.EphemeralResourceWithConfigure = &bundleEphemeral{}

type bundleEphemeral struct {
	settings *settings
}

func newBundleEphemeral() ephemeral.EphemeralResource { return &bundleEphemeral{} }

type bundleEphemeralModel struct {
	Ciphertext           types.String `tfsdk:"ciphertext"`
	Path                 types.String `tfsdk:"path"`
	Identity             types.String `tfsdk:"identity"`
	Dialect              types.String `tfsdk:"dialect"`
	Readers              types.List   `tfsdk:"readers"`
	Format               types.String `tfsdk:"format"`
	ReadEntries          types.Bool   `tfsdk:"read_entries"`
	AllowUnauthenticated types.Bool   `tfsdk:"allow_unauthenticated"`
	contentModel
	Raw       types.String `tfsdk:"raw"`
	RawBase64 types.String `tfsdk:"raw_base64"`
}

func (r *bundleEphemeral) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_bundle"
}

func (r *bundleEphemeral) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	formats, checkFormat := oneOf(bundle.ReadableFormats())
	attributes := contentSchema()
	for name, attribute := range map[string]schema.Attribute{
		"ciphertext": schema.StringAttribute{Optional: true, Sensitive: true, Validators: exactlyOneOf("path"), MarkdownDescription: "The bundle's text. Exactly one of `ciphertext` and `path` is set."},
		"path":       schema.StringAttribute{Optional: true, MarkdownDescription: "The path of a file with the bundle. " + regularFiles},
		"identity": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "The identity that opens it, for example an `ageenv_identity`'s. Default: the provider's identities.",
		},
		"format": schema.StringAttribute{
			Optional: true, Computed: true, Validators: checkFormat,
			MarkdownDescription: "One of " + codeList(formats) + ". Default: what is found in the text. " +
				"Set it for a JSON document of sops whose one name is `data`, which looks like `sops_binary`; for the entries of a Kubernetes Secret (`sops_kubernetes`: those of `data`, decoded, and of `stringData`); or to have another format refused.",
		},
		"readers": schema.ListAttribute{
			ElementType: types.StringType, Optional: true, Validators: checkReaders(),
			MarkdownDescription: "The `readers` for which the bundle was made, if it has any. Default: `dialect` alone. `dotenv` is then written again, in `dialect`, for `dotenv_wo`, and null where that can't hold a value.",
		},
		"read_entries": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "`false` leaves `entries`, `keys` and `dotenv` null: for a file whose content is no env text, such as a certificate. Default `true`.",
		},
		"allow_unauthenticated": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Take of a sops file what sops does not authenticate, or not as a whole: values and comments in clear (`encrypted_regex`, names that end in `_unencrypted`), empty values, names with a `:` (sops does not tell them from one name inside another), and numbers and truth values of a dotenv or INI file that was made from YAML. " +
				"Whoever can write the file can then add empty names, and move what is in clear from one name to another. The MAC is verified all the same. Default `false`: such a file is an error that names the entry.",
		},
		"raw":        schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "What is inside, as `sops -d` or `age -d` prints it. Null where that is not UTF-8, as of a tar."},
		"raw_base64": schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "What is inside, byte for byte, in base64."},
	} {
		attributes[name] = attribute
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Opens a bundle, ours or one that `age` made, or any file that `sops` encrypted to an age recipient (dotenv, binary, JSON, YAML, INI; key groups too), for this run only: nothing of it is in state or in a plan. " +
			"All of it is authenticated, the MAC included, before anything is given out.\n\n" +
			"Nested documents are flattened as users of terraform-provider-sops know it: `a.b.0`. Numbers are given as they are written, truth values as `true` and `false`, nothing as `null`, what YAML's `<<` merges in as if it stood there. " +
			"Where a name is empty, or two flattened names are the same, there are no entries: set `read_entries = false` and use `raw`. " +
			"The text `True` or `False` of JSON, YAML or INI comes with a warning: sops encrypts it as it does a truth value, and does not authenticate the type. Anybody who can write the file can turn `True` into `true`.\n\n" +
			"sops does not authenticate what is a list: one value can become a list of one, so that its name is missing and another one is there. A name never tells another value.\n\n" +
			"Larger files than 16 MiB are refused, and of JSON and YAML larger ones than 2 MiB, of INI than 256 KiB.",
		Attributes: attributes,
	}
}

func (r *bundleEphemeral) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	r.settings = configured(req.ProviderData, &resp.Diagnostics)
}

func (r *bundleEphemeral) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var m bundleEphemeralModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ciphertext, from, ok := textOrFile(m.Ciphertext, path.Root("ciphertext"), m.Path, &resp.Diagnostics)
	if !ok {
		return
	}
	ring, ok := r.ring(ctx, m.Identity, &resp.Diagnostics)
	if !ok {
		return
	}
	fail := func(detail string) { resp.Diagnostics.AddAttributeError(from.at, "The bundle can't be opened", detail) }
	bundleName := "The bundle"
	if from.at.Equal(path.Root("path")) {
		bundleName = "The bundle " + from.name
	}
	source := bundle.Source{Format: bundle.Format(m.Format.ValueString()), AllowUnauthenticated: m.AllowUnauthenticated.ValueBool()}
	opened, err := source.Open(ciphertext.Reveal(), ring.Identities)
	if errors.Is(err, bundle.ErrUnauthenticated) {
		if _, is := bundle.ReadKubernetes(ciphertext.Reveal()); is && m.Format.IsNull() {
			fail(bundleName + " is the manifest of a Kubernetes Secret: set format = \"sops_kubernetes\" to read its data.")
			return
		}
		fail(bundleName + ": " + sentence(err) + " In ageenv_bundle that is allow_unauthenticated = true.")
		return
	}
	if err != nil {
		fail(openFailed(bundleName, err, ring, ""))
		return
	}
	if len(opened.Warnings) > 0 {
		resp.Diagnostics.AddAttributeWarning(from.at, "sops does not authenticate a type",
			bundleName+": "+strings.Join(opened.Warnings, ".\n")+".\n\nIf the program that reads it takes another text, such as 1 or yes, encrypt that instead.")
	}
	m.Format = types.StringValue(string(opened.Format))
	m.RawBase64 = types.StringValue(base64.StdEncoding.EncodeToString([]byte(opened.Text.Reveal())))
	if utf8.ValidString(opened.Text.Reveal()) {
		m.Raw = types.StringValue(opened.Text.Reveal())
	}
	m.contentModel.empty()
	if m.ReadEntries.IsNull() || m.ReadEntries.ValueBool() {
		content, err := opened.Read(bundle.Params{Dialect: dialectOr(m.Dialect), Readers: readersOf(m.Readers)})
		if err != nil {
			fail(bundleName + " was opened, and its entries can't be read: " + sentence(err) + " If it is no env text, set read_entries = false and take raw or raw_base64.")
			return
		}
		isEnvText := opened.Format.HasText()
		if isEnvText && !m.Readers.IsNull() {
			// dotenv_wo is read in a dialect: the readers' own spelling could be another value there.
			content, isEnvText = inDialect(content, dialectOr(m.Dialect))
		}
		resp.Diagnostics.Append(m.contentModel.fill(content, isEnvText)...)
	}
	resp.Diagnostics.Append(resp.Result.Set(ctx, &m)...)
}

// inDialect writes the content as env text of the dialect. It reports false if the
// dialect can't hold it.
func inDialect(content bundle.Content, dialect dotenv.Dialect) (bundle.Content, bool) {
	written, err := bundle.NewContent(content.Document, bundle.Params{Format: bundle.SOPSBinary, Dialect: dialect})
	if err != nil {
		return content, false
	}
	return written, true
}

// ring is the identity that is given, else the provider's.
func (r *bundleEphemeral) ring(ctx context.Context, given types.String, diags *diag.Diagnostics) (agekey.Keyring, bool) {
	if given.IsNull() {
		return r.settings.keyring(ctx), true
	}
	ids, err := agekey.ParseIdentities(secret.New(given.ValueString()))
	if err != nil {
		diags.Append(malformedIdentity(path.Root("identity"), err))
		return agekey.Keyring{}, false
	}
	return agekey.Keyring{Identities: agekey.WithContext(ctx, ids)}, true
}
