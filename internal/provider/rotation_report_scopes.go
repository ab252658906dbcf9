package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

var _ datasource.DataSourceWithValidateConfig = &rotationReport{}

// scopeArguments are what a comparison needs: all of them or none.
type scopeArguments struct {
	Scopes map[string]types.Set `tfsdk:"scopes"`
	Rules  []scopeRule          `tfsdk:"scope_rules"`
	Stored []storedBundle       `tfsdk:"stored"`

	Compliance *scopeCompliance `tfsdk:"scope_compliance"`
}

type scopeRule struct {
	Name   types.String   `tfsdk:"name"`
	Bundle types.String   `tfsdk:"bundle"`
	Scopes []types.String `tfsdk:"scopes"`
}

type storedBundle struct {
	Bundle     types.String   `tfsdk:"bundle"`
	Names      []types.String `tfsdk:"names"`
	Recipients types.Set      `tfsdk:"recipients"`
}

type scopeCompliance struct {
	Percent   types.Float64 `tfsdk:"percent"`
	Offenders []offender    `tfsdk:"offenders"`
}

type offender struct {
	Name   types.String `tfsdk:"name"`
	Bundle types.String `tfsdk:"bundle"`
	Reason types.String `tfsdk:"reason"`
}

var (
	scopesPath     = path.Root("scopes")
	scopeRulesPath = path.Root("scope_rules")
)

// scopeAttributes are the report's attributes about scopes.
func scopeAttributes() map[string]schema.Attribute {
	const pattern = "A pattern: `*` is any text, a slash too, and `?` any character. Default `*`."
	checkPattern := []validator.String{stringvalidator.LengthAtLeast(1)}
	needs := func(names ...string) (paths []path.Expression) {
		for _, name := range names {
			paths = append(paths, path.MatchRoot(name))
		}
		return paths
	}
	texts := schema.SetAttribute{ElementType: types.StringType, Required: true}
	names, scopes, recipients := texts, texts, texts
	names.MarkdownDescription = "The names of its entries: `keys(ageenv_bundle.….changed_at)`."
	scopes.MarkdownDescription = "The scopes that may read it. `[]` is none: no bundle may hold it."
	recipients.MarkdownDescription = "Who can open it, operators too: `setunion(ageenv_bundle.….recipients, ageenv_bundle.….operator_recipients)`."
	recipients.Validators = checkedRecipients()
	return map[string]schema.Attribute{
		"scopes": schema.MapAttribute{
			ElementType: types.SetType{ElemType: types.StringType}, Optional: true,
			Validators: []validator.Map{mapvalidator.AlsoRequires(needs("scope_rules", "stored")...), mapvalidator.ValueSetsAre(checkedRecipients()...)},
			MarkdownDescription: "Who is in each scope: a name that you choose, such as `people`, `ci`, `runtime` or `kubernetes`, to age recipients. " +
				"A recipient may be in several.",
		},
		"scope_rules": schema.ListNestedAttribute{
			Optional: true, Validators: []validator.List{listvalidator.AlsoRequires(needs("scopes", "stored")...)},
			MarkdownDescription: "Which scopes may read a secret. The first rule that matches its name and its bundle counts; a secret without one is an offender.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"name":   schema.StringAttribute{Optional: true, Validators: checkPattern, MarkdownDescription: "Names of entries. " + pattern},
				"bundle": schema.StringAttribute{Optional: true, Validators: checkPattern, MarkdownDescription: "Names of bundles. " + pattern},
				"scopes": scopes,
			}},
		},
		"stored": schema.ListNestedAttribute{
			Optional: true, Validators: []validator.List{listvalidator.AlsoRequires(needs("scopes", "scope_rules")...)},
			MarkdownDescription: "The bundles to compare with `scope_rules`. A file that people edit with sops counts too: `bundle_metadata` has its names and recipients.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"bundle":     schema.StringAttribute{Required: true, MarkdownDescription: "Its name, for example the address or the path."},
				"names":      names,
				"recipients": recipients,
			}},
		},
		"scope_compliance": schema.SingleNestedAttribute{
			Computed: true, MarkdownDescription: "Whether each secret of `stored` can be read only in the scopes that `scope_rules` allow. Null without them.",
			Attributes: map[string]schema.Attribute{
				"percent": schema.Float64Attribute{Computed: true, MarkdownDescription: "How many secrets comply, in per cent, rounded down to a tenth. A secret in two bundles counts twice."},
				"offenders": schema.ListNestedAttribute{
					Computed: true, MarkdownDescription: "The others.",
					NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
						"name":   schema.StringAttribute{Computed: true, MarkdownDescription: "The entry's name."},
						"bundle": schema.StringAttribute{Computed: true, MarkdownDescription: "The bundle's name."},
						"reason": schema.StringAttribute{Computed: true, MarkdownDescription: "Which scopes can read it and may not, which recipients are in no scope, or that no rule matches."},
					}},
				},
			},
		},
	}
}

