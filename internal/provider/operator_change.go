package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// keyOperatorsWarning says who can no longer open a key, and who can from now on.
// locksOut reports whether nothing on this machine opens it afterwards.
func keyOperatorsWarning(change agekey.Change, locksOut bool) diag.Diagnostic {
	// Each summary is for one text: Terraform shows one of many warnings with the same.
	summary := "The operators of this key change"
	// With -replace Terraform asks for the plan of an update first, and shows its warnings.
	detail := changeText(change) + "\n\nThis apply encrypts the identity to the new operators. Unless this plan replaces the key, the identity itself stays the same."
	if len(change.Removed) > 0 {
		summary = "Operators are removed from this key"
		detail += "\n\nOld ciphertext stays open to removed operators: wrapped_identity in old states, plans and backups holds the same identity. " +
			"With it they open every bundle that is encrypted to this key's recipient, new ones too. " +
			"To close new bundles to them, replace the key (-replace), in this apply or a later one. The warnings of the bundles name the entries that they could read."
	}
	if locksOut {
		summary += ", and nothing here opens it then"
		detail += "\n\nNo identity found here belongs to a new operator. After this change nothing on this machine opens the key, and a startup script that carries it can't be made in this apply. " +
			"Apply with an identity of a new operator too."
	}
	return diag.NewAttributeWarningDiagnostic(escrowPath, summary, detail)
}

// bundleOperatorsWarning is the same for a bundle with these entries. Where somebody is
// removed, the summary has the bundle's id: Terraform shows one of many warnings with
// the same summary, and each of these names other entries.
func bundleOperatorsWarning(change agekey.Change, id string, entries []string) diag.Diagnostic {
	summary := "The operators of this bundle change"
	detail := changeText(change) + "\n\nThis apply encrypts the bundle again, with a new data key."
	if len(change.Removed) > 0 {
		summary = "The operators of bundle " + id + " change"
		names := "This state names no entries."
		if len(entries) > 0 {
			names = "They could read these entries: " + strings.Join(slices.Sorted(slices.Values(entries)), ", ") + "."
		}
		detail += "\n\nOld ciphertext stays open to removed operators: in Git, in old states, in plans and in backups. " + names +
			" Change each value that they must no longer know where it was issued. ageenv_rotation_report lists what has not changed since operator_removed_at."
	}
	return diag.NewAttributeWarningDiagnostic(operatorsPath, summary, detail)
}

func changeText(change agekey.Change) string {
	var lines []string
	for _, part := range []struct {
		word string
		who  []agekey.Recipient
	}{{"Added", change.Added}, {"Removed", change.Removed}} {
		if len(part.who) > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s", part.word, strings.Join(agekey.Texts(part.who), ", ")))
		}
	}
	return strings.Join(lines, "\n")
}
