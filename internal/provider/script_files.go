package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// A file of the resource has its bundle in ciphertext_wo, which is write-only: the
// bundle is in its own resource's state, and a script's state would only repeat it. The
// state and the plan have its digest in its place. So it is with wrapped_identity_wo.
// The rules are:
//
//   - the ciphertext is read from the configuration, and from nowhere else;
//   - the digest of a ciphertext that is unknown is unknown, so the digests tell what
//     changes, what may change, and what does not;
//   - ignore_changes takes the ciphertext from the configuration that the provider
//     gets. Then the digest stays, and a script that has to be uploaded is an error.
//
// A file of the data source has it in ciphertext: a data source can't have write-only
// arguments.
const (
	ciphertextArgument = "ciphertext"
	ciphertextWO       = "ciphertext_wo"
	ciphertextSHA256   = "ciphertext_sha256"
)

var filesPath = path.Root("files")

// atFile is the path of a file's attribute.
func atFile(index int, name string) path.Path { return filesPath.AtListIndex(index).AtName(name) }

const ciphertextDescription = "The bundle, usually `ageenv_bundle.….ciphertext`. It has to be sealed to the identity."

// resourceCiphertext are the attributes for the ciphertext of a resource's file.
func resourceCiphertext() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		ciphertextWO: schema.StringAttribute{
			Required: true, WriteOnly: true, Sensitive: true, Validators: []validator.String{checkedBy{checkCiphertext}},
			MarkdownDescription: ciphertextDescription + " Write-only: the state has `ciphertext_sha256` in its place, and a new ciphertext uploads the script.",
		},
		ciphertextSHA256: schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "SHA-256 of the ciphertext that was uploaded, hex: `sha256(ageenv_bundle.….ciphertext)`, and what `ageenv status` on the box shows.",
		},
	}
}

// dataCiphertext is the attribute for the ciphertext of a data source's file.
func dataCiphertext() map[string]schema.Attribute {
	return map[string]schema.Attribute{ciphertextArgument: schema.StringAttribute{
		Required: true, Validators: []validator.String{checkedBy{checkCiphertext}}, MarkdownDescription: ciphertextDescription,
	}}
}

func checkCiphertext(text string) error {
	if text == "" {
		return errors.New("is empty: give a bundle, as ageenv_bundle.….ciphertext")
	}
	return nil
}

func filesAttribute(ciphertext map[string]schema.Attribute) schema.ListNestedAttribute {
	checked := func(check func(string) error) []validator.String { return []validator.String{checkedBy{check}} }
	attributes := map[string]schema.Attribute{
		"path": schema.StringAttribute{Required: true, Validators: checked(firstboot.CheckPath), MarkdownDescription: "Where, as an absolute path. Missing directories are made, with owner, group and mode (without write permission for others) of the directory that they are made in."},
		"owner": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(firstboot.DefaultOwner), Validators: checked(firstboot.CheckOwner),
			MarkdownDescription: "The owner, by name or number. Default `root`. Where there is no such user yet, the box tries again for 15 minutes, and at each boot.",
		},
		"group": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(firstboot.DefaultGroup), Validators: checked(firstboot.CheckGroup),
			MarkdownDescription: "The group, by name or number. Default `root`.",
		},
		"mode": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(firstboot.DefaultMode), Validators: checked(firstboot.CheckMode),
			MarkdownDescription: "The mode, octal. Default `0600`. Where `layout` is `directory`, that of each file; whoever may read those may enter the directory.",
		},
		"layout": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf(texts(firstboot.Layouts())...)},
			MarkdownDescription: "`file` (default), or `directory`: one file for each key, from a bundle that holds one file for each key. The directory is swapped in as one; it has to be the script's own.",
		},
		"every_boot": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether the file is dropped again at every boot, before docker and `restart_units` start: for paths that do not survive a boot, as those in `/run`. What is there may be written to swap, so encrypt that if the box has any. " +
				"What that takes stays on the box, readable by root only: the payload, and an identity that travels. Default `false`.",
		},
		"exposure": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf(texts(firstboot.Exposures())...)},
			MarkdownDescription: "`file` (default): the values are read from the file, and `ageenv verify` on the box fails if a container's environment or log shows one. `env`: they become a container's environment, which docker shows.",
		},
	}
	maps.Copy(attributes, ciphertext)
	return schema.ListNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The files to drop, one at least.",
		NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
	}
}

