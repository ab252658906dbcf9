package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// readersOf are the readers in a list. One that is not known is "".
func readersOf(list types.List) (readers []dotenv.Reader) {
	if list.IsUnknown() {
		return []dotenv.Reader{""}
	}
	for _, element := range list.Elements() {
		text, _ := element.(basetypes.StringValue)
		readers = append(readers, dotenv.Reader(text.ValueString()))
	}
	return readers
}

// readersKnown reports whether all of a list of readers is known.
func readersKnown(list types.List) bool { return !slices.Contains(readersOf(list), "") }

// checkReaders refuses lists that name no readers. A reader that is there twice counts
// once, so that lists can be joined.
func checkReaders() []validator.List { return []validator.List{readersCheck{}} }

type readersCheck struct{}

func (readersCheck) Description(context.Context) string { return "must be readers of env text" }

func (readersCheck) MarkdownDescription(context.Context) string { return "must be readers of env text" }

func (readersCheck) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if len(req.ConfigValue.Elements()) == 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "No reader", req.Path.String()+" is empty: name one reader at least, or leave it out.")
	}
	for i, element := range req.ConfigValue.Elements() {
		checkReader(req.Path.AtListIndex(i), element, resp)
	}
}

func checkReader(at path.Path, element any, resp *validator.ListResponse) {
	text, ok := element.(basetypes.StringValue)
	switch {
	case !ok || text.IsUnknown():
	case text.IsNull():
		resp.Diagnostics.AddAttributeError(at, "No reader", at.String()+" is null: leave the element out.")
	case !slices.Contains(dotenv.Readers(), dotenv.Reader(text.ValueString())):
		resp.Diagnostics.AddAttributeError(at, "There is no such reader", at.String()+" is none of these: "+strings.Join(texts(dotenv.Readers()), ", ")+".")
	}
}
