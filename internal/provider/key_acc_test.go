package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// keyOf is the identity inside a state's key, as an operator unwraps it.
func keyOf(t *testing.T, a attributes, operator person) agekey.Identity {
	t.Helper()
	ids, err := agekey.Unwrap(a.text(keyAddress, "wrapped_identity"), operator.identities(t))
	if err != nil {
		t.Fatalf("unwrapping the key: %v", err)
	}
	if len(ids) != 1 || ids[0].Recipient().String() != a.text(keyAddress, "recipient") {
		t.Errorf("the wrap holds %d identities, and not that of the recipient alone", len(ids))
	}
	return ids[0]
}

func TestAccKeyRewrap(t *testing.T) {
	w := newWorld(t)
	second := newPerson(t)
	config := func(operators ...person) string {
		var texts []string
		for _, p := range operators {
			texts = append(texts, p.recipient)
		}
		return w.config(fmt.Sprintf("resource \"ageenv_key\" \"k\" {\n  escrow_recipients = [\"%s\"]\n}\n", strings.Join(texts, `", "`)))
	}
	var recipient string
	var identity secret.Text
	unwraps := func(closed person, people ...person) after {
		return func(a attributes) {
			for _, p := range people {
				if !keyOf(t, a, p).Text().Equal(identity) {
					t.Error("the wrap holds another identity")
				}
			}
			if _, err := agekey.Unwrap(a.text(keyAddress, "wrapped_identity"), closed.identities(t)); err == nil {
				t.Error("the wrap is open to somebody who is no operator")
			}
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config(w.operator), ConfigStateChecks: looks(
				stateKeep(&recipient, keyAddress, "recipient"),
				func(a attributes) { identity = keyOf(t, a, w.operator).Text() },
				unwraps(second, w.operator),
			)},
			{
				Config:           config(w.operator, second),
				ConfigPlanChecks: planned(map[string]plancheck.ResourceActionType{keyAddress: plancheck.ResourceActionUpdate}),
				ConfigStateChecks: looks(
					stateSame(t, &recipient, keyAddress, "recipient"), unwraps(newPerson(t), w.operator, second),
				),
			},
			{Config: config(second), ConfigStateChecks: looks(unwraps(w.operator, second))},
			{
				PreConfig:        func() { w.env["SOPS_AGE_KEY_FILE"] = second.keyFile },
				Config:           config(second),
				ConfigPlanChecks: plannedEmpty,
			},
		},
	})
}

func TestAccKeyKeepers(t *testing.T) {
	w := newWorld(t)
	config := func(keepers string) string {
		return w.config("resource \"ageenv_key\" \"k\" {\n  keepers = " + keepers + "\n}\n")
	}
	action := func(a plancheck.ResourceActionType) resource.ConfigPlanChecks {
		return planned(map[string]plancheck.ResourceActionType{keyAddress: a})
	}
	replaced := action(plancheck.ResourceActionDestroyBeforeCreate)
	var recipient string
	kept, made := stateSame(t, &recipient, keyAddress, "recipient"), stateChanged(t, &recipient, keyAddress, "recipient")
	note := stateKeep(&recipient, keyAddress, "recipient")
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("null"), ConfigStateChecks: looks(note)},
			{Config: config(`{ quarter = "1" }`), ConfigPlanChecks: action(plancheck.ResourceActionUpdate), ConfigStateChecks: looks(kept)},
			{Config: config(`{ quarter = "1" }`), ConfigPlanChecks: plannedEmpty},
			{Config: config(`{ quarter = "2" }`), ConfigPlanChecks: replaced, ConfigStateChecks: looks(made, note)},
			{Config: config(`{ quarter = "2", team = "a" }`), ConfigPlanChecks: replaced, ConfigStateChecks: looks(made, note)},
			{Config: config(`{ quarter = "2" }`), ConfigPlanChecks: replaced, ConfigStateChecks: looks(made, note)},
			{Config: config("null"), ConfigPlanChecks: replaced, ConfigStateChecks: looks(made)},
		},
	})
}

// rotation is what an emergency rotation has to leave behind.
type rotation struct {
	t        *testing.T
	operator person
	old      agekey.Identity
	before   attributes
}

