package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// wanted is what the configuration says of the content.
type wanted struct {
	bundle.Wanted
	configured   bool     // some content argument is set
	known        bool     // all of it is known
	unknown      []string // entries whose value is not known
	namesUnknown bool     // there may be further entries
}

// wantedContent reads the write-only arguments and checks what is known of them, with
// what is generated.
func wantedContent(config bundleModel, p bundle.Params, generated generatedChange) (w wanted, diags diag.Diagnostics) {
	w.configured = config.hasContent()
	w.namesUnknown = config.EntriesWO.IsUnknown() || config.DotenvWO.IsUnknown()
	w.known = !w.namesUnknown
	if !config.DotenvWO.IsNull() && !config.DotenvWO.IsUnknown() {
		doc, _, read := readEnvText(secret.New(config.DotenvWO.ValueString()), p.Dialect, config.References, dotenvPath.String())
		diags.Append(read...)
		for _, line := range doc.Lines {
			if line.IsComment() {
				continue
			}
			if err := p.CheckEntry(line.Key, line.Value); err != nil {
				diags.Append(contentProblem(err, dotenvPath))
			}
		}
		w.Wanted = bundle.WantedText(doc, p.Format)
	}
	entries := map[string]secret.Text{}
	for key, element := range config.EntriesWO.Elements() {
		text, ok := element.(basetypes.StringValue)
		switch {
		case !ok || text.IsNull():
			diags.Append(contentProblem(named(key, nullEntry(key, p)), entriesPath))
		case text.IsUnknown():
			w.known, w.unknown = false, append(w.unknown, key)
		default:
			entries[key] = secret.New(text.ValueString())
			if err := p.CheckEntry(key, entries[key]); err != nil {
				diags.Append(contentProblem(named(key, err), entriesPath))
			}
		}
	}
	w.Document = w.Document.Overlay(entries)
	if len(w.unknown) > 0 {
		w.Document = w.Document.Without(namesOf(w.unknown)) // entries_wo wins over dotenv_wo
	}
	if w.known && !generated.NamesUnknown && !diags.HasError() {
		// Only what the entries' checks above can't see: the whole.
		if _, err := bundle.NewContent(w.Document.Overlay(generated.samples(slices.Concat(generated.Fresh, generated.Kept))), p); err != nil {
			diags.Append(contentProblem(err, w.path(config)))
		}
	}
	return w, diags
}

// samples stand for the values of generated entries in the checks of a plan.
func (c generatedChange) samples(names []string) map[string]secret.Text {
	samples := map[string]secret.Text{}
	for _, name := range names {
		samples[name] = c.specs[name].generator().Sample()
	}
	return samples
}

// hasContent reports whether some content argument is set.
func (m bundleModel) hasContent() bool { return !m.EntriesWO.IsNull() || !m.DotenvWO.IsNull() }

func nullEntry(key string, p bundle.Params) error {
	if err := p.CheckName(key); err != nil {
		return err
	}
	return &dotenv.Error{Key: key, Problem: "the value is null: leave the name out, or write \"\" for an empty value"}
}

// named adds the name of an entry to an error that has none. The names in a map are
// public: they are in keys. In a text, what is no name may be a piece of a value.
func named(key string, err error) error {
	var e *dotenv.Error
	if errors.As(err, &e) && e.Key == "" && key != "" {
		return fmt.Errorf("%s: %w", shortened(key), err)
	}
	return err
}

// path is the content argument that is set.
func (wanted) path(config bundleModel) path.Path {
	if config.DotenvWO.IsNull() {
		return entriesPath
	}
	return dotenvPath
}

// access is who may open a bundle, as a configuration or a state has it.
type access struct {
	recipients, operators []agekey.Recipient
	operatorsKnown        bool
	known                 bool // all of it
}

func (a access) all() []agekey.Recipient { return agekey.Union(a.recipients, a.operators) }

// operatorChange is how the operators differ. An operator who is among the recipients
// before or after is neither added nor removed: they can open the bundle either way.
func (a access) operatorChange(after access) agekey.Change {
	return agekey.Change{
		Added:   agekey.Compare(a.all(), after.operators).Added,
		Removed: agekey.Compare(a.operators, after.all()).Removed,
	}
}

func (m bundleModel) access(ctx context.Context) (a access, diags diag.Diagnostics) {
	recipients, known1, d1 := recipientSet(ctx, m.Recipients, recipientsPath)
	operators, known2, d2 := recipientSet(ctx, m.OperatorRecipients, operatorsPath)
	diags.Append(d1...)
	diags.Append(d2...)
	return access{recipients, operators, known2, known1 && known2}, diags
}

// params is how a model with known values is sealed.
func (m bundleModel) params(a access) bundle.Params {
	return bundle.Params{
		Format: bundle.Format(m.Format.ValueString()), Dialect: dotenv.Dialect(m.Dialect.ValueString()), Readers: readersOf(m.Readers),
		Recipients: a.all(), Kubernetes: m.kubernetes(),
	}
}

// source is how a model's own ciphertext is opened. The state is trusted, and an
// import may have brought a file of which sops does not authenticate all.
func (m bundleModel) source() bundle.Source {
	return bundle.Source{Format: bundle.Format(m.Format.ValueString()), AllowUnauthenticated: true, Own: true}
}

// checkAccess puts what is wrong with the recipients on their attribute.
func checkAccess(p bundle.Params) (diags diag.Diagnostics) {
	switch err := p.CheckRecipients(); {
	case errors.Is(err, agekey.ErrNoRecipient):
		diags.AddAttributeError(recipientsPath, "No recipient", "Neither recipients nor operator_recipients name anybody: nobody could ever open the bundle. Name one at least.")
	case err != nil:
		diags.AddAttributeError(recipientsPath, "Recipients can't be mixed", sentence(err)+" Or use format = \"sops_dotenv\", which seals to each recipient on its own.")
	}
	return diags
}
