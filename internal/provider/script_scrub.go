package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// A script is scrubbed by uploading a placeholder in its place, so that script_sha256 is a
// placeholder's digest from then on: what differs from it is drift, as for any script, and
// is repaired with the placeholder. Only new inputs put the secret back.
//
// The clock is read by Read, Create and Update, and the plan looks at scrub_due: a
// saved plan does the same whenever it is applied.

// scrubModel is the part of a script's model that is about scrubbing.
type scrubModel struct {
	ScrubAfter     types.String `tfsdk:"scrub_after"`
	UploadTriggers types.Map    `tfsdk:"upload_triggers"`
	UploadedAt     types.String `tfsdk:"uploaded_at"`
	ScrubDue       types.Bool   `tfsdk:"scrub_due"`
	Scrubbed       types.Bool   `tfsdk:"scrubbed"`
}

func scrubAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"scrub_after": schema.StringAttribute{
			Optional: true, Validators: []validator.String{checkedBy{checkScrubAfter}},
			MarkdownDescription: "How long the secret stays in the account, as a duration such as `72h`, counted from `uploaded_at`. The first plan after that (with a refresh) replaces the script's body by a placeholder that fails when a box boots it, and says so; the ID stays, and boxes that have started keep their files. It may not reach what the metadata service shows on a box that runs. Until then nothing is scrubbed. A new value counts from the plan after the one that takes it over.",
		},
		"upload_triggers": schema.MapAttribute{
			ElementType: types.StringType, Optional: true, PlanModifiers: []planmodifier.Map{nullIsAbsent()},
			MarkdownDescription: "Values that upload the script anew, in place, when they change; for example the number of boxes, so that a scrubbed script is back before a new box boots it. So does every change of `files` or of the identity; drift does not. " + nullRule,
		},
		"uploaded_at": schema.StringAttribute{Computed: true, MarkdownDescription: "When the script was uploaded for its present inputs, RFC 3339. Repairing drift does not move it."},
		"scrub_due":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether `scrub_after` had passed at the last refresh, so that the next apply scrubs the script."},
		"scrubbed":    schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the script is scrubbed: the account holds a placeholder without a secret, and a box that boots it gets no files and an error."},
	}
}

func checkScrubAfter(text string) error {
	if after, err := time.ParseDuration(text); err != nil || after <= 0 {
		return fmt.Errorf("is not a duration above zero: write hours, as \"72h\", or minutes, as \"90m\"")
	}
	return nil
}

// due reports whether the time to scrub has come.
func (m *scriptModel) due(now time.Time) bool {
	after, err := time.ParseDuration(m.ScrubAfter.ValueString())
	uploaded, unreadable := time.Parse(time.RFC3339, m.UploadedAt.ValueString())
	return err == nil && unreadable == nil && !m.isScrubbed() && !now.Before(uploaded.Add(after))
}

// isScrubbed reports whether the placeholder is what was last uploaded.
func (m *scriptModel) isScrubbed() bool { return vultr.IsPlaceholder(m.ScriptSHA256.ValueString()) }

// readScrub notes what a refresh finds. A placeholder that was put there by the action is
// what was last uploaded, too.
func (m *scriptModel) readScrub(now time.Time) {
	if vultr.IsPlaceholder(m.RemoteSHA256.ValueString()) {
		m.ScriptSHA256 = m.RemoteSHA256
	}
	m.Scrubbed, m.ScrubDue = types.BoolValue(m.isScrubbed()), types.BoolValue(m.due(now))
}

// setPlaceholder notes that the account holds the placeholder now.
func (m *scriptModel) setPlaceholder() {
	m.ScriptSHA256 = types.StringValue(vultr.Digest(vultr.Placeholder()))
	m.RemoteSHA256 = m.ScriptSHA256
	m.ScriptBytes = types.Int64Value(int64(vultr.Placeholder().Len()))
}

// planScrub plans what is about scrubbing, after the rest of the script.
func (m *scriptModel) planScrub(c scriptChange, state scriptModel, create bool) {
	switch {
	case create:
		m.UploadedAt, m.Scrubbed, m.ScrubDue = types.StringUnknown(), types.BoolValue(false), types.BoolUnknown()
		return
	case c.inputs:
		m.UploadedAt, m.Scrubbed, m.ScrubDue = types.StringUnknown(), types.BoolUnknown(), types.BoolUnknown()
		if c.certain {
			m.Scrubbed = types.BoolValue(false)
		}
		return
	}
	m.UploadedAt, m.Scrubbed, m.ScrubDue = state.UploadedAt, state.Scrubbed, state.ScrubDue
	if c.placeholder {
		m.setPlaceholder()
		m.Scrubbed, m.ScrubDue = types.BoolValue(true), types.BoolValue(false)
	} else if !m.ScrubAfter.Equal(state.ScrubAfter) {
		m.ScrubDue = types.BoolUnknown()
		if state.UploadedAt.IsNull() {
			m.UploadedAt = types.StringUnknown()
		}
	}
}

// applyScrub settles what was planned as unknown.
func (m *scriptModel) applyScrub(c scriptChange, state scriptModel, now time.Time) {
	switch {
	case c.inputs:
		m.UploadedAt = types.StringValue(now.Format(time.RFC3339))
	case m.UploadedAt.IsUnknown():
		if m.UploadedAt = state.UploadedAt; m.UploadedAt.IsNull() {
			m.UploadedAt = types.StringValue(now.Format(time.RFC3339))
		}
	}
	m.Scrubbed = types.BoolValue(m.isScrubbed())
	if m.ScrubDue.IsUnknown() {
		m.ScrubDue = types.BoolValue(m.due(now))
	}
}

// scrubWarnings say what a plan does about the secret, and what a box would boot.
// The ID is in each summary: Terraform shows one of many warnings with the same one.
func scrubWarnings(c scriptChange, state scriptModel) (diags diag.Diagnostics) {
	id := state.ID.ValueString()
	switch {
	case c.scrub && c.placeholder:
		diags.AddWarning("The startup script will be scrubbed: "+id, fmt.Sprintf(
			"scrub_after (%s) has passed since it was uploaded (%s): the body of script %s is replaced by a placeholder without a secret. "+
				"Boxes that have started keep their files. A box that is started with the script from then on gets none and an error. "+uploadAgain,
			state.ScrubAfter.ValueString(), state.UploadedAt.ValueString(), id))
	case c.scrub && !c.certain:
		diags.AddWarning("The startup script may be scrubbed: "+id,
			"scrub_after has passed, and whether the inputs have changed is known only at apply: the script is uploaded anew if they have, and scrubbed if not.")
	case state.isScrubbed() && !c.render:
		diags.AddWarning("The startup script is scrubbed: "+id, fmt.Sprintf(
			"A box that is started with script %s boots a placeholder: it gets no files, and an error. Boxes that have started are not concerned. "+uploadAgain, id))
	}
	return diags
}

const uploadAgain = "To upload it again, in place, change upload_triggers; new content or a new identity does so too."

// scrub uploads the placeholder in the place of a script.
func scrub(ctx context.Context, client *vultr.Client, id string) error {
	body := vultr.Placeholder()
	return client.UpdateScript(ctx, id, vultr.ScriptUpdate{Body: &body})
}
