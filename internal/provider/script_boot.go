package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// bootModel is what a script does on a box.
type bootModel struct {
	Files           types.List `tfsdk:"files"`
	RestartUnits    types.List `tfsdk:"restart_units"`
	RecreateCompose types.List `tfsdk:"recreate_compose"`
	RunAfter        types.List `tfsdk:"run_after"`

	IdentityFile    types.String `tfsdk:"identity_file"`
	IdentityCommand types.String `tfsdk:"identity_command"`
	BlockMetadata   types.Bool   `tfsdk:"block_metadata"`
	MetadataUnits   types.List   `tfsdk:"metadata_units"`
	UserScript      types.String `tfsdk:"user_script"`
}

const userScriptDescription = "A script of your own, in plain and not base64, that the box runs once, as root, after the files are in place: so that one `script_id` carries both. " +
	"It begins with its interpreter, as `#!/bin/bash`. It runs last, after `restart_units`, `recreate_compose` and `run_after`, as cloud-init runs a script: in `/`, without `HOME` and without input, and its output goes where cloud-init's goes. " +
	"It runs once per instance, at the first boot, or as soon as files that had to wait are in place; not at later boots, and not again when it fails. It has no time limit; the files and what follows them do not wait for it. " +
	"If it fails, the files stay, and the box's status says `user-script` with its exit code. If the files cannot be put in place, it does not run.\n\n" +
	"  **It must hold no secret**: it is in the state, in plans and in the account in plain. Put secrets into a bundle, and have the script read them from the file. " +
	"A user whom `owner` names has to exist before the files are put in place: this script comes too late to make it."

// bootAttributes are those of bootModel. The resource and the data source differ in how
// a file has its ciphertext, see filesAttribute.
func bootAttributes(ciphertext map[string]schema.Attribute) map[string]schema.Attribute {
	checked := func(check func(string) error) []validator.String { return []validator.String{checkedBy{check}} }
	list := func(check func(string) error, description string) schema.ListAttribute {
		return schema.ListAttribute{
			ElementType: types.StringType, Optional: true, Validators: []validator.List{listvalidator.ValueStringsAre(checkedBy{check})},
			MarkdownDescription: description,
		}
	}
	return map[string]schema.Attribute{
		"files": filesAttribute(ciphertext),
		"restart_units": list(firstboot.CheckUnit, "systemd units to restart when a file has changed, as `app.service`. They are started in the background and looked after for half a minute; "+
			"a unit that is ordered after cloud-init starts when that is done."),
		"recreate_compose": list(firstboot.CheckDirectory, "Directories of docker compose projects whose containers are made anew when a file has changed (`docker compose up -d --force-recreate`): "+
			"a container keeps the environment that it was made with, so a restart would not do. "+
			"It runs as root, so the directory, its compose files and its `.env` have to be root's alone."),
		"run_after": list(firstboot.CheckCommand, "Shell commands, one line each, to run as root when a file has changed, last. What they print goes to the script's log."),
		"identity_file": schema.StringAttribute{
			Optional: true, Validators: checked(firstboot.CheckIdentityFile),
			MarkdownDescription: "Where the box finds its identity, which does not travel: the path of an age identity file, which is made root's and closed to others. If it is not there yet, the files are dropped when it appears. " +
				"The bundles have to be age files (`format = \"age_dotenv\"`): a box has no sops.",
		},
		"identity_command": schema.StringAttribute{
			Optional: true, Validators: checked(firstboot.CheckCommand),
			MarkdownDescription: "A shell command, run as root whenever files are dropped, whose output is the box's identity. It does not travel, and is never on the box's disk. The command has a minute, and no HOME. The bundles have to be age files.",
		},
		"block_metadata": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Block other users and containers from reading the script: close the metadata service (169.254.169.254: all ports to systemd's units, port 80 to anything else) to everything but cloud-init and `metadata_units`, root's own processes and containers included, and take cloud-init's copies from others. " +
				"Anybody can read it until the script has run on the first boot. Default: `true` where the identity travels, else `false`.",
		},
		"metadata_units": list(firstboot.CheckMetadataUnit, "systemd units that may reach 169.254.169.254 although `block_metadata` closes it, for example `bird.service` for BGP with Vultr, whose peer has that address. "+
			"A template as `bird@.service` stands for its instances, a slice as `kubepods.slice` for the units in it. Root's processes there can read the script, others reach every port but 80. Containers with a network of their own are never let through."),
		"user_script": schema.StringAttribute{
			Optional: true, Validators: checked(firstboot.CheckUserScript), MarkdownDescription: userScriptDescription,
		},
	}
}

// bootValues is bootModel in plain terms.
type bootValues struct {
	files                                   []fileModel
	ciphertext                              string // the argument for a file's ciphertext
	restartUnits, recreateCompose, runAfter []string
	metadataUnits                           []string
	identityFile, identityCommand           string
	blockMetadata                           bool
	userScript                              string
}

// travels reports whether the identity is in the script.
func (v bootValues) travels() bool { return v.identityFile == "" && v.identityCommand == "" }

// atCiphertext is the path of a file's ciphertext.
func (v bootValues) atCiphertext(index int) path.Path { return atFile(index, v.ciphertext) }

// boot reads the model, and the ciphertexts from the files as they are configured. It
// reports false if something of it is not known yet; the files are there all the same,
// unless their whole list is unknown.
func (m bootModel) boot(ctx context.Context, configured types.List, ciphertext string) (v bootValues, known bool, diags diag.Diagnostics) {
	known = true
	for _, value := range attributeValues(m) {
		known = known && fullyKnown(ctx, value)
	}
	v.files, v.ciphertext = fileModels(m.Files, configured, ciphertext), ciphertext
	v.identityFile, v.identityCommand = m.IdentityFile.ValueString(), m.IdentityCommand.ValueString()
	v.userScript = m.UserScript.ValueString()
	v.blockMetadata = m.BlockMetadata.ValueBool() || m.BlockMetadata.IsNull() && v.travels()
	for _, l := range []struct {
		from types.List
		to   *[]string
	}{{m.RestartUnits, &v.restartUnits}, {m.RecreateCompose, &v.recreateCompose}, {m.RunAfter, &v.runAfter}, {m.MetadataUnits, &v.metadataUnits}} {
		var texts []types.String
		if l.from.IsUnknown() {
			continue
		}
		diags.Append(l.from.ElementsAs(ctx, &texts, false)...)
		*l.to = valuesOf(texts)
	}
	return v, known, diags
}

// equalBoot reports whether the box would be told the same.
func (m bootModel) equalBoot(other bootModel) bool { return sameAttributes(m, other) }

// travels reports whether the identity is in the script, as far as is known.
func (m bootModel) travels() bool { return m.IdentityFile.IsNull() && m.IdentityCommand.IsNull() }