func (r *rotation) note(a attributes) { r.before, r.old = a, keyOf(r.t, a, r.operator) }

// done is an error unless everything that hangs on the key is another one now.
func (r *rotation) done(a attributes) {
	r.t.Helper()
	for address, name := range map[string]string{keyAddress: "recipient", bundleAddress: "ciphertext", scriptAddress: "id"} {
		stateChanged(r.t, new(r.before.text(address, name)), address, name)(a)
	}
	if id := a.text(bundleAddress, "id"); id != r.before.text(bundleAddress, "id") {
		r.t.Error("the bundle was replaced, and not updated")
	}
	current := keyOf(r.t, a, r.operator)
	if current.Text().Equal(r.old.Text()) {
		r.t.Error("the identity is the old one")
	}
	ciphertext := a.text(bundleAddress, "ciphertext")
	if _, err := openText(ciphertext, []agekey.Identity{r.old}); err == nil {
		r.t.Error("the old identity opens the new bundle")
	}
	text, err := openText(ciphertext, []agekey.Identity{current})
	if want := openedBy(r.t, r.before.text(bundleAddress, "ciphertext"), r.operator); err != nil || text.Reveal() != want {
		r.t.Errorf("the new identity reads %q (%v), expected %q", text.Reveal(), err, want)
	}
	if got := a.text(scriptAddress, "identity_recipient"); got != current.Recipient().String() {
		r.t.Errorf("the script holds the identity of %s", got)
	}
}

func TestAccKeyTaint(t *testing.T) {
	for name, config := range map[string]string{
		"without content_version": oneService,
		"with content_version":    withContentVersion("1"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := &rotation{t: t, operator: w.operator}
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: w.config(config), ConfigStateChecks: looks(r.note)},
					{
						Taint:  []string{keyAddress},
						Config: w.config(config),
						ConfigPlanChecks: planned(map[string]plancheck.ResourceActionType{
							keyAddress: plancheck.ResourceActionDestroyBeforeCreate, bundleAddress: plancheck.ResourceActionUpdate,
							scriptAddress: plancheck.ResourceActionDestroyBeforeCreate,
						}),
						ConfigStateChecks: looks(r.done),
					},
					{Config: w.config(config), ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}

func TestAccKeyReplace(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(oneService))
	cli.must("apply", "-auto-approve")
	r := &rotation{t: t, operator: w.operator}
	r.note(stateOf(t, cli))
	cli.must("apply", "-auto-approve", "-replace="+keyAddress)
	r.done(stateOf(t, cli))
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan after the rotation: %v\n%s", err, out)
	}
}

func TestAccPlanImportKey(t *testing.T) {
	const created = "2025-12-24T18:00:00Z"
	for name, sealed := range map[string]bool{"a key file": false, "a key file wrapped to the operators": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key := newPerson(t)
			text := "# created: " + created + "\n# public key: " + key.recipient + "\n" + key.identity + "\n"
			if sealed {
				var err error
				if text, err = agekey.SealArmored(secret.New(text), agekey.Recipients(w.operator.identities(t))); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(t.TempDir(), "key.txt")
			writeFile(t, file, text)
			config := w.config(`resource "ageenv_key" "k" {}`)
			// What was null is set for the first time: that replaces nothing.
			keepers := w.config("resource \"ageenv_key\" \"k\" {\n  keepers = { quarter = \"1\" }\n}\n")
			imported := func(a attributes) {
				if got := keyOf(t, a, w.operator).Text(); got.Reveal() != key.identity {
					t.Error("the wrap holds another identity than the file")
				}
				if got := a.text(keyAddress, "created_at"); got != created {
					t.Errorf("created_at is %s, expected %s", got, created)
				}
			}
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config, ResourceName: keyAddress, ImportState: true, ImportStatePersist: true, ImportStateId: file},
					{Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(imported)},
					{
						Config:            keepers,
						ConfigPlanChecks:  planned(map[string]plancheck.ResourceActionType{keyAddress: plancheck.ResourceActionUpdate}),
						ConfigStateChecks: looks(imported),
					},
				},
			})
		})
	}
}
