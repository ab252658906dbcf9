package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const referencesDescription = "What a reference such as `${NAME}` in the env text means; only with the dialect `compose`. Without it, a reference is an error.\n" +
	"  - `resolve`: docker compose's forms (`$NAME`, `${NAME}`, and after the name `:-`, `-`, `:+`, `+`, `:?` and `?`, nested too) are replaced. A name must be set earlier in the same text, or have a default. The environment is never read, and what a value brings in is not read again.\n" +
	"  - `braces`: only `${NAME}` is replaced, from names set earlier in the text; any other `$` is text, as PHP's phpdotenv has it.\n\n" +
	"  What readers would take differently is an error that names the entry and the line."

func checkReferences() []validator.String {
	_, check := oneOf(dotenv.ReferenceModes())
	return check
}

// readEnvText reads a person's env text. What was read in an unexpected way is one
// warning. It names the argument and is not on its path: where the text is a literal,
// Terraform would print it with the source.
func readEnvText(text secret.Text, dialect dotenv.Dialect, references types.String, place string) (doc dotenv.Document, changed bool, diags diag.Diagnostics) {
	if !references.IsNull() && dialect != dotenv.Compose {
		diags.AddAttributeError(referencesPath, "No references in this dialect",
			"References are those of the compose dialect, and the env text is read in the "+string(dialect)+" dialect: leave references out, or set dialect = \"compose\".")
		return doc, false, diags
	}
	doc, warnings, err := dotenv.Read(text, dotenv.Options{Dialect: dialect, References: dotenv.References(references.ValueString())})
	if err != nil {
		diags.Append(contentProblemIn(err, place))
		return doc, false, diags
	}
	if len(warnings) > 0 {
		detail := "In " + place + ":"
		for _, w := range warnings {
			detail += "\n  - " + w.String()
		}
		diags.AddWarning("Check how the env text was read: "+place, detail)
	}
	return doc, len(warnings) > 0 || !references.IsNull(), diags
}
