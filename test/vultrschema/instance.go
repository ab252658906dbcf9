package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

var _ resource.ResourceWithModifyPlan = instance{}

// instance is vultr_instance, in the state only.
type instance struct{}

type instanceModel struct {
	ID              types.String `tfsdk:"id"`
	Region          types.String `tfsdk:"region"`
	Plan            types.String `tfsdk:"plan"`
	OSID            types.Int64  `tfsdk:"os_id"`
	ImageID         types.String `tfsdk:"image_id"`
	SnapshotID      types.String `tfsdk:"snapshot_id"`
	ScriptID        types.String `tfsdk:"script_id"`
	UserData        types.String `tfsdk:"user_data"`
	Label           types.String `tfsdk:"label"`
	Hostname        types.String `tfsdk:"hostname"`
	SSHKeyIDs       types.List   `tfsdk:"ssh_key_ids"`
	Tags            types.Set    `tfsdk:"tags"`
	FirewallGroupID types.String `tfsdk:"firewall_group_id"`
	VPCIDs          types.Set    `tfsdk:"vpc_ids"`
	EnableIPv6      types.Bool   `tfsdk:"enable_ipv6"`
	Backups         types.String `tfsdk:"backups"`
	MainIP          types.String `tfsdk:"main_ip"`
	InternalIP      types.String `tfsdk:"internal_ip"`
	DateCreated     types.String `tfsdk:"date_created"`
	Status          types.String `tfsdk:"status"`
}

func (instance) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_instance"
}

func (instance) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	keep := stringplanmodifier.UseStateForUnknown()
	computed := schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{keep}}
	inPlace := schema.StringAttribute{Optional: true, Computed: true, PlanModifiers: []planmodifier.String{keep}}
	// keep comes first: an argument that is not configured stays what it was, and
	// only then is asked whether it changed.
	forcesNew := schema.StringAttribute{
		Optional: true, Computed: true,
		PlanModifiers: []planmodifier.String{keep, stringplanmodifier.RequiresReplace()},
	}
	texts := types.StringType
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":     computed,
		"region": schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
		"plan":   schema.StringAttribute{Required: true},
		"os_id": schema.Int64Attribute{
			Optional: true, Computed: true,
			PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown(), int64planmodifier.RequiresReplace()},
		},
		"image_id":    forcesNew,
		"snapshot_id": forcesNew,
		"script_id":   forcesNew,
		"user_data":   forcesNew,
		"hostname":    forcesNew,
		"label":       inPlace,
		"ssh_key_ids": schema.ListAttribute{
			ElementType: texts, Optional: true, PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()},
		},
		"tags":              schema.SetAttribute{ElementType: texts, Optional: true},
		"vpc_ids":           schema.SetAttribute{ElementType: texts, Optional: true},
		"firewall_group_id": inPlace,
		"enable_ipv6":       schema.BoolAttribute{Optional: true},
		"backups":           schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("disabled")},
		"main_ip":           computed,
		"internal_ip":       computed,
		"date_created":      computed,
		"status":            computed,
	}}
}

// ModifyPlan refuses what Vultr's provider refuses when it makes the instance: that
// none, or more than one, of the things that it can be made from is given.
func (instance) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	var config instanceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	given := 0
	for _, null := range []bool{config.OSID.IsNull(), config.ImageID.IsNull(), config.SnapshotID.IsNull()} {
		if !null {
			given++
		}
	}
	if given != 1 {
		resp.Diagnostics.AddAttributeError(path.Root("os_id"), "Nothing to make the instance from, or too much",
			fmt.Sprintf("Exactly one of os_id, image_id and snapshot_id is needed, and %d are given.", given))
	}
}

func (instance) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan instanceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program instead
	plan.ID = types.StringValue(fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]))
	plan.MainIP = types.StringValue(fmt.Sprintf("203.0.113.%d", id[0]))
	plan.InternalIP = types.StringValue("")
	plan.DateCreated = types.StringValue(time.Now().UTC().Format(time.RFC3339))
	plan.Status = types.StringValue("active")
	for _, text := range []*types.String{&plan.ImageID, &plan.SnapshotID, &plan.ScriptID, &plan.UserData, &plan.Label, &plan.Hostname, &plan.FirewallGroupID} {
		if text.IsUnknown() {
			*text = types.StringValue("")
		}
	}
	if plan.OSID.IsUnknown() {
		plan.OSID = types.Int64Value(0)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Read keeps the state: the instance is nowhere else.
func (instance) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (instance) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan instanceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// Delete forgets the instance.
func (instance) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
