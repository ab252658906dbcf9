package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// ciphertextNames are the attributes that hold pages of armor.
var ciphertextNames = []string{"ciphertext", "ciphertext_wo", "wrapped_identity", "wrapped_identity_wo"}

// A plan shows what changes, and prints no ciphertext: such an attribute is sensitive
// wherever it is. A write-only one is, too: Terraform notes in the state which values of a
// configuration are sensitive, and forgets that after an update that failed. The next plan
// would change nothing but that note. It does not forget what a schema says.
func TestCiphertextsAreSensitive(t *testing.T) {
	var seen int
	var walk func(place string, attributes []*tfprotov6.SchemaAttribute)
	walk = func(place string, attributes []*tfprotov6.SchemaAttribute) {
		for _, a := range attributes {
			if slices.Contains(ciphertextNames, a.Name) {
				if seen++; !a.Sensitive {
					t.Errorf("%s.%s is not sensitive", place, a.Name)
				}
			}
			if a.NestedType != nil {
				walk(place+"."+a.Name, a.NestedType.Attributes)
			}
		}
	}
	for kind, schemas := range keySchemas(newUnitServer(t, nil).schemas) {
		for name, schema := range schemas {
			if kind != "data" { // the data source's script holds the same, and is shown
				walk(kind+" "+name, schema.Block.Attributes)
			}
		}
	}
	if seen < 6 {
		t.Errorf("%d attributes hold ciphertext, expected 6 or more", seen)
	}
}

func TestAccPlanPrintsNoCiphertext(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(oneService))
	cli.must("apply", "-auto-approve")
	for name, out := range map[string]string{
		"replacing the key": cli.must("plan", "-replace=ageenv_key.k"),
		"destroying":        cli.must("plan", "-destroy"),
		"another operator too": func() string {
			cli.write(w.escrowConfig([]string{w.operator.recipient, newPerson(t).recipient}, oneService))
			return cli.must("plan")
		}(),
	} {
		for _, mark := range []string{"AGE ENCRYPTED FILE", "ENC[AES256_GCM"} {
			if strings.Contains(out, mark) {
				t.Errorf("%s: the plan prints a ciphertext:\n%s", name, out)
			}
		}
		if !strings.Contains(out, "wrapped_identity") {
			t.Errorf("%s: the plan does not name wrapped_identity:\n%s", name, out)
		}
	}
}