// fileModel is one element of files.
type fileModel struct {
	Ciphertext types.String // null where ignore_changes has taken it
	Path       types.String
	Owner      types.String
	Group      types.String
	Mode       types.String
	Layout     types.String
	EveryBoot  types.Bool
	Exposure   types.String
}

// fileModels reads a list of files. Their ciphertexts are in an argument of the same
// list as it is configured. Of a list that is unknown there are none.
func fileModels(files, configured types.List, argument string) (models []fileModel) {
	given := configured.Elements()
	for i, element := range files.Elements() {
		file := readObject(element)
		model := fileModel{
			Path: file.text("path"), Owner: file.text("owner"), Group: file.text("group"), Mode: file.text("mode"),
			Layout: file.text("layout"), EveryBoot: file.truth("every_boot"), Exposure: file.text("exposure"),
		}
		if i < len(given) {
			model.Ciphertext = readObject(given[i]).text(argument)
		}
		models = append(models, model)
	}
	return models
}

// setDigests puts the digests of the configured ciphertexts into the files. It returns
// the indices of those that had another one.
func (m *scriptModel) setDigests(ctx context.Context, config scriptModel) (others []int) {
	given, files := config.Files.Elements(), m.Files.Elements()
	for i, element := range files {
		object, ok := element.(types.Object)
		if !ok || object.IsNull() || object.IsUnknown() || i >= len(given) {
			continue
		}
		ciphertext, sum := readObject(given[i]).text(ciphertextWO), types.StringUnknown()
		if ciphertext.IsNull() {
			continue
		}
		if !ciphertext.IsUnknown() {
			sum = types.StringValue(digest(ciphertext.ValueString()))
		}
		attributes := object.Attributes()
		if was := readObject(object).text(ciphertextSHA256); !was.IsNull() && !was.IsUnknown() && !was.Equal(sum) {
			others = append(others, i)
		}
		attributes[ciphertextSHA256] = sum
		files[i] = types.ObjectValueMust(object.AttributeTypes(ctx), attributes)
	}
	if len(files) > 0 {
		m.Files = types.ListValueMust(m.Files.ElementType(ctx), files)
	}
	return others
}

// applyDigests sets the digests for an apply: a ciphertext that was known in the plan has
// to be the same one, and so has a wrapped identity. A core that plans again before it applies finds that, too.
func (m *scriptModel) applyDigests(ctx context.Context, config, state scriptModel) (diags diag.Diagnostics) {
	planned := m.WrappedSHA256
	if m.setWrappedDigest(config, state); !planned.IsUnknown() && !planned.Equal(m.WrappedSHA256) {
		diags.AddAttributeError(wrappedPath, "The identity changed between plan and apply", "wrapped_identity_wo is not what it was when the plan was made. Plan again.")
	}
	for _, i := range m.setDigests(ctx, config) {
		at := atFile(i, ciphertextWO)
		diags.AddAttributeError(at, "The bundle changed between plan and apply", fmt.Sprintf("%s is not what it was when the plan was made. Plan again.", at))
	}
	return diags
}

// checkCiphertexts reports what ignore_changes has taken, for a script that has to be
// rendered.
func checkCiphertexts(boot bootValues) (diags diag.Diagnostics) {
	for i, f := range boot.files {
		if at := boot.atCiphertext(i); f.Ciphertext.IsNull() {
			diags.AddAttributeError(at, "The bundle is not given", fmt.Sprintf(
				"The script has to be uploaded, and %s is null. The state does not have the bundle: remove files, or all, from ignore_changes.", at))
		}
	}
	return diags
}