// ValidateConfig reports a rule whose scope is not there: with a typing mistake it
// would allow nobody, or, corrected later, another scope than was reviewed.
func (d *rotationReport) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var scopes types.Map
	var rules types.List
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, scopesPath, &scopes)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, scopeRulesPath, &rules)...)
	if resp.Diagnostics.HasError() || scopes.IsNull() || scopes.IsUnknown() {
		return
	}
	known := slices.Sorted(maps.Keys(scopes.Elements()))
	for i, element := range rules.Elements() {
		rule, ok := element.(types.Object)
		if !ok {
			continue
		}
		named, _ := rule.Attributes()["scopes"].(types.Set)
		for _, scope := range named.Elements() {
			if text, ok := scope.(types.String); ok && !text.IsUnknown() && !slices.Contains(known, text.ValueString()) {
				at := scopeRulesPath.AtListIndex(i).AtName("scopes")
				resp.Diagnostics.AddAttributeError(at, "Unknown scope",
					fmt.Sprintf("%s names %q, which is not in scopes. There are: %s.", at, text.ValueString(), strings.Join(known, ", ")))
			}
		}
	}
}

// compare returns nil where there is nothing to compare.
func (a scopeArguments) compare(ctx context.Context) (*rotation.ScopeCompliance, diag.Diagnostics) {
	var diags diag.Diagnostics
	if a.Stored == nil {
		return nil, diags
	}
	recipientTexts := func(set types.Set, at path.Path) []string {
		recipients, _, problems := recipientSet(ctx, set, at)
		diags.Append(problems...)
		return agekey.Texts(recipients)
	}
	scopes := map[string][]string{}
	for name, set := range a.Scopes {
		scopes[name] = recipientTexts(set, scopesPath.AtMapKey(name))
	}
	rules := make([]rotation.ScopeRule, len(a.Rules))
	for i, rule := range a.Rules {
		rules[i] = rotation.ScopeRule{Name: patternOf(rule.Name), Bundle: patternOf(rule.Bundle), Scopes: valuesOf(rule.Scopes)}
	}
	stored := make([]rotation.Stored, len(a.Stored))
	for i, bundle := range a.Stored {
		stored[i] = rotation.Stored{
			Bundle: bundle.Bundle.ValueString(), Names: slices.Sorted(slices.Values(valuesOf(bundle.Names))),
			Recipients: recipientTexts(bundle.Recipients, path.Root("stored").AtListIndex(i).AtName("recipients")),
		}
	}
	compliance := rotation.CompareScopes(stored, scopes, rules)
	return &compliance, diags
}

// patternOf is the pattern of a rule, whose default matches all.
func patternOf(text types.String) string {
	if text.IsNull() {
		return "*"
	}
	return text.ValueString()
}

// newScopeCompliance is the model of a comparison, nil where nothing was compared.
func newScopeCompliance(c *rotation.ScopeCompliance) *scopeCompliance {
	if c == nil {
		return nil
	}
	m := &scopeCompliance{Percent: types.Float64Value(c.Percent), Offenders: []offender{}}
	for _, o := range c.Offenders {
		m.Offenders = append(m.Offenders, offender{types.StringValue(o.Name), types.StringValue(o.Bundle), types.StringValue(o.Reason)})
	}
	return m
}
