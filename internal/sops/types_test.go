package sops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// What the warning says can be done: in both releases, who writes the file makes one of
// the other, and the MAC does not notice.
func TestTypesAreNotAuthenticated(t *testing.T) {
	id := x25519(t)
	for release, c := range releases {
		for file, plain := range map[string]string{"a.yaml": "A: \"True\"\nB: false\nC: canary\n", "a.json": `{"A": "True", "B": false, "C": "canary"}`} {
			t.Run(release+"/"+file, func(t *testing.T) {
				c := c(t)
				sealed := c.encrypted(t, file, plain, id)
				swapped := strings.Replace(replaced(t, sealed, ",type:bool]", ",type:str]"), ",type:str]", ",type:bool]", 1)
				for _, tt := range []struct{ text, a, b, warned string }{
					{sealed, "True", "false", "A: this is"},
					{swapped, "true", "False", "B: this is"},
				} {
					if _, err := c.with(t, id).run(t, "-d", c.file(t, "changed-"+file, tt.text)); err != nil {
						t.Errorf("sops says %v", err)
					}
					opened, err := sops.Decrypt(tt.text, []agekey.Identity{id}, sops.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if got := entriesOf(opened); got["A"] != tt.a || got["B"] != tt.b {
						t.Errorf("the entries are %q, want %s and %s", got, tt.a, tt.b)
					}
					if len(opened.Warnings) != 1 || !strings.Contains(opened.Warnings[0], tt.warned) || strings.Contains(opened.Warnings[0], "canary") {
						t.Errorf("the warnings are %q, want %s", opened.Warnings, tt.warned)
					}
				}
			})
		}
	}
}

// Many such texts are one warning, which names some.
func TestManyTruthTexts(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	sealed := c.encrypted(t, "a.yaml", filledTo(25, func(i int) string { return fmt.Sprintf("K%d: \"True\"\n", i) }), id)
	plain, err := sops.Decrypt(sealed, []agekey.Identity{id}, sops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(plain.Warnings) != 1 || !strings.Contains(plain.Warnings[0], "line 10, K9; and 15 more: this is") || strings.Contains(plain.Warnings[0], "K10") {
		t.Errorf("the warnings are %q", plain.Warnings)
	}
}
