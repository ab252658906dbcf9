package provider_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// days returns a step's PreConfig that lets days go by.
func (c *clock) days(n float64) func() {
	return func() { c.at = c.at.Add(time.Duration(n * 24 * float64(time.Hour))) }
}

func newClock(w *world) *clock {
	c := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	w.now = c.now
	return c
}

// keyring is what the wrap of a state's key holds, as an operator opens it.
func keyring(t *testing.T, a attributes, operator person) []agekey.Identity {
	t.Helper()
	ids, err := agekey.Unwrap(a.text(keyAddress, "wrapped_identity"), operator.identities(t))
	if err != nil {
		t.Fatalf("unwrapping the key: %v", err)
	}
	if got, want := texts(ids), a.texts(keyAddress, "recipients"); !slices.Equal(got, want) {
		t.Errorf("the wrap holds %q, and recipients are %q", got, want)
	}
	if ids[0].Recipient().String() != a.text(keyAddress, "recipient") {
		t.Error("the first identity of the wrap is not the current one")
	}
	return ids
}

func texts(ids []agekey.Identity) (recipients []string) {
	for _, id := range ids {
		recipients = append(recipients, id.Recipient().String())
	}
	return recipients
}

// scheduled is a key with a schedule, and a bundle for it.
func scheduled(w *world, arguments string) string {
	return w.config("resource \"ageenv_key\" \"k\" {\n  " + arguments + "\n}\n\nresource \"ageenv_bundle\" \"b\" {\n  entries_wo = { A = \"1\" }\n  recipients = ageenv_key.k.recipients\n}\n")
}

// Over several generations: a key that is due is rotated in place, the earlier
// identity opens bundles during its grace period and none after it, and nothing
// changes before the time.
func TestAccKeySchedule(t *testing.T) {
	for _, algorithm := range []string{"x25519", "mlkem768x25519"} {
		t.Run(algorithm, func(t *testing.T) {
			w := newWorld(t)
			c := newClock(w)
			config := scheduled(w, fmt.Sprintf("algorithm = %q\n  rotation_days = 30\n  grace_days = 7", algorithm))
			var history []agekey.Identity
			var id, ciphertext string
			rotated := func(live int) after {
				return func(a attributes) {
					ids := keyring(t, a, w.operator)
					if len(ids) != live {
						t.Fatalf("%d identities are live, expected %d", len(ids), live)
					}
					if len(history) == 0 || history[0].Recipient().String() != ids[0].Recipient().String() {
						history = append([]agekey.Identity{ids[0]}, history...)
					}
					if got := fmt.Sprint(a[keyAddress]["generation"]); got != fmt.Sprint(len(history)) {
						t.Errorf("generation is %s, expected %d", got, len(history))
					}
					for i, old := range history {
						text, err := openText(a.text(bundleAddress, "ciphertext"), []agekey.Identity{old})
						if (err == nil) != (i < live) || err == nil && text.Reveal() != "A=1\n" {
							t.Errorf("the identity %d generations ago: %v", i, err)
						}
					}
					if due, ok := a[keyAddress]["rotation_due"].(bool); !ok || due {
						t.Error("it is due right after an apply")
					}
				}
			}
			update := planned(map[string]plancheck.ResourceActionType{keyAddress: plancheck.ResourceActionUpdate, bundleAddress: plancheck.ResourceActionUpdate})
			same := stateSame(t, &ciphertext, bundleAddress, "ciphertext")
			note := stateKeep(&ciphertext, bundleAddress, "ciphertext")
			kept := stateSame(t, &id, keyAddress, "id")
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
				{Config: config, ConfigStateChecks: looks(rotated(1), note, stateKeep(&id, keyAddress, "id"))},
				{PreConfig: c.days(29.99), Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(rotated(1), same)},
				{PreConfig: c.days(0.01), Config: config, ConfigPlanChecks: update, ConfigStateChecks: looks(rotated(2), note, kept)},
				{Config: config, ConfigPlanChecks: plannedEmpty},
				// A clock that is some minutes behind, as another operator's may be.
				{PreConfig: c.days(-0.01), Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(same)},
				{PreConfig: c.days(6.9), Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(rotated(2), same)},
				{PreConfig: c.days(0.2), Config: config, ConfigPlanChecks: update, ConfigStateChecks: looks(rotated(1), note, kept)},
				{Config: config, ConfigPlanChecks: plannedEmpty},
				// Late: due for long, and rotated once.
				{PreConfig: c.days(100), Config: config, ConfigPlanChecks: update, ConfigStateChecks: looks(rotated(2), note, kept)},
				// Two things at once: the grace period ended, and the key is due again.
				{PreConfig: c.days(31), Config: config, ConfigPlanChecks: update, ConfigStateChecks: looks(rotated(2), note, kept)},
				{Config: config, ConfigPlanChecks: plannedEmpty},
			}})
		})
	}
}

