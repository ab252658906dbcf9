package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// role is postgresql_role with a write-only password, on a real server.
type role struct{}

type roleModel struct {
	ID       types.String `tfsdk:"id"`
	Name     types.String `tfsdk:"name"`
	Login    types.Bool   `tfsdk:"login"`
	Password types.String `tfsdk:"password_wo"`
	Version  types.String `tfsdk:"password_wo_version"`
}

func (role) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_role"
}

func (role) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":                  schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		"name":                schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
		"login":               schema.BoolAttribute{Optional: true},
		"password_wo":         schema.StringAttribute{Optional: true, WriteOnly: true, Sensitive: true},
		"password_wo_version": schema.StringAttribute{Optional: true},
	}}
}

func (role) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	can := "NOLOGIN"
	if plan.Login.ValueBool() {
		can = "LOGIN"
	}
	name := quoted(plan.Name.ValueString(), `"`)
	resp.Diagnostics.Append(psql(ctx, "CREATE ROLE "+name+" "+can+" PASSWORD "+quoted(config.Password.ValueString(), "'"))...)
	if resp.Diagnostics.HasError() {
		return
	}
	plan.ID = plan.Name
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}

func (role) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

// Update sets the password only with another version, as the real provider does.
func (role) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state roleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if !resp.Diagnostics.HasError() && !plan.Version.Equal(state.Version) {
		resp.Diagnostics.Append(psql(ctx, "ALTER ROLE "+quoted(plan.Name.ValueString(), `"`)+" PASSWORD "+quoted(config.Password.ValueString(), "'"))...)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	}
}

func (role) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var name types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("name"), &name)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(psql(ctx, "DROP ROLE "+quoted(name.ValueString(), `"`))...)
	}
}

// quoted is a name or a text of SQL.
func quoted(text, quote string) string {
	return quote + strings.ReplaceAll(text, quote, quote+quote) + quote
}

// psql runs a statement, given on standard input: arguments can be seen by others. What psql
// says may quote the statement, and is dropped.
func psql(ctx context.Context, statement string) (diags diag.Diagnostics) {
	cmd := exec.CommandContext(ctx, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
	cmd.Stdin = bytes.NewReader([]byte(statement + ";\n"))
	if err := cmd.Run(); err != nil {
		diags.AddError("psql failed", "It ended with: "+err.Error())
	}
	return diags
}
