package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/rotation"
)

var _ datasource.DataSource = &rotationReport{}

type rotationReport struct{}

func newRotationReport() datasource.DataSource { return &rotationReport{} }

type reportModel struct {
	At                types.String  `tfsdk:"at"`
	Items             []reportItem  `tfsdk:"items"`
	ToleratedDays     types.Int64   `tfsdk:"tolerated_days"`
	LeftAt            types.String  `tfsdk:"left_at"`
	Rows              []reportRow   `tfsdk:"rows"`
	Due               types.List    `tfsdk:"due"`
	Overdue           types.List    `tfsdk:"overdue"`
	Unchanged         types.List    `tfsdk:"unchanged"`
	AutomationPercent types.Float64 `tfsdk:"automation_percent"`
	CompliancePercent types.Float64 `tfsdk:"compliance_percent"`
	Markdown          types.String  `tfsdk:"markdown"`
	JSON              types.String  `tfsdk:"json"`

	scopeArguments
}

type reportItem struct {
	Name      types.String `tfsdk:"name"`
	Kind      types.String `tfsdk:"kind"`
	Owner     types.String `tfsdk:"owner"`
	ChangedAt types.String `tfsdk:"changed_at"`
	Days      types.Int64  `tfsdk:"days"`
	Automated types.Bool   `tfsdk:"automated"`

	OperatorRemovedAt types.String `tfsdk:"operator_removed_at"`
}

type reportRow struct {
	Name    types.String `tfsdk:"name"`
	Kind    types.String `tfsdk:"kind"`
	Owner   types.String `tfsdk:"owner"`
	AgeDays types.Int64  `tfsdk:"age_days"`
	DueAt   types.String `tfsdk:"due_at"`
	State   types.String `tfsdk:"state"`
}

func (d *rotationReport) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_rotation_report"
}

// checkedTime validates a time.
func checkedTime() []validator.String {
	return []validator.String{checkedBy{func(text string) error {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("is not a time of the form 2026-01-02T03:04:05Z (RFC 3339)")
		}
		return nil
	}}}
}

func (d *rotationReport) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	texts := func(description string) schema.ListAttribute {
		return schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What has to be rotated, and whether secrets can be read only where they may, from what it is told: it reads no clock and no other place, so that a `check` block or a CI job can assert it. " +
			"Names, kinds and owners are shown; give it no values.",
		Attributes: map[string]schema.Attribute{
			"at":             schema.StringAttribute{Required: true, Validators: checkedTime(), MarkdownDescription: "The time of the report, RFC 3339, usually `plantimestamp()`."},
			"tolerated_days": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.Between(0, rotation.MaxDays)}, MarkdownDescription: "For how many days an item may be due before it is overdue. Default 7."},
			"left_at":        schema.StringAttribute{Optional: true, Validators: checkedTime(), MarkdownDescription: "When a recipient left, or a key leaked, RFC 3339: `unchanged` then lists what whoever left still knows."},
			"items": schema.ListNestedAttribute{
				Required: true, MarkdownDescription: "What has to be rotated.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":                schema.StringAttribute{Required: true, MarkdownDescription: "Its name."},
					"kind":                schema.StringAttribute{Required: true, MarkdownDescription: "What it is, for example `API key`."},
					"owner":               schema.StringAttribute{Required: true, MarkdownDescription: "Who has to rotate it."},
					"changed_at":          schema.StringAttribute{Optional: true, Validators: checkedTime(), MarkdownDescription: "When it last changed, RFC 3339: an `ageenv_bundle`'s `changed_at`, an `ageenv_key`'s `created_at`. Null where that is not known; the item is overdue then."},
					"days":                schema.Int64Attribute{Required: true, Validators: []validator.Int64{int64validator.Between(1, rotation.MaxDays)}, MarkdownDescription: "For how many days it may stay."},
					"automated":           schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether it is rotated without a person. Default `false`."},
					"operator_removed_at": schema.StringAttribute{Optional: true, Validators: checkedTime(), MarkdownDescription: "When an operator who could read it was last removed, RFC 3339: an `ageenv_bundle`'s or an `ageenv_key`'s `operator_removed_at`. Null if none was. An item that has not changed since is due from that time on, and in `unchanged`."},
				}},
			},
			"rows": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The items, the most urgent first.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":     schema.StringAttribute{Computed: true, MarkdownDescription: "Its name."},
					"kind":     schema.StringAttribute{Computed: true, MarkdownDescription: "What it is."},
					"owner":    schema.StringAttribute{Computed: true, MarkdownDescription: "Who has to rotate it."},
					"age_days": schema.Int64Attribute{Computed: true, MarkdownDescription: "Its age in whole days; null where that is not known."},
					"due_at":   schema.StringAttribute{Computed: true, MarkdownDescription: "When it is due, RFC 3339, UTC; null where that is not known."},
					"state":    schema.StringAttribute{Computed: true, MarkdownDescription: "`ok`, `due` or `overdue`."},
				}},
			},
			"due":                texts("The names that are due."),
			"overdue":            texts("The names that are overdue."),
			"unchanged":          texts("The names that have not changed since `left_at`, or since their own `operator_removed_at`: whoever left still knows them. Null without any of these times."),
			"automation_percent": schema.Float64Attribute{Computed: true, MarkdownDescription: "How much of it is automated, in per cent, rounded down to a tenth."},
			"compliance_percent": schema.Float64Attribute{Computed: true, MarkdownDescription: "How much of it is not overdue, in per cent, rounded down to a tenth."},
			"markdown":           schema.StringAttribute{Computed: true, MarkdownDescription: "The report to paste into a ticket. It shows dates and no ages: as an output it changes when an item or its state does, not with every plan."},
			"json":               schema.StringAttribute{Computed: true, MarkdownDescription: "The report for programs. It holds `at` and ages in days: an output of it changes with every plan if `at` is `plantimestamp()`."},
		},
	}
	maps.Copy(resp.Schema.Attributes, scopeAttributes())
}