// A grace period that is longer than the schedule keeps several generations.
func TestAccKeyLongGrace(t *testing.T) {
	w := newWorld(t)
	c := newClock(w)
	config := scheduled(w, "rotation_days = 10\n  grace_days = 25")
	live := func(want int) []after {
		return []after{func(a attributes) {
			if got := len(keyring(t, a, w.operator)); got != want {
				t.Errorf("%d identities are live, expected %d", got, want)
			}
			if got, _ := a[keyAddress]["retiring"].([]any); len(got) != want-1 {
				t.Errorf("retiring are %v", got)
			}
		}}
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config, ConfigStateChecks: looks(live(1)...)},
		{PreConfig: c.days(10), Config: config, ConfigStateChecks: looks(live(2)...)},
		{PreConfig: c.days(10), Config: config, ConfigStateChecks: looks(live(3)...)},
		{PreConfig: c.days(10), Config: config, ConfigStateChecks: looks(live(4)...)},
		{PreConfig: c.days(6), Config: config, ConfigStateChecks: looks(live(3)...)},
		{Config: config, ConfigPlanChecks: plannedEmpty},
	}})
}

// Without a grace period nothing of the old key is kept, and no identity is needed
// to rotate.
func TestAccKeyNoGrace(t *testing.T) {
	w := newWorld(t)
	c := newClock(w)
	config := w.config("resource \"ageenv_key\" \"k\" {\n  rotation_days = 30\n}\n")
	var recipient string
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config, ConfigStateChecks: looks(stateKeep(&recipient, keyAddress, "recipient"))},
		{
			PreConfig:         func() { c.days(30)(); delete(w.env, "SOPS_AGE_KEY_FILE") },
			Config:            config,
			ConfigPlanChecks:  planned(map[string]plancheck.ResourceActionType{keyAddress: plancheck.ResourceActionUpdate}),
			ConfigStateChecks: looks(stateChanged(t, &recipient, keyAddress, "recipient"), func(a attributes) { keyOf(t, a, w.operator) }),
		},
	}})
}

