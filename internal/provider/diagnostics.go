package provider

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// sentence makes an error's text one: a capital first, a full stop last. Errors that
// are joined are sentences in lines of their own.
func sentence(err error) string {
	if joined := flatten(err); len(joined) > 1 && err.Error() == errors.Join(joined...).Error() {
		lines := make([]string, len(joined))
		for i, one := range joined {
			lines[i] = sentence(one)
		}
		return strings.Join(lines, "\n")
	}
	text := strings.TrimSpace(err.Error())
	if first, size := utf8.DecodeRuneInString(text); !looksLikeName(text) {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// looksLikeName keeps "files[0]: …" and "DB_URL: …" as they are.
func looksLikeName(text string) bool {
	word, _, found := strings.Cut(text, ":")
	return found && !strings.ContainsRune(word, ' ')
}

// keyringState says what the keyring has, for an error about what it lacks.
func keyringState(ring agekey.Keyring) string {
	var out strings.Builder
	whose := agekey.Texts(agekey.Recipients(ring.Identities))
	for _, program := range agekey.PluginsOfUnknownRecipient(ring.Identities) {
		whose = append(whose, "a key of "+program+" whose recipient its key file does not name")
	}
	if len(whose) == 0 {
		out.WriteString("No identity was found.")
	} else {
		fmt.Fprintf(&out, "The identities found belong to: %s.", strings.Join(whose, ", "))
	}
	for _, problem := range ring.Problems {
		out.WriteString("\nNot usable: " + problem + ".")
	}
	return out.String()
}

const identityRemedy = "Give an operator identity that opens it: identity_files or identities in the provider's configuration, " +
	"SOPS_AGE_KEY_FILE (or another SOPS_AGE_… variable) in the environment, or the user's sops/age/keys.txt. ~/.ssh/id_ed25519 and ~/.ssh/id_rsa are tried too."

// openFailed explains why something sealed could not be opened.
func openFailed(what string, err error, ring agekey.Keyring, otherRemedies string) string {
	if !errors.Is(err, agekey.ErrNoMatch) {
		text := fmt.Sprintf("%s can't be read: %s", what, sentence(err))
		if otherRemedies != "" {
			text += "\n\nRestore it from a backup. " + otherRemedies
		}
		return text
	}
	why := ""
	if err.Error() != agekey.ErrNoMatch.Error() { // the text says more, such as which key group opened
		why = " " + sentence(err)
	}
	text := fmt.Sprintf("%s can't be decrypted with any identity found here.%s\n%s\n\n%s", what, why, keyringState(ring), identityRemedy)
	if otherRemedies != "" {
		text += " " + otherRemedies
	}
	return text
}

// malformedIdentity names the attribute in its text only: on a path Terraform would
// print the attribute's source, key and all.
func malformedIdentity(at path.Path, err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Malformed identity", fmt.Sprintf("In %s: %s", at, sentence(err)))
}

// contentProblem names the attribute in its text only, as malformedIdentity does:
// the source that Terraform would print holds the values, where they are literals.
func contentProblem(err error, at path.Path) diag.Diagnostic {
	return contentProblemIn(err, at.String())
}

// contentProblemIn is contentProblem for content of a file, too.
func contentProblemIn(err error, place string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Unusable env content", fmt.Sprintf("In %s: %s", place, sentence(err)))
}

const keptState = "Nothing was read as missing because of that, and nothing was dropped from the state."

// vultrFailed turns an API error into a diagnostic.
func vultrFailed(doing string, err error) (summary, detail string) {
	detail = sentence(err)
	switch {
	case errors.Is(err, vultr.ErrUnauthorized):
		detail += " " + keptState
	case errors.Is(err, vultr.ErrNotFound):
		detail += " It was deleted, or the API key belongs to another account. Plan with a refresh: that says what to do."
	case errors.Is(err, vultr.ErrOutcomeUnknown):
		detail += " The state remembers it: the next plan looks for it again, and what is found is deleted when the script is created anew."
	}
	return "Vultr: " + doing + " failed", detail
}

// shortened quotes a text that is public, cut off where it is long.
func shortened(text string) string {
	const most = 80
	if len(text) > most {
		return fmt.Sprintf("%q…", strings.ToValidUTF8(text[:most], ""))
	}
	return fmt.Sprintf("%q", text)
}

// sentenceTail is an error's text as the rest of a sentence, with a full stop.
func sentenceTail(err error) string { return strings.TrimSuffix(err.Error(), ".") + "." }
