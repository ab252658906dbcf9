package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	resourceschema "github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

var _ datasource.DataSource = &firstBootScriptData{}

type firstBootScriptData struct{}

func newFirstBootScriptData() datasource.DataSource { return &firstBootScriptData{} }

type firstBootScriptModel struct {
	bootModel
	Name            types.String `tfsdk:"name"`
	Script          types.String `tfsdk:"script"`
	CloudConfig     types.String `tfsdk:"cloud_config"`
	MIME            types.String `tfsdk:"mime"`
	ScriptSHA256    types.String `tfsdk:"script_sha256"`
	ScriptBytes     types.Int64  `tfsdk:"script_bytes"`
	TemplateVersion types.String `tfsdk:"template_version"`
}

func (d *firstBootScriptData) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_first_boot_script"
}

func (d *firstBootScriptData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := dataAttributes(bootAttributes(dataCiphertext()))
	// One of the two ways in which an identity does not travel.
	if file, ok := attributes["identity_file"].(schema.StringAttribute); ok {
		file.Validators = append(file.Validators, stringvalidator.ExactlyOneOf(path.MatchRoot("identity_file"), path.MatchRoot("identity_command")))
		attributes["identity_file"] = file
	}
	for name, a := range map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Optional: true, Validators: []validator.String{checkedBy{firstboot.CheckName}},
			MarkdownDescription: "What goes before the lines that the script prints.",
		},
		"script":           schema.StringAttribute{Computed: true, MarkdownDescription: "The script, a plain `#!/bin/sh`."},
		"cloud_config":     schema.StringAttribute{Computed: true, MarkdownDescription: "The same as a `#cloud-config` part, which writes it to a file and runs it."},
		"mime":             schema.StringAttribute{Computed: true, MarkdownDescription: "The same as a MIME message of one part."},
		"script_sha256":    schema.StringAttribute{Computed: true, MarkdownDescription: "SHA-256 of `script`, hex."},
		"script_bytes":     schema.Int64Attribute{Computed: true, MarkdownDescription: "The size of `script` in bytes. Clouds limit user data, EC2 for one to 16 KiB, which this is above."},
		"template_version": schema.StringAttribute{Computed: true, MarkdownDescription: "The version of the script's template."},
	} {
		attributes[name] = a
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The script of `ageenv_vultr_startup_script` for the user data of any cloud whose images have cloud-init. The identity does not travel in it: the box has it already, or asks for it. " +
			"What is in it is no secret, and it is in the state. The same bundles give the same script; **a new version of the provider may give another one**, which replaces a box whose user data is made of it, unless that ignores changes.",
		Attributes: attributes,
	}
}

// dataAttributes are a resource's attributes as a data source has them: without
// defaults, which it can't have.
func dataAttributes(from map[string]resourceschema.Attribute) map[string]schema.Attribute {
	to := map[string]schema.Attribute{}
	for name, a := range from {
		switch a := a.(type) {
		case resourceschema.StringAttribute:
			to[name] = schema.StringAttribute{Required: a.Required, Optional: a.Optional, Validators: a.Validators, MarkdownDescription: a.MarkdownDescription}
		case resourceschema.BoolAttribute:
			to[name] = schema.BoolAttribute{Required: a.Required, Optional: a.Optional, Validators: a.Validators, MarkdownDescription: a.MarkdownDescription}
		case resourceschema.ListAttribute:
			to[name] = schema.ListAttribute{ElementType: a.ElementType, Required: a.Required, Optional: a.Optional, Validators: a.Validators, MarkdownDescription: a.MarkdownDescription}
		case resourceschema.ListNestedAttribute:
			to[name] = schema.ListNestedAttribute{
				Required: a.Required, Optional: a.Optional, Validators: a.Validators, MarkdownDescription: a.MarkdownDescription,
				NestedObject: schema.NestedAttributeObject{Attributes: dataAttributes(a.NestedObject.Attributes)},
			}
		}
	}
	return to
}

func (d *firstBootScriptData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m firstBootScriptModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	boot, _, diags := m.boot(ctx, m.Files, ciphertextArgument)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(checkFiles(boot)...)
	if resp.Diagnostics.HasError() {
		return
	}
	script, diags := render(m.Name.ValueString(), boot, agekey.Identity{})
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	config, err := firstboot.CloudConfig(script)
	if err != nil {
		resp.Diagnostics.AddError("The script can't be made", sentence(err))
		return
	}
	resp.Diagnostics.Append(scriptWarnings(boot, script)...)
	// No identity is in it, and the bundles are sealed.
	m.Script = types.StringValue(script.Reveal())
	m.CloudConfig = types.StringValue(config.Reveal())
	m.MIME = types.StringValue(firstboot.MIME(script).Reveal())
	m.ScriptSHA256 = types.StringValue(digest(script.Reveal()))
	m.ScriptBytes = types.Int64Value(int64(script.Len()))
	m.TemplateVersion = types.StringValue(firstboot.TemplateVersion)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
