package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// bundleConfig is a bundle with some arguments, one a line.
func bundleConfig(w *world, arguments ...string) string {
	return w.config("resource \"ageenv_bundle\" \"b\" {\n  " + strings.Join(arguments, "\n  ") + "\n}\n")
}

// formatArgument is the format, with what it needs beside it.
func formatArgument(format bundle.Format) string {
	if format == bundle.SOPSKubernetes {
		return "format = \"sops_kubernetes\"\n  kubernetes = { name = \"app\" }"
	}
	return fmt.Sprintf("format = %q", format)
}

// isDocument reports whether the format is YAML or JSON of encrypted values.
func isDocument(format bundle.Format) bool { return !format.HasText() && format != bundle.AgeFiles }

func bundleRecipients(people ...person) string {
	var texts []string
	for _, p := range people {
		texts = append(texts, p.recipient)
	}
	return fmt.Sprintf("recipients = [\"%s\"]", strings.Join(texts, `", "`))
}

// bundleTimes is an error if changed_at differs from what is expected.
func bundleTimes(t *testing.T, want map[string]string) after {
	return func(a attributes) {
		got := map[string]string{}
		times, _ := a[bundleAddress]["changed_at"].(map[string]any)
		for key, at := range times {
			got[key] = fmt.Sprint(at)
		}
		if !maps.Equal(got, want) {
			t.Errorf("changed_at is %v, expected %v", got, want)
		}
	}
}

// Whatever changes, all is encrypted anew under a fresh data key, and only the
// names whose values changed get a new time.
func TestAccBundleChange(t *testing.T) {
	const monday, tuesday = "2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z"
	box, other := newPerson(t), newPerson(t)
	for name, c := range map[string]struct {
		entries string
		people  []person
		text    string
		times   map[string]string
	}{
		"a value": {
			`A = "1", B = "new"`,
			[]person{box},
			"A=1\nB=new\n",
			map[string]string{"A": monday, "B": tuesday},
		},
		"a name": {
			`A = "1", C = "2"`,
			[]person{box},
			"A=1\nC=2\n",
			map[string]string{"A": monday, "C": tuesday},
		},
		"a name less": {
			`A = "1"`,
			[]person{box},
			"A=1\n",
			map[string]string{"A": monday},
		},
		"a recipient more": {
			`A = "1", B = "2"`,
			[]person{box, other},
			"A=1\nB=2\n",
			map[string]string{"A": monday, "B": monday},
		},
		"another recipient": {
			`A = "1", B = "2"`,
			[]person{other},
			"A=1\nB=2\n",
			map[string]string{"A": monday, "B": monday},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			at := monday
			w.now = func() time.Time {
				now, err := time.Parse(time.RFC3339, at)
				if err != nil {
					t.Error(err)
				}
				return now
			}
			before := bundleConfig(w, `entries_wo = { A = "1", B = "2" }`, bundleRecipients(box))
			now := bundleConfig(w, "entries_wo = { "+c.entries+" }", bundleRecipients(c.people...))
			var ciphertext, id string
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: before, ConfigStateChecks: looks(
						stateKeep(&ciphertext, bundleAddress, "ciphertext"), stateKeep(&id, bundleAddress, "id"),
						bundleTimes(t, map[string]string{"A": monday, "B": monday}),
					)},
					{
						PreConfig:         func() { at = tuesday },
						Config:            before,
						ConfigPlanChecks:  plannedEmpty,
						ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext")),
					},
					{
						Config:           now,
						ConfigPlanChecks: planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate}),
						ConfigStateChecks: looks(
							stateSame(t, &id, bundleAddress, "id"),
							stateFreshDataKey(t, &ciphertext, w.operator),
							stateOpens(t, c.text, append(c.people, w.operator)...),
							bundleTimes(t, c.times),
							bundleClosedTo(t, box, !slices.Contains(c.people, box)),
							func(a attributes) {
								if !strings.Contains(a.text(bundleAddress, "ciphertext"), "\nsops_lastmodified="+tuesday+"\n") {
									t.Errorf("the ciphertext is not of %s", tuesday)
								}
							},
						),
					},
					{Config: now, ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}

// bundleClosedTo is an error if a person opens the bundle, or does not.
func bundleClosedTo(t *testing.T, p person, closed bool) after {
	return func(a attributes) {
		_, err := openText(a.text(bundleAddress, "ciphertext"), p.identities(t))
		if (err != nil) != closed {
			t.Errorf("closed: %t, expected %t (%v)", err != nil, closed, err)
		}
	}
}

func TestAccBundleOperatorAdded(t *testing.T) {
	w := newWorld(t)
	box, second := newPerson(t), newPerson(t)
	entries := `entries_wo = { A = "1" }`
	both := fmt.Sprintf("operator_recipients = [%q, %q]", w.operator.recipient, second.recipient)
	var ciphertext string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: bundleConfig(w, entries, bundleRecipients(box)), ConfigStateChecks: looks(
				stateKeep(&ciphertext, bundleAddress, "ciphertext"), bundleClosedTo(t, second, true),
			)},
			{Config: bundleConfig(w, entries, bundleRecipients(box), both), ConfigStateChecks: looks(
				stateFreshDataKey(t, &ciphertext, w.operator), stateOpens(t, "A=1\n", box, w.operator, second),
			)},
			{
				PreConfig:        func() { w.env["SOPS_AGE_KEY_FILE"] = second.keyFile },
				Config:           bundleConfig(w, entries, bundleRecipients(box), both),
				ConfigPlanChecks: plannedEmpty,
			},
		},
	})
}

