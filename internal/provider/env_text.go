package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

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
