package provider

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// importHelp says what the import ID is.
const importHelp = "The import ID is the path of a bundle: a dotenv, binary, YAML or JSON file that sops encrypted, or an armored age file. " +
	"Where its env text is not in the compose dialect, put the dialect, or one of its readers, and a colon before the path, for example docker:app.enc.env."

// importID parts the dialect or the reader, if one is given, from the path.
func importID(id string) (bundle.Params, string) {
	name, path, found := strings.Cut(id, ":")
	switch {
	case found && slices.Contains(dotenv.Dialects(), dotenv.Dialect(name)):
		return bundle.Params{Dialect: dotenv.Dialect(name)}, path
	case found && slices.Contains(dotenv.Readers(), dotenv.Reader(name)):
		return bundle.Params{Dialect: dotenv.Compose, Readers: []dotenv.Reader{dotenv.Reader(name)}}, path
	}
	return bundle.Params{Dialect: dotenv.Compose}, id
}

func (r *bundleResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	fail := func(detail string) { resp.Diagnostics.AddError("The bundle can't be imported", detail) }
	if _, named, _ := importedByID(ctx, req); named {
		fail("A bundle is nowhere but in a state, so its id finds nothing. " + importHelp)
		return
	}
	params, name := importID(req.ID)
	refuse := func(detail string) { fail(shownPath(name) + ": " + detail) }
	file, err := readFile(name)
	if err != nil {
		fail(sentence(err) + " " + importHelp)
		return
	}
	ciphertext := file.Reveal() // a bundle is no secret; anything else is refused below
	shown, err := bundle.Inspect(ciphertext)
	switch {
	case errors.Is(err, bundle.ErrUnknownFormat):
		refuse(sentence(err) + " A plaintext env file is not imported: read it with the ephemeral ageenv_dotenv, and give that to dotenv_wo of a new ageenv_bundle. " + importHelp)
		return
	case err != nil:
		refuse(sentence(err) + " " + importHelp)
		return
	case shown.Format == bundle.FormatAge && !agekey.IsArmored(ciphertext):
		refuse("This is a binary age file, and a state holds text. Make an armored one and import that: age -d -i KEYFILE FILE | age -a -R RECIPIENTS -o NEWFILE.")
		return
	case shown.Format != bundle.FormatAge && !slices.Contains(bundle.Formats(), bundle.Format(shown.Format)):
		refuse("Files of format " + shown.Format + " are read (by the ephemeral ageenv_bundle), and not managed: give their entries to a new ageenv_bundle.")
		return
	case shown.Others:
		refuse("The file uses key groups, or PGP or KMS keys beside age, which a bundle would lose when it is encrypted again: give its content to a new ageenv_bundle.")
		return
	}
	ring := r.settings.keyring(ctx)
	params.Format = bundle.Format(shown.Format)
	if k, is := bundle.ReadKubernetes(ciphertext); is {
		params.Format, params.Kubernetes = bundle.SOPSKubernetes, &k
	}
	source := bundle.Source{AllowUnauthenticated: true}
	if params.Format == bundle.SOPSKubernetes {
		source.Format = params.Format
	}
	opened, err := source.Open(ciphertext, ring.Identities)
	if err != nil {
		fail(openFailed("The file "+shownPath(name), err, ring, ""))
		return
	}
	content, err := opened.Read(params)
	if err != nil {
		fail("In " + shownPath(name) + ": " + sentence(err) + " Is its env text for another reader than " + string(params.TextReaders()[0]) + "? " + importHelp)
		return
	}
	params.Format = opened.Format
	weak := params.Weak(ciphertext, content.Document.Keys())
	if errors.Is(weak, bundle.ErrOtherDocument) && params.Kubernetes == nil {
		refuse("A bundle holds names and encrypted texts alone. This file has more, which the next encryption would lose. " + sentence(weak) +
			" Read the file with the ephemeral ageenv_bundle (set path to it), and give its entries to entries_wo of a new ageenv_bundle.")
		return
	}
	if weak != nil && opened.Format == bundle.SOPSKubernetes {
		// What the first plan would do.
		own, err := bundleModel{Format: types.StringValue(string(opened.Format))}.source().Open(ciphertext, ring.Identities)
		if err == nil {
			_, err = own.Read(params)
		}
		if err != nil {
			refuse("A manifest is managed whose data and stringData hold texts alone: give its entries to a new ageenv_bundle. " + sentence(err))
			return
		}
	}
	resp.Diagnostics.Append(importWarnings(shownPath(name), weak, params.EmptyInClear(content.Document))...)
	state := bundleModel{
		ID: types.StringValue(newID()), EntriesWO: types.MapNull(types.StringType),
		Format: types.StringValue(string(opened.Format)), Dialect: types.StringValue(string(params.Dialect)),
		Readers:    types.ListNull(types.StringType),
		Ciphertext: types.StringValue(ciphertext),
	}
	if len(params.Readers) > 0 {
		state.Readers = textList(texts(params.Readers))
	}
	if state.Kubernetes = types.ObjectNull(kubernetesTypes); params.Kubernetes != nil {
		state.setKubernetes(*params.Kubernetes)
	}
	state.Generated, state.GeneratedStatus = types.MapNull(generatedType), types.MapNull(generatedStatusType)
	state.setEntries(content.Document.Keys(), nil)
	resp.Diagnostics.Append(r.importAccess(ctx, &state, ring)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(setModel(ctx, &resp.State, &state)...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, state.ID)...)
}

