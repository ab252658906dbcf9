package provider

import (
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// Sentences that stand in the descriptions of several attributes.

// notPrinted is part of the description of every attribute that holds a ciphertext,
// so that a plan shows what changes and not pages of armor.
func notPrinted(reference string) string {
	return "It is encrypted, and marked sensitive only so that a plan does not print it: `nonsensitive(" + reference + ")` shows it, and an output with `sensitive = true` gives it to `terraform output -raw`."
}

const recipientKinds = "Each is an age recipient: `age1…` (X25519), `age1pq1…` (hybrid post-quantum), `ssh-ed25519 …`, `ssh-rsa …`, or `age1NAME1…` of an age plugin (a YubiKey, a TPM), which then has to be on `PATH`."

// operatorsRule is part of the description of every list of operators.
const operatorsRule = "Default: the provider's `escrow_recipients`. Where that is not set either, a new resource takes the recipients of the identities on this machine, with a warning, and then keeps them. " +
	"A configured list is always followed: the plan names who is added and who is removed."

// nullRule is part of the description of every map of triggers.
const nullRule = "A null value is an absent one."

const replaceRule = "a value that changes, is added or is removed replaces it; a map or a value that was null and is set for the first time is only noted, so that adopting it after an import replaces nothing. " + nullRule

const regularFiles = "Regular files of up to 16 MiB are read, no pipes and no devices."

const referencesDescription = "What a reference such as `${NAME}` in the env text means; only with the dialect `compose`. Without it, a reference is an error.\n" +
	"  - `resolve`: docker compose's forms (`$NAME`, `${NAME}`, and after the name `:-`, `-`, `:+`, `+`, `:?` and `?`, nested too) are replaced. A name must be set earlier in the same text, or have a default. The environment is never read, and what a value brings in is not read again.\n" +
	"  - `braces`: only `${NAME}` is replaced, from names set earlier in the text; any other `$` is text, as PHP's phpdotenv has it.\n\n" +
	"  What readers would take differently is an error that names the entry and the line."

// readerList lists who reads text as each reader does, for a description.
func readerList() string {
	var out strings.Builder
	for _, r := range dotenv.Readers() {
		out.WriteString("\n  - `" + string(r) + "`: " + r.Programs())
	}
	return out.String()
}

// formatList lists the formats that are written, each with its description.
func formatList() string {
	var out strings.Builder
	for i, f := range bundle.Formats() {
		out.WriteString("\n  - `" + string(f) + "`")
		if i == 0 {
			out.WriteString(" (default)")
		}
		out.WriteString(": " + f.Description())
	}
	return out.String()
}

// fileNameList lists the names of files, each with its formats.
func fileNameList() string {
	var names []string
	formats := map[string][]bundle.Format{}
	for _, f := range bundle.Formats() {
		if !slices.Contains(names, f.FileName()) {
			names = append(names, f.FileName())
		}
		formats[f.FileName()] = append(formats[f.FileName()], f)
	}
	for i, name := range names {
		names[i] = "`" + name + "` (" + codeList(formats[name]) + ")"
	}
	return strings.Join(names, ", ")
}

// formatsWithoutText lists the formats that hold no env text.
func formatsWithoutText() string {
	return codeList(slices.DeleteFunc(bundle.Formats(), bundle.Format.HasText))
}

// codeList lists names as Markdown code.
func codeList[T ~string](names []T) string { return "`" + strings.Join(texts(names), "`, `") + "`" }