// A schedule that is set, changed or taken away rotates nothing by itself; a plan
// that rotates says why, and taint keeps nothing.
func TestAccKeyScheduleChanges(t *testing.T) {
	w := newWorld(t)
	c := newClock(w)
	var recipient string
	same := stateSame(t, &recipient, keyAddress, "recipient")
	rotateAt := func(want any) after {
		return func(a attributes) {
			if got := a[keyAddress]["rotate_at"]; got != want {
				t.Errorf("rotate_at is %v, expected %v", got, want)
			}
		}
	}
	update := planned(map[string]plancheck.ResourceActionType{keyAddress: plancheck.ResourceActionUpdate})
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: scheduled(w, ""), ConfigStateChecks: looks(stateKeep(&recipient, keyAddress, "recipient"), rotateAt(nil))},
		{PreConfig: c.days(20), Config: scheduled(w, "rotation_days = 30"), ConfigPlanChecks: update, ConfigStateChecks: looks(same, rotateAt("2026-04-01T10:00:00Z"))},
		{Config: scheduled(w, "rotation_days = 30"), ConfigPlanChecks: plannedEmpty},
		{Config: scheduled(w, "rotation_days = 90\n  grace_days = 1"), ConfigPlanChecks: update, ConfigStateChecks: looks(same, rotateAt("2026-05-31T10:00:00Z"))},
		{Config: scheduled(w, ""), ConfigPlanChecks: update, ConfigStateChecks: looks(same, rotateAt(nil))},
		{PreConfig: c.days(900), Config: scheduled(w, ""), ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(same)},
		// Due at once: the next plan rotates.
		{Config: scheduled(w, "rotation_days = 30\n  grace_days = 5"), ConfigStateChecks: looks(same), ExpectNonEmptyPlan: true},
		{Config: scheduled(w, "rotation_days = 30\n  grace_days = 5"), ConfigPlanChecks: update, ConfigStateChecks: looks(
			stateChanged(t, &recipient, keyAddress, "recipient"),
			func(a attributes) {
				if got := len(keyring(t, a, w.operator)); got != 2 {
					t.Errorf("%d identities are live", got)
				}
			},
		)},
		{Taint: []string{keyAddress}, Config: scheduled(w, "rotation_days = 30\n  grace_days = 5"), ConfigStateChecks: looks(func(a attributes) {
			keyOf(t, a, w.operator)
			if got := fmt.Sprint(a[keyAddress]["generation"]); got != "1" {
				t.Errorf("after a taint the generation is %s", got)
			}
		})},
	}})
}

// A schedule that is prolonged or taken away when the key is due rotates nothing, and one
// that is shortened does.
func TestAccKeyScheduleOfDueKey(t *testing.T) {
	w := newWorld(t)
	c := newClock(w)
	var recipient string
	kept := looks(stateSame(t, &recipient, keyAddress, "recipient"))
	rotated := looks(stateChanged(t, &recipient, keyAddress, "recipient"))
	const due = "rotation_days = 30\n  grace_days = 7"
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: scheduled(w, due), ConfigStateChecks: looks(stateKeep(&recipient, keyAddress, "recipient"))},
		{PreConfig: c.days(31), Config: scheduled(w, "rotation_days = 90\n  grace_days = 7"), ConfigStateChecks: kept},
		{Config: scheduled(w, "rotation_days = 90\n  grace_days = 7"), ConfigPlanChecks: plannedEmpty},
		{PreConfig: c.days(60), Config: scheduled(w, ""), ConfigStateChecks: kept},
		{Config: scheduled(w, ""), ConfigPlanChecks: plannedEmpty},
		// Prolonged, and due by the longer one too: the next plan rotates.
		{Config: scheduled(w, "rotation_days = 200"), ConfigStateChecks: kept},
		{PreConfig: c.days(200), Config: scheduled(w, "rotation_days = 201"), ConfigStateChecks: kept, ExpectNonEmptyPlan: true},
		{Config: scheduled(w, "rotation_days = 20"), ConfigStateChecks: rotated},
		{Config: scheduled(w, "rotation_days = 20"), ConfigPlanChecks: plannedEmpty},
	}})
}

// A schedule of a due key that is known only at apply: whatever it turns out to be, the
// plan comes true.
func TestAccKeyScheduleUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		days    string
		rotates bool
	}{"prolonged": {"90", false}, "shortened": {"7", true}, "the same": {"30", true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := newClock(w)
			config := func(input string) string {
				return fmt.Sprintf("resource \"terraform_data\" \"days\" {\n  input = %q\n}\n\n", input) + scheduled(w, "rotation_days = tonumber(split(\" \", terraform_data.days.output)[0])\n  grace_days = 7")
			}
			var recipient string
			check := stateSame(t, &recipient, keyAddress, "recipient")
			if tt.rotates {
				check = stateChanged(t, &recipient, keyAddress, "recipient")
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
				{Config: config("30 first"), ConfigStateChecks: looks(stateKeep(&recipient, keyAddress, "recipient"))},
				{PreConfig: c.days(31), Config: config(tt.days + " second"), ConfigStateChecks: looks(check)},
				{Config: config(tt.days + " second"), ConfigPlanChecks: plannedEmpty},
			}})
		})
	}
}

