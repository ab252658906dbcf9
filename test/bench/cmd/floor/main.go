// Command floor is a provider that does nothing: its one resource has the attributes that
// ageenv_bundle had when the benchmark was made, with values as it had them, and a
// ciphertext of any text. What a run with it costs, Terraform and the plugin framework
// cost.
//
// As terraform-provider-like it logs as the framework ships it. FLOOR_QUIET turns the
// libraries' logs off; FLOOR_BYTES is how long the ciphertext is.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	if os.Getenv("FLOOR_QUIET") != "" {
		for _, name := range []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK"} {
			_ = os.Setenv(name, "off")
		}
	}
	err := providerserver.Serve(context.Background(), func() provider.Provider { return floor{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/ageenv/floor", ProtocolVersion: 6})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type floor struct{}

func (floor) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "floor"
}
func (floor) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (floor) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (floor) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (floor) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return bundle{} }}
}

type bundle struct{}

type model struct {
	ID                 types.String `tfsdk:"id"`
	EntriesWO          types.Map    `tfsdk:"entries_wo"`
	DotenvWO           types.String `tfsdk:"dotenv_wo"`
	References         types.String `tfsdk:"references"`
	ContentVersion     types.String `tfsdk:"content_version"`
	Recipients         types.Set    `tfsdk:"recipients"`
	OperatorRecipients types.Set    `tfsdk:"operator_recipients"`
	Format             types.String `tfsdk:"format"`
	Dialect            types.String `tfsdk:"dialect"`
	Readers            types.List   `tfsdk:"readers"`
	Ciphertext         types.String `tfsdk:"ciphertext"`
	CiphertextSHA256   types.String `tfsdk:"ciphertext_sha256"`
	Keys               types.List   `tfsdk:"keys"`
	ChangedAt          types.Map    `tfsdk:"changed_at"`
	UpdatedAt          types.String `tfsdk:"updated_at"`
	OperatorRemovedAt  types.String `tfsdk:"operator_removed_at"`
	Generated          types.Map    `tfsdk:"generated"`
	GeneratedVersions  types.Map    `tfsdk:"generated_versions"`
}

func (bundle) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "floor_bundle"
}

func (bundle) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	text := types.StringType
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":                  schema.StringAttribute{Computed: true, PlanModifiers: keep},
		"entries_wo":          schema.MapAttribute{ElementType: text, Optional: true, WriteOnly: true},
		"dotenv_wo":           schema.StringAttribute{Optional: true, WriteOnly: true},
		"references":          schema.StringAttribute{Optional: true},
		"content_version":     schema.StringAttribute{Optional: true},
		"recipients":          schema.SetAttribute{ElementType: text, Optional: true},
		"operator_recipients": schema.SetAttribute{ElementType: text, Optional: true, Computed: true},
		"format":              schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("sops_dotenv")},
		"dialect":             schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("compose")},
		"readers":             schema.ListAttribute{ElementType: text, Optional: true},
		"ciphertext":          schema.StringAttribute{Computed: true, Sensitive: true},
		"ciphertext_sha256":   schema.StringAttribute{Computed: true},
		"keys":                schema.ListAttribute{ElementType: text, Computed: true},
		"changed_at":          schema.MapAttribute{ElementType: text, Computed: true},
		"updated_at":          schema.StringAttribute{Computed: true},
		"operator_removed_at": schema.StringAttribute{Computed: true},
		"generated":           schema.MapAttribute{ElementType: text, Optional: true},
		"generated_versions":  schema.MapAttribute{ElementType: text, Computed: true},
	}}
}

// made is what a resource is, whatever was asked for.
func made(m model) model {
	bytes, _ := strconv.Atoi(os.Getenv("FLOOR_BYTES"))
	text := func(value string) types.String { return types.StringValue(value) }
	m.ID = text("00000000000000000000000000000000")
	m.Ciphertext = text(strings.Repeat("c", bytes))
	m.CiphertextSHA256 = text(strings.Repeat("0", 64))
	const now = "2026-01-02T03:04:05Z"
	m.UpdatedAt = text(now)
	names, times := []attr.Value{}, map[string]attr.Value{}
	for _, name := range []string{"API_TOKEN", "DATABASE_URL", "LOG_LEVEL", "REDIS_URL"} {
		names, times[name] = append(names, text(name)), text(now)
	}
	m.Keys = types.ListValueMust(types.StringType, names)
	m.ChangedAt = types.MapValueMust(types.StringType, times)
	m.OperatorRecipients = m.Recipients
	m.OperatorRemovedAt = types.StringNull()
	m.GeneratedVersions = types.MapNull(types.StringType)
	m.EntriesWO, m.DotenvWO = types.MapNull(types.StringType), types.StringNull()
	return m
}

func (bundle) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, made(plan))...)
}

func (bundle) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

func (bundle) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, made(plan))...)
}

func (bundle) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
