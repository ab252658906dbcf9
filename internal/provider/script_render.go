package provider

import (
	"context"
	"errors"
	"fmt"

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
				openFailed("The wrapped identity", err, ring, "It is needed whenever the script is rendered anew."))
		}
	}
	if diags.HasError() {
		return id, true, diags
	}
	if kind := ids[0].Recipient().Kind(); kind != agekey.X25519 {
		// Without a path: of identity_wo Terraform would print the source, key and all.
		diags.AddError("The identity can't travel", fmt.Sprintf("The identity in %s is of kind %s, and what a box without age has can open X25519 only: use an X25519 key.", at, kind))
	}
	return ids[0], true, diags
}

// render makes the script of values and an identity that are known.
func render(name string, boot bootValues, id agekey.Identity) (script secret.Text, diags diag.Diagnostics) {
	params := firstboot.Params{
		Name: name, Identity: id.Text(), RestartUnits: boot.restartUnits, RecreateCompose: boot.recreateCompose, RunAfter: boot.runAfter,
	}
	for i, f := range boot.files {
		payload, err := bundle.ForBox(f.Ciphertext.ValueString(), id)
		if err != nil {
			diags.AddAttributeError(atFile(i, "ciphertext"), "The bundle can't be opened with the script's identity",
				unopened(atFile(i, "ciphertext"), err, id))
			continue
		}
		params.Files = append(params.Files, firstboot.File{
			Payload: payload, Path: f.Path.ValueString(), Owner: f.Owner.ValueString(), Group: f.Group.ValueString(),
			Mode: f.Mode.ValueString(), Layout: firstboot.Layout(f.Layout.ValueString()), SourceDigest: digest(f.Ciphertext.ValueString()),
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
func checkFiles(files []fileModel) (diags diag.Diagnostics) {
	if len(files) == 0 {
		diags.AddAttributeError(filesPath, "No files", "Name one file at least: files = [{ ciphertext = …, path = … }].")
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path.ValueString()
	}
	var pe *firstboot.ParamError
	if err := firstboot.CheckPaths(paths); errors.As(err, &pe) {
		diags.AddAttributeError(atFile(pe.Index, "path"), "Paths in each other's way", sentence(err))
	}
	return diags
}

// warnings about what works, but should be known.
func scriptWarnings(files []fileModel, script secret.Text) (diags diag.Diagnostics) {
	for i, f := range files {
		if mode := f.Mode.ValueString(); len(mode) > 0 && mode[len(mode)-1] != '0' {
			diags.AddAttributeWarning(atFile(i, "mode"), "Every user of the box can read the file",
				fmt.Sprintf("The last digit of %s gives access to everybody. Write 0 there, and use owner and group.", atFile(i, "mode")))
		}
	}
	if size := script.Len(); size > firstboot.SizeAdvised {
		diags.AddAttributeWarning(filesPath, "The script is large",
			fmt.Sprintf("It is %d bytes long. Vultr documents no limit; up to %d bytes are known to work.", size, firstboot.SizeAdvised))
	}
	return diags
}

// atFile is the path of a file's attribute.
func atFile(index int, name string) path.Path { return filesPath.AtListIndex(index).AtName(name) }
