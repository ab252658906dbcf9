package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// A create whose answer was lost is seen to by internal/vultr. What it can't see to
// within its time is remembered in the state, and is here:
//
//   - a script that may have been made, and was not found: it is kept in the state
//     without an ID, tainted, and each refresh looks for it;
//   - a copy of a script, which a server that was very late may have made: private
//     state says what to look for, duplicate_ids what was found.
//
// Both are known by name and content. No two uploads have the same content, since
// the payload is sealed anew for each (TestEachUploadIsAnother).

func duplicatesAttribute() schema.Attribute {
	return schema.ListAttribute{
		ElementType: types.StringType, Computed: true,
		MarkdownDescription: "IDs of copies of this script that requests whose answers were lost have left in the account. The next apply deletes them.",
	}
}

func duplicateIDs(ids []string) types.List {
	values := []attr.Value{} // empty, not null
	for _, id := range ids {
		values = append(values, types.StringValue(id))
	}
	return types.ListValueMust(types.StringType, values)
}

func (m *scriptModel) duplicates(ctx context.Context) (ids []string) {
	if !m.DuplicateIDs.IsNull() && !m.DuplicateIDs.IsUnknown() {
		_ = m.DuplicateIDs.ElementsAs(ctx, &ids, false) // a list of texts always is one
	}
	return ids
}

// search is what to look for in the account: the private state's one entry.
type search struct {
	Name   string    `json:"name"`
	SHA256 string    `json:"sha256"`
	Since  time.Time `json:"since"` // by the account's clock
}

const (
	searchKey = "search"
	// searchFor is for how long copies may still turn up.
	searchFor = time.Hour
)

// privateState is what the framework's requests and responses have of it.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

func (s search) save(ctx context.Context, private privateState) diag.Diagnostics {
	content, err := json.Marshal(s)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Unexpected private state", "This is a fault of the provider. Please report it.")}
	}
	return private.SetKey(ctx, searchKey, content)
}

func forget(ctx context.Context, private privateState) diag.Diagnostics {
	return private.SetKey(ctx, searchKey, nil)
}

// loadSearch reports whether there is something to look for.
func loadSearch(ctx context.Context, private privateState) (s search, found bool, diags diag.Diagnostics) {
	content, diags := private.GetKey(ctx, searchKey)
	if diags.HasError() || len(content) == 0 || json.Unmarshal(content, &s) != nil {
		return s, false, diags
	}
	return s, s.SHA256 != "", diags
}

// isPending reports whether the script may have been made and was never found.
func (m *scriptModel) isPending() bool { return !m.ID.IsNull() && m.ID.ValueString() == "" }

// pending keeps a script whose create has an unknown outcome.
func (m *scriptModel) pending(script secret.Text, e *vultr.Error) search {
	since := e.Since.UTC()
	m.ID, m.ScriptSHA256 = types.StringValue(""), types.StringValue(vultr.Digest(script))
	m.RemoteSHA256, m.ScriptBytes = types.StringNull(), types.Int64Value(int64(script.Len()))
	m.DateCreated, m.DateModified = types.StringValue(since.Format(time.RFC3339)), types.StringNull()
	m.TemplateVersion, m.IdentityRecipient = types.StringNull(), types.StringNull()
	m.UploadedAt, m.ScrubDue, m.Scrubbed = types.StringNull(), types.BoolValue(false), types.BoolValue(false)
	m.DuplicateIDs = duplicateIDs(nil)
	return search{Name: m.Name.ValueString(), SHA256: m.ScriptSHA256.ValueString(), Since: since}
}

// find looks for scripts, but for the one that the resource is.
func (s search) find(ctx context.Context, client *vultr.Client, but string) (ids []string, err error) {
	found, err := client.FindScripts(ctx, s.Name, s.SHA256, s.Since)
	for _, script := range found {
		if script.ID != but {
			ids = append(ids, script.ID)
		}
	}
	return ids, err
}

// deleteDuplicates deletes scripts and returns those that it could not delete.
func deleteDuplicates(ctx context.Context, client *vultr.Client, ids []string) (left []string, diags diag.Diagnostics) {
	for _, id := range ids {
		if err := client.DeleteScript(ctx, id); err != nil && !errors.Is(err, vultr.ErrNotFound) {
			left = append(left, id)
			diags.AddWarning("A copy of the startup script is left in the account: "+id, fmt.Sprintf(
				"Script %s is a copy, secret included, that a request whose answer was lost has left: %s The next apply deletes it.", id, sentence(err)))
		}
	}
	return left, diags
}

func duplicatesWarning(ids []string) (summary, detail string) {
	return "Copies of the startup script are in the account", fmt.Sprintf(
		"Requests whose answers were lost have left copies of the script, secret included: %s. The next apply deletes them.", strings.Join(ids, ", "))
}
