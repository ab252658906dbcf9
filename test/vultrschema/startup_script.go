package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var _ resource.ResourceWithImportState = startupScript{}

// startupScript is vultr_startup_script, in the account that VULTR_API_URL names: the
// simulator's. Its base64 is the user's business, as in Vultr's provider.
type startupScript struct{}

type startupScriptModel struct {
	ID           types.String `tfsdk:"id"`
	Name         types.String `tfsdk:"name"`
	Script       types.String `tfsdk:"script"`
	Type         types.String `tfsdk:"type"`
	DateCreated  types.String `tfsdk:"date_created"`
	DateModified types.String `tfsdk:"date_modified"`
}

func (startupScript) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_startup_script"
}

func (startupScript) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":            schema.StringAttribute{Computed: true, PlanModifiers: keep},
		"name":          schema.StringAttribute{Required: true},
		"script":        schema.StringAttribute{Required: true},
		"type":          schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("boot"), PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
		"date_created":  schema.StringAttribute{Computed: true, PlanModifiers: keep},
		"date_modified": schema.StringAttribute{Computed: true, PlanModifiers: keep},
	}}
}

func (startupScript) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan startupScriptModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := plan.call(ctx, http.MethodPost, ""); err != nil {
		resp.Diagnostics.AddError("vultrschema", err.Error())
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (startupScript) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state startupScriptModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := state.call(ctx, http.MethodGet, state.ID.ValueString()); err != nil {
		resp.Diagnostics.AddError("vultrschema", err.Error())
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

func (startupScript) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan startupScriptModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := plan.call(ctx, http.MethodPatch, plan.ID.ValueString()); err != nil {
		resp.Diagnostics.AddError("vultrschema", err.Error())
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (startupScript) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state startupScriptModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := state.call(ctx, http.MethodDelete, state.ID.ValueString()); err != nil {
		resp.Diagnostics.AddError("vultrschema", err.Error())
	}
}

func (startupScript) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

// call asks the account, and takes over the script that the answer holds, if any.
func (m *startupScriptModel) call(ctx context.Context, method, id string) error {
	var body io.Reader = http.NoBody
	if method == http.MethodPost || method == http.MethodPatch {
		content, err := json.Marshal(map[string]string{"name": m.Name.ValueString(), "script": m.Script.ValueString(), "type": m.Type.ValueString()})
		if err != nil {
			return err
		}
		body = bytes.NewReader(content)
	}
	url := strings.TrimSuffix(os.Getenv("VULTR_API_URL")+"/v2/startup-scripts/"+id, "/")
	req, err := http.NewRequestWithContext(ctx, method, url, body) //nolint:gosec // tests say where the simulator is
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv("VULTR_API_KEY"))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: status %d", method, resp.StatusCode)
	}
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	var answer struct {
		Script struct {
			ID           string `json:"id"`
			Name         string `json:"name"`
			Script       string `json:"script"`
			Type         string `json:"type"`
			DateCreated  string `json:"date_created"`
			DateModified string `json:"date_modified"`
		} `json:"startup_script"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	m.ID, m.Name = types.StringValue(answer.Script.ID), types.StringValue(answer.Script.Name)
	m.Script, m.Type = types.StringValue(answer.Script.Script), types.StringValue(answer.Script.Type)
	m.DateCreated, m.DateModified = types.StringValue(answer.Script.DateCreated), types.StringValue(answer.Script.DateModified)
	return nil
}
