package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// generatedModel says how one entry is made.
type generatedModel struct {
	Length       types.Int64  `tfsdk:"length"`
	Charset      types.String `tfsdk:"charset"`
	Bytes        types.Int64  `tfsdk:"bytes"`
	Encoding     types.String `tfsdk:"encoding"`
	Keepers      types.Map    `tfsdk:"keepers"`
	RotationDays types.Int64  `tfsdk:"rotation_days"`
}

var generatedPath = path.Root("generated")

var generatedType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"length": types.Int64Type, "charset": types.StringType, "bytes": types.Int64Type, "encoding": types.StringType,
	"keepers": types.MapType{ElemType: types.StringType}, "rotation_days": types.Int64Type,
}}

// generatedSchema is the attribute generated, and what is known of its entries.
func generatedSchema() map[string]schema.Attribute {
	encodings, checkEncoding := oneOf(bundle.Encodings())
	size := []validator.Int64{int64validator.Between(1, bundle.MaxGenerated)}
	return map[string]schema.Attribute{
		"generated": schema.MapNestedAttribute{
			Optional: true,
			MarkdownDescription: "Entries that are made at random, once, and are nowhere but in the ciphertext: never in state, in a plan or in a configuration. They are carried over when anything else changes, and read by the ephemeral `ageenv_bundle` alone, in the apply that makes them too. " +
				"A value is made anew when its `keepers` or how it is made change, or when its schedule is due. They need `operator_recipients`, so that nobody is locked out. **`-replace` of the bundle makes all of them anew, and deleting it loses them**: set `prevent_destroy`.",
			NestedObject: schema.NestedAttributeObject{Validators: []validator.Object{oneSize{}}, Attributes: map[string]schema.Attribute{
				"length":        schema.Int64Attribute{Optional: true, Validators: size, MarkdownDescription: "How many characters of `charset`. Exactly one of `length` and `bytes` is set. A value has 64 bits of randomness at least."},
				"charset":       schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("length"))}, MarkdownDescription: "The characters to choose from, each once, printable ASCII. Default: letters and digits."},
				"bytes":         schema.Int64Attribute{Optional: true, Validators: size, MarkdownDescription: "How many bytes, written in `encoding`."},
				"encoding":      schema.StringAttribute{Optional: true, Validators: append(checkEncoding, stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("bytes"))), MarkdownDescription: codeList(encodings) + ". Default `" + encodings[0] + "`; `base64url` is without padding."},
				"keepers":       schema.MapAttribute{ElementType: types.StringType, Optional: true, PlanModifiers: []planmodifier.Map{nullIsAbsent()}, MarkdownDescription: "Arbitrary values. The value is generated again when they change. " + nullRule},
				"rotation_days": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.Between(1, rotation.MaxDays)}, MarkdownDescription: "After how many days the value is generated again, by the first apply after that. An apply that raises or removes it leaves a value that is due."},
			}},
		},
		"generated_status": schema.MapNestedAttribute{
			Computed:            true,
			MarkdownDescription: "Name of a generated entry to what is known of its value. Null while the bundle has had no generated entry. A name that is gone stays here with its `version` alone, so that it goes on counting if it comes back.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"version":    schema.Int64Attribute{Computed: true, MarkdownDescription: "How often the value was made, known while planning: for the `…_wo_version` of what takes the value from the ephemeral `ageenv_bundle`."},
				"rotated_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When the value was made, RFC 3339, UTC."},
				"rotate_at":  schema.StringAttribute{Computed: true, MarkdownDescription: "When the value is due, RFC 3339, UTC; null without a schedule."},
				"due":        schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the value was due when the state was last refreshed."},
			}},
		},
	}
}

// oneSize holds an entry to exactly one of length and bytes. The framework's own
// validator names them as no configuration writes them.
type oneSize struct{}

func (oneSize) Description(context.Context) string { return "exactly one of length and bytes" }
func (oneSize) MarkdownDescription(context.Context) string {
	return "exactly one of `length` and `bytes`"
}

func (oneSize) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	length, bytes := req.ConfigValue.Attributes()["length"], req.ConfigValue.Attributes()["bytes"]
	problem := "sets neither length nor bytes"
	switch {
	case !length.IsNull() && !bytes.IsNull() && !length.IsUnknown() && !bytes.IsUnknown():
		problem = "sets both length and bytes"
	case !length.IsNull() || !bytes.IsNull():
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, "The entry can't be generated",
		req.Path.String()+" "+problem+": set one of them, length for characters of charset, or bytes for random bytes in encoding.")
}

// generators are how a model's entries are made. Of an entry that is unknown as a whole,
// everything is.
func (m bundleModel) generators(ctx context.Context) (specs map[string]generatedModel, diags diag.Diagnostics) {
	specs = map[string]generatedModel{}
	for name, element := range m.Generated.Elements() {
		spec := generatedModel{
			types.Int64Unknown(), types.StringUnknown(), types.Int64Unknown(), types.StringUnknown(), types.MapUnknown(types.StringType), types.Int64Unknown(),
		}
		if object, ok := element.(types.Object); ok && !object.IsUnknown() {
			diags.Append(object.As(ctx, &spec, basetypes.ObjectAsOptions{})...)
		}
		specs[name] = spec
	}
	return specs, diags
}

func (g generatedModel) generator() bundle.Generator {
	return bundle.Generator{
		Length: int(g.Length.ValueInt64()), Charset: g.Charset.ValueString(),
		Bytes: int(g.Bytes.ValueInt64()), Encoding: bundle.Encoding(g.Encoding.ValueString()),
	}
}

