package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// identity returns the identity that travels. It reports false, without an error,
// while it can't be known.
func (s *settings) identity(ctx context.Context, wrapped, writeOnly types.String) (id agekey.Identity, known bool, diags diag.Diagnostics) {
	if wrapped.IsUnknown() || writeOnly.IsUnknown() {
		return id, false, diags
	}
	if wrapped.IsNull() && writeOnly.IsNull() {
		return id, false, diags // checkIdentities says so
	}
	at := identityWOPath
	var ids []agekey.Identity
	var err error
	if !writeOnly.IsNull() {
		if ids, err = agekey.ParseIdentities(secret.New(writeOnly.ValueString())); err != nil {
			diags.Append(malformedIdentity(identityWOPath, err))
		}
	} else {
		at = wrappedPath
		ring := s.keyring(ctx)
		ids, err = agekey.Unwrap(wrapped.ValueString(), ring.Identities)
		if errors.Is(err, agekey.ErrNoMatch) && s.identitiesUnknown {
			return id, false, diags
		}
		if err != nil {
			diags.AddAttributeError(at, "The identity can't be unwrapped",
				openFailed("The wrapped identity", err, ring, "The provider needs it whenever it renders the script."))
		}
	}
	if diags.HasError() {
		return id, true, diags
	}
	if kind := ids[0].Recipient().Kind(); kind != agekey.X25519 {
		why := "what a box without age has can open X25519 only"
		if _, is := kind.Plugin(); is {
			why = "the key behind it never leaves its hardware, which a box does not have"
		}
		// Without a path: of identity_wo Terraform would print the source, key and all.
		diags.AddError("The identity can't travel", fmt.Sprintf("The identity in %s is of kind %s, and %s: use an X25519 key.", at, kind, why))
	}
	return ids[0], true, diags
}

func checkKnown(known bool) (diags diag.Diagnostics) {
	if !known {
		diags.AddAttributeError(wrappedPath, "The identity is not known", "The identity that travels in the script can't be unwrapped: the provider's identities are not known during this apply either. Give one in the provider's configuration that does not depend on this apply.")
	}
	return diags
}

// setWrappedDigest puts the digest of the configured wrapped identity into a plan. As a
// ciphertext, it is write-only; see script_files.go.
func (m *scriptModel) setWrappedDigest(config, state scriptModel) {
	switch {
	case config.WrappedWO.IsUnknown():
		m.WrappedSHA256 = types.StringUnknown()
	case !config.WrappedWO.IsNull():
		m.WrappedSHA256 = types.StringValue(digest(config.WrappedWO.ValueString()))
	case config.givesIdentity():
		m.WrappedSHA256 = types.StringNull()
	default: // ignore_changes has taken it, or nothing is configured
		m.WrappedSHA256 = state.WrappedSHA256
	}
}

// givesIdentity reports whether a configuration says where the identity comes from.
func (m *scriptModel) givesIdentity() bool {
	_, values := m.identitySources()
	return slices.ContainsFunc(values, func(value attr.Value) bool { return !value.IsNull() })
}

// render makes the script of values that are known, and of an identity where one
// travels.
func render(name string, boot bootValues, id agekey.Identity) (script secret.Text, diags diag.Diagnostics) {
	params := firstboot.Params{
		Name: name, RestartUnits: boot.restartUnits, RecreateCompose: boot.recreateCompose, RunAfter: boot.runAfter,
		IdentityFile: boot.identityFile, IdentityCommand: boot.identityCommand, BlockMetadata: boot.blockMetadata, MetadataUnits: boot.metadataUnits,
		UserScript: boot.userScript,
	}
	if boot.travels() {
		params.Identity = id.Text()
	}
	for i, f := range boot.files {
		payload, d := f.payload(boot.atCiphertext(i), boot.travels(), id)
		diags.Append(d...)
		params.Files = append(params.Files, firstboot.File{
			Payload: payload, Path: f.Path.ValueString(), Owner: orElse(f.Owner, firstboot.DefaultOwner), Group: orElse(f.Group, firstboot.DefaultGroup),
			Mode: orElse(f.Mode, firstboot.DefaultMode), Layout: firstboot.Layout(f.Layout.ValueString()), EveryBoot: f.EveryBoot.ValueBool(),
			Exposure: firstboot.Exposure(f.Exposure.ValueString()), SourceDigest: digest(f.Ciphertext.ValueString()),
		})
	}
	if diags.HasError() {
		return script, diags
	}
	script, err := firstboot.Render(params)
	for _, problem := range flatten(err) {
		at := filesPath
		var pe *firstboot.ParamError
		if errors.As(problem, &pe) && pe.Index >= 0 {
			at = filesPath.AtListIndex(pe.Index)
		}
		diags.AddAttributeError(at, "The script can't be made", sentence(problem))
	}
	return script, diags
}

// boxLayout returns how the box stores the file's bundle.
func (f fileModel) boxLayout() bundle.Layout {
	if f.Layout.ValueString() == string(firstboot.LayoutDirectory) {
		return bundle.Directory
	}
	return bundle.OneFile
}