// Who is called an operator is no matter of the ciphertext: where the same people
// open it, nothing is opened or encrypted, and no identity is needed.
func TestAccBundleSameAccess(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	arguments := []string{`entries_wo = { A = "1" }`, `content_version = "1"`}
	moved := bundleConfig(w, append(arguments, "recipients = []", fmt.Sprintf("operator_recipients = [%q, %q]", box.recipient, w.operator.recipient))...)
	var ciphertext string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config:            bundleConfig(w, append(arguments, bundleRecipients(box))...),
				ConfigStateChecks: looks(stateKeep(&ciphertext, bundleAddress, "ciphertext")),
			},
			{
				PreConfig:         func() { delete(w.env, "SOPS_AGE_KEY_FILE") },
				Config:            moved,
				ConfigPlanChecks:  planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate}),
				ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext")),
			},
			{Config: moved, ConfigPlanChecks: plannedEmpty},
		},
	})
}

// A change of the format carries the content over, order and comments too, and
// does not read the configured values where content_version stays.
func TestAccBundleFormat(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	const text = "# first\nB='a b'\n# second\nA=1\n"
	config := func(format, content string) string {
		return bundleConfig(w, bundleRecipients(box), fmt.Sprintf("dotenv_wo = %q", content), `content_version = "1"`, fmt.Sprintf("format = %q", format))
	}
	form := func(want bundle.Format) after {
		return func(a attributes) {
			if got, err := bundle.Detect(a.text(bundleAddress, "ciphertext")); err != nil || got != want {
				t.Errorf("the format is %q (%v), expected %q", got, err, want)
			}
			if got := strings.Join(a.names(bundleAddress), " "); got != "A B" {
				t.Errorf("the names are %q", got)
			}
		}
	}
	holds := stateOpens(t, text, box, w.operator)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("sops_dotenv", text), ConfigStateChecks: looks(form(bundle.SOPSDotenv), holds)},
			{Config: config("age_dotenv", "NOT=read\n"), ConfigStateChecks: looks(form(bundle.AgeDotenv), holds)},
			{Config: config("age_dotenv", "NOT=read\n"), ConfigPlanChecks: plannedEmpty},
			{Config: config("sops_dotenv", "NOT=read\n"), ConfigStateChecks: looks(form(bundle.SOPSDotenv), holds)},
			{Config: config("sops_dotenv", text), ConfigPlanChecks: plannedEmpty},
		},
	})
}

func TestAccBundleEntriesOverDotenv(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	dotenv := fmt.Sprintf("dotenv_wo = %q", "# database\nHOST=db\nPASSWORD=old\n")
	overlaid := bundleConfig(w, bundleRecipients(box), dotenv, `entries_wo = { PASSWORD = "new", EXTRA = "more" }`)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: overlaid, ConfigStateChecks: looks(stateOpens(t, "# database\nHOST=db\nPASSWORD=new\nEXTRA=more\n", box))},
			{Config: overlaid, ConfigPlanChecks: plannedEmpty},
			{Config: bundleConfig(w, bundleRecipients(box), dotenv), ConfigStateChecks: looks(stateOpens(t, "# database\nHOST=db\nPASSWORD=old\n", box))},
		},
	})
}

// The order of an env text counts, that of a map does not: going over to entries
// with the same values changes nothing.
func TestAccBundleOrder(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	var ciphertext string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: bundleConfig(w, bundleRecipients(box), `dotenv_wo = "B=2\nA=1\n"`), ConfigStateChecks: looks(stateKeep(&ciphertext, bundleAddress, "ciphertext"))},
			{
				Config:            bundleConfig(w, bundleRecipients(box), `entries_wo = { A = "1", B = "2" }`),
				ConfigPlanChecks:  plannedEmpty,
				ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext")),
			},
			{
				Config:            bundleConfig(w, bundleRecipients(box), `dotenv_wo = "A=1\nB=2\n"`),
				ConfigStateChecks: looks(stateOpens(t, "A=1\nB=2\n", box)),
			},
		},
	})
}

// Without operators whoever runs the plan can't open the bundle; that is foreseen,
// and no matter with content_version.
func TestAccBundleOperatorsOptOut(t *testing.T) {
	const warning = "The next plan will not be able to open this bundle"
	w := newWorld(t)
	box := newPerson(t)
	cli := newCLI(t, w)
	arguments := []string{`entries_wo = { A = "1" }`, bundleRecipients(box), "operator_recipients = []"}
	cli.write(bundleConfig(w, arguments...))
	if out := cli.must("plan"); !strings.Contains(out, warning) {
		t.Errorf("no warning:\n%s", out)
	}
	cli.write(bundleConfig(w, append(arguments, `content_version = "1"`)...))
	if out := cli.must("apply", "-auto-approve"); strings.Contains(out, warning) {
		t.Errorf("a warning in spite of content_version:\n%s", out)
	}
	a := stateOf(t, cli)
	bundleClosedTo(t, w.operator, true)(a)
	stateOpens(t, "A=1\n", box)(a)
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the second plan: %v\n%s", err, out)
	}
}