func (d *rotationReport) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m reportModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	tolerated := int64(7)
	if !m.ToleratedDays.IsNull() {
		tolerated = m.ToleratedDays.ValueInt64()
	}
	at, ok := timeOf(m.At)
	if !ok {
		resp.Diagnostics.AddAttributeError(path.Root("at"), "Malformed time", "Give a time of the form 2026-01-02T03:04:05Z (RFC 3339).")
		return
	}
	left, _ := timeOf(m.LeftAt) // validated, or null
	items := make([]rotation.Item, len(m.Items))
	for i, item := range m.Items {
		changed, _ := timeOf(item.ChangedAt)
		removed, _ := timeOf(item.OperatorRemovedAt)
		items[i] = rotation.Item{
			Name: item.Name.ValueString(), Kind: item.Kind.ValueString(), Owner: item.Owner.ValueString(),
			ChangedAt: changed, Days: item.Days.ValueInt64(), Automated: item.Automated.ValueBool(), OperatorRemovedAt: removed,
		}
	}
	report := rotation.NewReport(items, at, tolerated, left)
	compliance, diags := m.compare(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	report.Scopes = compliance
	if err := m.take(report); err != nil {
		resp.Diagnostics.AddError("The report can't be written", sentence(err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// take puts the report's results.
func (m *reportModel) take(report rotation.Report) error {
	m.Rows = []reportRow{}
	for _, row := range report.Rows {
		r := reportRow{
			Name: types.StringValue(row.Name), Kind: types.StringValue(row.Kind), Owner: types.StringValue(row.Owner),
			AgeDays: types.Int64PointerValue(row.AgeDays), DueAt: types.StringNull(), State: types.StringValue(string(row.State)),
		}
		if row.DueAt != nil {
			r.DueAt = timeText(*row.DueAt)
		}
		m.Rows = append(m.Rows, r)
	}
	m.Due, m.Overdue = textList(report.Names(rotation.Due)), textList(report.Names(rotation.Overdue))
	m.Unchanged = types.ListNull(types.StringType)
	someoneLeft := func(item reportItem) bool { return !item.OperatorRemovedAt.IsNull() }
	if !m.LeftAt.IsNull() || slices.ContainsFunc(m.Items, someoneLeft) {
		m.Unchanged = textList(report.Unchanged)
	}
	m.AutomationPercent, m.CompliancePercent = types.Float64Value(report.AutomationPercent), types.Float64Value(report.CompliancePercent)
	m.Compliance = newScopeCompliance(report.Scopes)
	text, err := report.JSON()
	m.Markdown, m.JSON = types.StringValue(report.Markdown()), types.StringValue(text)
	return err
}