// entry is what decides whether a value that is there can stay.
func (g generatedModel) entry(ctx context.Context) bundle.GeneratedEntry {
	e := bundle.GeneratedEntry{
		Generator: g.generator(), Keepers: map[string]string{},
		RotationDays: g.RotationDays.ValueInt64(), ScheduleUnknown: g.RotationDays.IsUnknown(),
	}
	for _, value := range []attr.Value{g.Length, g.Charset, g.Bytes, g.Encoding, g.Keepers} {
		e.Unknown = e.Unknown || !fullyKnown(ctx, value)
	}
	for key, value := range present(g.Keepers) {
		if text, ok := value.(types.String); ok {
			e.Keepers[key] = text.ValueString()
		}
	}
	return e
}

// generatedChange is what happens to a bundle's generated entries.
type generatedChange struct {
	bundle.Generated
	specs map[string]generatedModel // what is wanted
}

// changeGenerated compares a plan with a state, which is the zero model where there is
// none. Whether an entry is due is what the last Read found.
func changeGenerated(ctx context.Context, plan, state bundleModel) (c generatedChange, diags diag.Diagnostics) {
	specs, d := plan.generators(ctx)
	diags.Append(d...)
	was, d := state.generators(ctx)
	diags.Append(d...)
	var due []string
	for name, status := range state.generatedStatus() {
		if status.due.ValueBool() {
			due = append(due, name)
		}
	}
	entries := func(specs map[string]generatedModel) map[string]bundle.GeneratedEntry {
		entries := map[string]bundle.GeneratedEntry{}
		for name, spec := range specs {
			entries[name] = spec.entry(ctx)
		}
		return entries
	}
	c = generatedChange{bundle.CompareGenerated(entries(was), entries(specs), due), specs}
	c.NamesUnknown = plan.Generated.IsUnknown()
	c.Known = c.Known && !c.NamesUnknown
	return c, diags
}

// remedies are what can be done where the old ciphertext can't be opened.
func (c generatedChange) remedies() string {
	if len(c.Kept) == 0 {
		return openRemedies
	}
	return "Generated entries (" + strings.Join(c.Kept, ", ") + ") are nowhere but in that ciphertext: to give up their values, take them out of generated, apply, and put them back."
}

// check reports what is wrong with generated entries.
func (c generatedChange) check(ctx context.Context, p bundle.Params, w wanted, operators access) (diags diag.Diagnostics) {
	if len(c.specs) == 0 {
		return diags
	}
	if operators.known && len(operators.operators) == 0 {
		diags.AddAttributeError(operatorsPath, "Generated entries need an operator",
			"They are nowhere but in the bundle: with no operator_recipients, nobody who runs Terraform could carry them over. Name one at least.")
	}
	configured := w.Document.Entries()
	for _, name := range slices.Sorted(maps.Keys(c.specs)) {
		at := generatedPath.AtMapKey(name)
		spec := c.specs[name]
		if err := spec.generator().Check(name, p); err != nil && !spec.entry(ctx).Unknown {
			diags.AddAttributeError(at, "The entry can't be generated", "generated[\""+name+"\"]: "+sentence(err))
		}
		if _, twice := configured[name]; twice {
			diags.AddAttributeError(at, "Entry both given and generated", name+" is in generated, and in entries_wo or dotenv_wo too: leave it out in one of them.")
		}
	}
	return diags
}

// plan puts what is known of generated entries while planning. Afterwards nothing is due:
// what was due is generated again, or put off until the next refresh looks at its new
// schedule.
func (c generatedChange) plan(m *bundleModel, state bundleModel) {
	if c.NamesUnknown {
		m.GeneratedStatus = types.MapUnknown(generatedStatusType)
		return
	}
	m.setGeneratedStatus(c.status(state, types.StringUnknown(), types.StringUnknown()))
}

// made puts what is known of generated entries once they are made.
func (c generatedChange) made(m *bundleModel, state bundleModel, now time.Time) {
	m.setGeneratedStatus(c.status(state, timeText(now), types.StringNull()))
}

// status is what is known of the entries after the change: made is the time of those that
// are made again. Due times follow from it, or are unknownDue where they can't.
func (c generatedChange) status(state bundleModel, made, unknownDue types.String) map[string]generatedStatus {
	before, after := state.generatedStatus(), map[string]generatedStatus{}
	for name, was := range before {
		after[name] = generatedStatus{version: was.version} // unless it is still wanted
	}
	for name, spec := range c.specs {
		is := generatedStatus{version: types.Int64Value(before[name].version.ValueInt64() + 1), rotatedAt: made, due: types.BoolValue(false)}
		switch {
		case slices.Contains(c.Kept, name):
			is.version, is.rotatedAt = before[name].version, before[name].rotatedAt
		case c.Why[name] == bundle.NotYetKnown:
			is.version = types.Int64Unknown()
		}
		at, ok := timeOf(is.rotatedAt)
		switch {
		case spec.RotationDays.IsNull():
		case spec.RotationDays.IsUnknown() || !ok:
			is.rotateAt = unknownDue
		default:
			is.rotateAt = timeText(rotation.DueAt(at, spec.RotationDays.ValueInt64()))
		}
		after[name] = is
	}
	return after
}

// values are the generated entries: those that are kept from the old document, and
// the others made now.
func (c generatedChange) values(old dotenv.Document, p bundle.Params) (map[string]secret.Text, error) {
	values := map[string]secret.Text{}
	have := old.Entries()
	for _, name := range c.Kept {
		value, ok := have[name]
		if !ok {
			return nil, errors.New("the generated entry " + name + " is not in the bundle that is there: the state was altered; restore it from a backup")
		}
		values[name] = value
	}
	for _, name := range c.Fresh {
		value, err := c.specs[name].generator().Generate(name, p)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	return values, nil
}
