package bundle_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// A file in which git left a conflict is named for it, whatever its format, and wherever
// the conflict begins.
func TestGitConflicts(t *testing.T) {
	id := x25519(t)
	for _, format := range bundle.Formats() {
		ciphertext := sealed(t, contentOf(t, format, map[string]string{"A": "canary"}), format, id)
		lines := strings.SplitAfter(ciphertext, "\n")
		last := len(lines) - 2
		side := lines[last]
		inside := strings.Join(lines[:last], "") + "<<<<<<< HEAD\n" + side + "=======\n" + side + ">>>>>>> side\n"
		for name, text := range map[string]string{
			"all of it": "<<<<<<< HEAD\n" + ciphertext + "=======\n" + ciphertext + ">>>>>>> side\n",
			"a part":    inside,
			"CR LF":     strings.ReplaceAll(inside, "\n", "\r\n"),
		} {
			_, err := bundle.Source{}.Open(text, []agekey.Identity{id})
			if err == nil || !strings.Contains(err.Error(), "git left a merge conflict here: take one version whole") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s, %s: got %v", format, name, err)
			}
		}
	}
}