// payload is what the box gets of a file's bundle, which is at a path.
func (f fileModel) payload(at path.Path, travels bool, id agekey.Identity) (payload []byte, diags diag.Diagnostics) {
	ciphertext := f.Ciphertext.ValueString()
	var err error
	if travels {
		if payload, err = bundle.ReencryptForBox(ciphertext, id, f.boxLayout()); err != nil {
			diags.AddAttributeError(at, "The bundle can't be opened with the script's identity", unopened(at, err, id))
		}
		return payload, diags
	}
	payload, err = bundle.BinaryForBox(ciphertext)
	switch {
	case errors.Is(err, bundle.ErrNeedsAge):
		diags.AddAttributeError(at, "The box can't open the bundle", fmt.Sprintf("%s: %s Where the identity does not travel, the box gets the bundle as it is: give it format = \"age_dotenv\".", at, sentence(err)))
	case err != nil:
		diags.AddAttributeError(at, "The bundle can't be read", fmt.Sprintf("%s can't be read: %s", at, sentence(err)))
	}
	return payload, diags
}

// checkLayouts reports bundles that a box gets as they are and could not drop as it
// is told to, as far as the provider's own identities open them: for a boot whose
// identity does not travel.
func checkLayouts(boot bootValues, identities []agekey.Identity) (diags diag.Diagnostics) {
	for i, f := range boot.files {
		at := boot.atCiphertext(i)
		if err := bundle.CheckLayout(f.Ciphertext.ValueString(), identities, f.boxLayout()); err != nil {
			diags.AddAttributeError(at, "The box can't drop the bundle", fmt.Sprintf("%s can't be dropped: %s", at, sentence(err)))
		}
	}
	return diags
}

// unopened names the attribute too: Terraform shows no source for what is inside a
// list.
func unopened(at path.Path, err error, id agekey.Identity) string {
	if errors.Is(err, agekey.ErrNoMatch) {
		return fmt.Sprintf("%s is not sealed to %s, the recipient of the identity that travels: add it to the bundle's recipients (recipients = ageenv_key.….recipients).", at, id.Recipient())
	}
	return fmt.Sprintf("%s can't be read: %s", at, sentence(err))
}

// flatten returns the errors of a join, or the one error there is.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if join, ok := err.(interface{ Unwrap() []error }); ok {
		return join.Unwrap()
	}
	return []error{err}
}

// checkFiles reports what can be said of files without opening them.
func checkFiles(boot bootValues) (diags diag.Diagnostics) {
	files := boot.files
	if len(files) == 0 {
		diags.AddAttributeError(filesPath, "No files", "Name one file at least: files = [{ "+boot.ciphertext+" = …, path = … }].")
	}
	paths := make([]string, len(files))
	for i, f := range files {
		if paths[i] = f.Path.ValueString(); f.Path.IsUnknown() {
			paths[i] = fmt.Sprintf("unknown %d", i) // conflicts with none
		}
	}
	var pe *firstboot.ParamError
	if err := firstboot.CheckPaths(paths); errors.As(err, &pe) {
		diags.AddAttributeError(atFile(pe.Index, "path"), "Two files have conflicting paths", sentence(err))
	}
	among := firstboot.Params{IdentityFile: boot.identityFile, RecreateCompose: boot.recreateCompose}
	for i, f := range files {
		file := firstboot.File{Path: f.Path.ValueString(), Owner: f.Owner.ValueString(), Mode: f.Mode.ValueString()}
		if err := firstboot.CheckFileConflicts(i, file, among); errors.As(err, &pe) {
			diags.AddAttributeError(atFile(i, strings.ToLower(pe.Field)), "The file can't be dropped there", sentence(err))
		}
	}
	return diags
}

// warnings about what works, but should be known.
func scriptWarnings(boot bootValues, script secret.Text) (diags diag.Diagnostics) {
	for i, f := range boot.files {
		// An identity that travels is X25519.
		if payload, err := bundle.BinaryForBox(f.Ciphertext.ValueString()); !boot.travels() && err == nil && (firstboot.File{Payload: payload}).NeedsAge() {
			at := boot.atCiphertext(i)
			diags.AddAttributeWarning(at, "The box needs age 1.3 or later: "+at.String(),
				fmt.Sprintf("%s is sealed to hybrid recipients, which only age from 1.3 on can open: put that into the image. Debian 12 and 13 have an older one.", at))
		}
		if mode := f.Mode.ValueString(); len(mode) > 0 && mode[len(mode)-1] != '0' {
			diags.AddAttributeWarning(atFile(i, "mode"), "Every user of the box can read the file: "+atFile(i, "mode").String(),
				fmt.Sprintf("The last digit of %s gives access to everybody. Write 0 there, and use owner and group.", atFile(i, "mode")))
		}
	}
	if size := script.Len(); size > firstboot.SizeAdvised {
		diags.AddAttributeWarning(filesPath, "The script is large",
			fmt.Sprintf("It is %d bytes long. Vultr documents no limit; other clouds take no more than %d bytes of user data, or less.", size, firstboot.SizeAdvised))
	}
	return diags
}