// importWarnings tell of what sops does not authenticate in the file, and of the entries
// that are empty in clear.
func importWarnings(file string, weak error, empty []string) (diags diag.Diagnostics) {
	switch {
	case errors.Is(weak, bundle.ErrOtherDocument):
		diags.AddWarning("The next apply writes the manifest again: "+file,
			file+" is not written as a bundle writes it. "+sentence(weak)+" There may be more like it, and sops does not authenticate all of that. Check the content before you apply.")
	case weak != nil:
		diags.AddWarning("sops does not authenticate all of the file: "+file,
			file+": "+sentence(weak)+" Whoever can write the file could have changed that, and there may be more like it. Check the content before you apply: the apply encrypts it again, and then all of it is authenticated.")
	}
	if len(empty) > 0 {
		for i, name := range empty {
			empty[i] = shortened(name)
		}
		diags.AddWarning("sops does not authenticate empty values: "+file,
			file+": these entries are empty, and anybody who can write the file could have emptied or added them: "+listed(empty)+". Check that before you apply. From now on, the state knows which names there are.")
	}
	return diags
}

// importAccess parts the recipients that the file shows into those whom the
// provider's configuration calls operators and the others, as a configuration
// would have them.
func (r *bundleResource) importAccess(ctx context.Context, state *bundleModel, ring agekey.Keyring) (diags diag.Diagnostics) {
	texts, shown := bundle.Recipients(state.Ciphertext.ValueString())
	if !shown {
		ids := ring.Dedicated
		if len(ids) == 0 {
			ids = ring.Identities
		}
		texts = agekey.Texts(agekey.Recipients(ids))
		unknown := ""
		if programs := agekey.PluginsOfUnknownRecipient(ids); len(programs) > 0 {
			unknown = " Not among them is the recipient of an identity of " + strings.Join(programs, ", ") + ", which is not known."
		}
		diags.AddWarning("An age file does not show its recipients",
			"The import takes the recipients of the identities found here: "+strings.Join(texts, ", ")+"."+unknown+" Set recipients and operator_recipients to the right ones: if they differ, the next apply encrypts the bundle to exactly those.")
	}
	var all []agekey.Recipient
	for _, text := range texts {
		recipient, err := agekey.ParseRecipient(text)
		if err != nil {
			diags.AddError("The bundle can't be imported", "It is encrypted to "+shownRecipient(text)+", which can't be used. "+sentence(err))
			return diags
		}
		all = append(all, recipient)
	}
	null := types.SetNull(types.StringType)
	configured, d := r.settings.operatorsOf(ctx, operatorsPath, null, null)
	if d.HasError() {
		return append(diags, d...) // an operator would be taken for another recipient
	}
	operators, _, _ := recipientSet(ctx, configured, operatorsPath)
	isOperator := func(recipient agekey.Recipient) bool {
		return slices.Contains(agekey.Texts(operators), recipient.String())
	}
	others := slices.DeleteFunc(slices.Clone(all), isOperator)
	all = slices.DeleteFunc(all, func(recipient agekey.Recipient) bool { return !isOperator(recipient) })
	state.Recipients, state.OperatorRecipients = textSet(others), textSet(all)
	return diags
}
