package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var (
	_ function.Function = dotenvDecodeFunction{}
	_ function.Function = dotenvEncodeFunction{}
)

// notSecret is said of both functions.
const notSecret = "**For text that is not secret**: Terraform keeps a digest of a function's arguments in a saved plan, and a short secret can be guessed from that. " +
	"With an error it prints the line of the call, and the variables in it that are not sensitive. A private key is refused. "

// dialectArgument reads the name of a dialect, which is the argument at that place.
func dialectArgument(name string, at int64) (dotenv.Dialect, *function.FuncError) {
	if !slices.Contains(dotenv.Dialects(), dotenv.Dialect(name)) {
		return "", function.NewArgumentFuncError(at, "There is no such dialect: it is one of "+strings.Join(texts(dotenv.Dialects()), ", ")+".")
	}
	return dotenv.Dialect(name), nil
}

type dotenvDecodeFunction struct{}

func newDotenvDecodeFunction() function.Function { return dotenvDecodeFunction{} }

func (dotenvDecodeFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "dotenv_decode"
}

func (dotenvDecodeFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Env text to a map of its entries",
		MarkdownDescription: "Reads env text. " + notSecret + "Read secret text with the ephemeral `ageenv_dotenv`.\n\n" +
			"What readers would take differently, and a reference, is an error that names the line and the entry. Of a name that is set twice, the last value counts.",
		Parameters: []function.Parameter{function.StringParameter{Name: "text", MarkdownDescription: "The env text."}},
		VariadicParameter: function.StringParameter{
			Name:                "dialect",
			MarkdownDescription: "Whose rules the text follows, one at most: " + codeList(dotenv.Dialects()) + ". Default `compose`.",
		},
		Return: function.MapReturn{ElementType: types.StringType},
	}
}

func (dotenvDecodeFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	var dialects []string
	if resp.Error = req.Arguments.Get(ctx, &text, &dialects); resp.Error != nil {
		return
	}
	dialect := dotenv.Compose
	switch len(dialects) {
	case 0:
	case 1:
		if dialect, resp.Error = dialectArgument(dialects[0], 1); resp.Error != nil {
			return
		}
	default:
		resp.Error = function.NewArgumentFuncError(2, "Give one dialect at most.")
		return
	}
	doc, err := dotenv.Parse(secret.New(text), dialect)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "The env text can't be read: "+sentence(err))
		return
	}
	entries := map[string]string{}
	for key, value := range doc.Entries() {
		entries[key] = value.Reveal()
	}
	resp.Error = resp.Result.Set(ctx, entries)
}

type dotenvEncodeFunction struct{}

func newDotenvEncodeFunction() function.Function { return dotenvEncodeFunction{} }

func (dotenvEncodeFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "dotenv_encode"
}

func (dotenvEncodeFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "A map of entries to env text",
		MarkdownDescription: "Writes env text, sorted by name, quoted so that all its readers read it alike. " + notSecret + "Give secret entries to an `ageenv_bundle`.\n\n" +
			"A value that can't be written so is an error that names the entry and the readers.",
		Parameters: []function.Parameter{
			function.MapParameter{Name: "entries", ElementType: types.StringType, MarkdownDescription: "The entries, name to value."},
			function.StringParameter{Name: "reader", MarkdownDescription: "Who is to read the text: a dialect (" + codeList(dotenv.Dialects()) + "), or one of `ageenv_bundle`'s other `readers`."},
		},
		VariadicParameter: function.StringParameter{Name: "readers", MarkdownDescription: "Who else is to read the same text."},
		Return:            function.StringReturn{},
	}
}

func (dotenvEncodeFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var entries map[string]*string
	var first dotenv.Reader
	var others []dotenv.Reader
	if resp.Error = req.Arguments.Get(ctx, &entries, &first, &others); resp.Error != nil {
		return
	}
	for i, reader := range append([]dotenv.Reader{first}, others...) {
		if !slices.Contains(dotenv.Readers(), reader) {
			resp.Error = function.NewArgumentFuncError(int64(min(i, 1)+1), "There is no such reader: it is one of "+strings.Join(texts(dotenv.Readers()), ", ")+".")
			return
		}
	}
	spelling, err := dotenv.NewCodec(append([]dotenv.Reader{first}, others...)...)
	if err != nil {
		resp.Error = function.NewFuncError(sentence(err))
		return
	}
	values := map[string]secret.Text{}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		value := entries[key]
		if value == nil {
			problems = append(problems, fmt.Errorf("%s: the value is null: leave the name out, or write \"\" for an empty value", shortened(key)))
			continue
		}
		values[key] = secret.New(*value)
		if err := spelling.CheckKey(key); err != nil {
			problems = append(problems, named(key, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		resp.Error = function.NewArgumentFuncError(0, "The entries can't be written: "+sentence(err))
		return
	}
	text, err := spelling.Encode(dotenv.FromMap(values))
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "The entries can't be written: "+sentence(err))
		return
	}
	resp.Error = resp.Result.Set(ctx, text.Reveal())
}