// Escrow recipients that change while identities are in grace: all of them are
// wrapped anew.
func TestAccKeyRewrapInGrace(t *testing.T) {
	w := newWorld(t)
	second := newPerson(t)
	c := newClock(w)
	config := func(people ...person) string {
		return w.config("resource \"ageenv_key\" \"k\" {\n  rotation_days = 30\n  grace_days = 7\n  escrow_" + bundleRecipients(people...) + "\n}\n")
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config(w.operator)},
		{PreConfig: c.days(31), Config: config(w.operator)},
		{Config: config(w.operator, second), ConfigStateChecks: looks(func(a attributes) {
			if one, two := keyring(t, a, w.operator), keyring(t, a, second); len(one) != 2 || len(two) != 2 {
				t.Errorf("the wrap holds %d and %d identities", len(one), len(two))
			}
		})},
		{Config: config(w.operator, second), ConfigPlanChecks: plannedEmpty},
		// A rotation and a re-wrap in one apply.
		{PreConfig: c.days(31), Config: config(second), ConfigStateChecks: looks(func(a attributes) {
			if _, err := agekey.Unwrap(a.text(keyAddress, "wrapped_identity"), w.operator.identities(t)); err == nil {
				t.Error("the wrap is open to an operator who left")
			}
			keyring(t, a, second)
		})},
	}})
}

// On a real CLI: the plan says why, a saved plan applies, and a due key that nothing
// here unwraps is an error. The clock is the real one, so the key is made by an import of an old file.
func TestAccKeyDuePlan(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	key := newPerson(t)
	file := filepath.Join(t.TempDir(), "old.txt")
	writeFile(t, file, "# created: 2020-01-01T00:00:00Z\n"+key.identity+"\n")
	cli.write(w.config("resource \"ageenv_key\" \"k\" {\n  rotation_days = 30\n  grace_days = 7\n}\n"))
	cli.must("import", keyAddress, file)
	cli.must("apply", "-auto-approve") // takes the schedule over
	plan := filepath.Join(t.TempDir(), "tfplan")
	out := cli.must("plan", "-out="+plan)
	badOutput(t, out, []string{"The key is due for rotation", "2020-01-31T00:00:00Z", key.recipient, "grace period of 7 days"}, []string{key.identity})
	keyFile := w.env["SOPS_AGE_KEY_FILE"]
	cli.env["SOPS_AGE_KEY_FILE"] = newPerson(t).keyFile
	out, err := cli.run("plan")
	if exitCode(err) != 1 {
		t.Errorf("without an operator's identity the plan ends with %v", err)
	}
	badOutput(t, out, []string{"The key can't be encrypted again", "raise rotation_days, or remove rotation_days and grace_days"}, nil)
	// What the error advises, as it says it.
	for _, advised := range []string{"rotation_days = 36000\n  grace_days = 7", ""} {
		cli.write(w.config("resource \"ageenv_key\" \"k\" {\n  " + advised + "\n}\n"))
		if out := cli.must("plan"); strings.Contains(out, "due for rotation") || !strings.Contains(out, "1 to change") {
			t.Errorf("with %q the plan is\n%s", advised, out)
		}
	}
	cli.env["SOPS_AGE_KEY_FILE"] = keyFile
	cli.must("apply", plan)
	cli.write(w.config("resource \"ageenv_key\" \"k\" {\n  rotation_days = 30\n  grace_days = 7\n}\n"))
	a := stateOf(t, cli)
	if ids := keyring(t, a, w.operator); len(ids) != 2 || ids[1].Recipient().String() != key.recipient {
		t.Errorf("the wrap holds %q", texts(ids))
	}
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil || strings.Contains(out, "due") {
		t.Errorf("the plan after it: %v\n%s", err, out)
	}
}
