package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// entriesIn are a bundle's entries, as an operator opens it.
func entriesIn(t *testing.T, a attributes, p person) map[string]string {
	t.Helper()
	opened, err := sourceOf(a.text(bundleAddress, "ciphertext")).Open(a.text(bundleAddress, "ciphertext"), p.identities(t))
	if err != nil {
		t.Fatal(err)
	}
	content, err := opened.Read(bundle.Params{Dialect: dotenv.Compose})
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for key, value := range content.Document.Entries() {
		entries[key] = value.Reveal()
	}
	return entries
}

// generatedHistory looks at the entries after each step.
type generatedHistory struct {
	t    *testing.T
	w    *world
	last map[string]string
}

// generatedVersions are the versions of generated entries, name:version, sorted.
func generatedVersions(bundle map[string]any) (versions []string) {
	all, _ := bundle["generated_status"].(map[string]any)
	for name, element := range all {
		status, _ := element.(map[string]any)
		versions = append(versions, fmt.Sprint(name, ":", status["version"]))
	}
	slices.Sort(versions)
	return versions
}

// step is an error unless exactly these names have other values than before, and
// the versions are these.
func (h *generatedHistory) step(versions string, changed ...string) after {
	return func(a attributes) {
		h.t.Helper()
		now := entriesIn(h.t, a, h.w.operator)
		for name, value := range now {
			if was, existed := h.last[name]; existed && (was != value) != slices.Contains(changed, name) {
				h.t.Errorf("%s changed: %t", name, was != value)
			}
		}
		h.last = maps.Clone(now)
		if got := strings.Join(generatedVersions(a[bundleAddress]), " "); got != versions {
			h.t.Errorf("versions are %s, expected %s", got, versions)
		}
		state := fmt.Sprint(a)
		for name, value := range now {
			if len(value) > 8 && strings.Contains(state, value) {
				h.t.Errorf("the value of %s is in the state", name)
			}
		}
		if got, want := len(a.names(bundleAddress)), len(now); got != want {
			h.t.Errorf("%d names, and %d entries", got, want)
		}
	}
}

// Made once, carried over whatever else changes, made anew by keepers, by another
// way of making it and by a schedule, each alone.
func TestAccGenerated(t *testing.T) {
	for _, format := range bundle.Formats() {
		if format == bundle.SOPSJSON {
			continue // as sops_yaml
		}
		for _, version := range []string{"", `content_version = "1"`} {
			if version != "" && format != bundle.SOPSBinary {
				continue // once is enough: it has nothing to do with the format
			}
			t.Run(string(format)+"/"+version, func(t *testing.T) {
				w := newWorld(t)
				c := newClock(w)
				box, other := newPerson(t), newPerson(t)
				h := &generatedHistory{t: t, w: w}
				config := func(given, recipients, generated string) string {
					return bundleConfig(w, "entries_wo = "+given, recipients, version, formatArgument(format), "generated = "+generated)
				}
				one, both := bundleRecipients(box), bundleRecipients(box, other)
				made := `{
    TOKEN  = { length = 32 }
    SECRET = { bytes = 32, encoding = "hex", keepers = { quarter = "1" } }
    DB     = { length = 40, charset = "abcdefghijklmnop", rotation_days = 30 }
  }`
				update := planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate})
				second := strings.Replace(made, `quarter = "1"`, `quarter = "2"`, 1)
				longer := strings.Replace(second, "length = 32", "length = 48", 1)
				fewer := strings.Replace(longer, "    TOKEN  = { length = 48 }\n", "", 1)
				times := func(name, want string) after {
					return func(a attributes) {
						all, _ := a[bundleAddress]["generated_status"].(map[string]any)
						status, _ := all["DB"].(map[string]any)
						if got := fmt.Sprint(status[name]); got != want {
							t.Errorf("%s of DB is %s, expected %s", name, got, want)
						}
					}
				}
				resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
					{Config: config(`{ A = "given" }`, one, made), ConfigStateChecks: looks(h.step("DB:1 SECRET:1 TOKEN:1"), times("rotate_at", "2026-04-01T10:00:00Z"))},
					{Config: config(`{ A = "given" }`, one, made), ConfigPlanChecks: plannedEmpty},
					{Config: config(`{ A = "given" }`, both, made), ConfigPlanChecks: update, ConfigStateChecks: looks(h.step("DB:1 SECRET:1 TOKEN:1"))},
					{Config: config(`{ A = "given" }`, both, second), ConfigPlanChecks: update, ConfigStateChecks: looks(h.step("DB:1 SECRET:2 TOKEN:1", "SECRET"))},
					{Config: config(`{ A = "given" }`, both, longer), ConfigPlanChecks: update, ConfigStateChecks: looks(h.step("DB:1 SECRET:2 TOKEN:2", "TOKEN"))},
					{PreConfig: c.days(29), Config: config(`{ A = "given" }`, both, longer), ConfigPlanChecks: plannedEmpty},
					{PreConfig: c.days(1), Config: config(`{ A = "given" }`, both, longer), ConfigPlanChecks: update, ConfigStateChecks: looks(
						h.step("DB:2 SECRET:2 TOKEN:2", "DB"), times("rotated_at", "2026-04-01T10:00:00Z"), times("rotate_at", "2026-05-01T10:00:00Z"),
					)},
					{Config: config(`{ A = "given" }`, both, longer), ConfigPlanChecks: plannedEmpty},
					{Config: config(`{ A = "given" }`, both, fewer), ConfigPlanChecks: update, ConfigStateChecks: looks(h.step("DB:2 SECRET:2 TOKEN:2"), func(a attributes) {
						if _, there := entriesIn(t, a, w.operator)["TOKEN"]; there {
							t.Error("TOKEN is still there")
						}
					})},
					{Config: config(`{ A = "given" }`, both, longer), ConfigPlanChecks: update, ConfigStateChecks: looks(h.step("DB:2 SECRET:2 TOKEN:3"))},
					{Config: config(`{ A = "given" }`, both, longer), ConfigPlanChecks: plannedEmpty},
				}})
			})
		}
	}
}

// A schedule that is prolonged or taken away when an entry is due leaves the value, and
// one that is shortened does not.
func TestAccGeneratedScheduleOfDue(t *testing.T) {
	w := newWorld(t)
	c := newClock(w)
	box := newPerson(t)
	h := &generatedHistory{t: t, w: w}
	config := func(days string) string {
		return bundleConfig(w, "", bundleRecipients(box), "generated = { TOKEN = { length = 32, rotation_days = "+days+" } }")
	}
	step := func(days, versions string, changed ...string) resource.TestStep {
		return resource.TestStep{Config: config(days), ConfigStateChecks: looks(h.step(versions, changed...))}
	}
	first := step("30", "TOKEN:1")
	prolonged, removed, shortened := step("90", "TOKEN:1"), step("null", "TOKEN:1"), step("7", "TOKEN:2", "TOKEN")
	prolonged.PreConfig, removed.PreConfig = c.days(31), c.days(60)
	again := step("90", "TOKEN:1")
	again.ExpectNonEmptyPlan = true
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		first, prolonged,
		{Config: config("90"), ConfigPlanChecks: plannedEmpty},
		removed,
		{Config: config("null"), ConfigPlanChecks: plannedEmpty},
		again, shortened,
		{Config: config("7"), ConfigPlanChecks: plannedEmpty},
	}})
}

// What is given changes, with and without content_version, and comes from nowhere:
// the generated entries stay.
func TestAccGeneratedBesideGiven(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	h := &generatedHistory{t: t, w: w}
	config := func(given, more string) string {
		return bundleConfig(w, given, bundleRecipients(box), more, "generated = { TOKEN = { length = 32 } }")
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config("", ""), ConfigStateChecks: looks(h.step("TOKEN:1"))},
		{Config: config("", ""), ConfigPlanChecks: plannedEmpty},
		{Config: config(`entries_wo = { A = "1" }`, ""), ConfigStateChecks: looks(h.step("TOKEN:1"))},
		{Config: config(`entries_wo = { A = "2", B = "x" }`, ""), ConfigStateChecks: looks(h.step("TOKEN:1", "A"))},
		{Config: config("", ""), ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(h.step("TOKEN:1"))},
		{Config: config("dotenv_wo = \"# note\\nB=x\\nA=2\\n\"", ""), ConfigStateChecks: looks(h.step("TOKEN:1"))},
		{Config: config("dotenv_wo = \"# note\\nB=x\\nA=2\\n\"", ""), ConfigPlanChecks: plannedEmpty},
		{Config: config(`entries_wo = { A = "3" }`, `content_version = "2"`), ConfigStateChecks: looks(h.step("TOKEN:1", "A"))},
		{Config: config(`entries_wo = { A = "not read" }`, `content_version = "2"`), ConfigPlanChecks: plannedEmpty},
		{Config: config(`entries_wo = { A = "4" }`, `content_version = "3"`), ConfigStateChecks: looks(h.step("TOKEN:1", "A"))},
	}})
}

// In the apply that makes a value, a consumer takes it from the ephemeral bundle,
// and again only when the version, known while planning, counts on.
func TestAccGeneratedConsumer(t *testing.T) {
	w := newWorld(t)
	config := func(quarter string) string {
		return w.config(fmt.Sprintf(`
resource "ageenv_bundle" "source" {
  recipients = []
  generated  = { DB = { length = 32, keepers = { quarter = %q } } }
}

ephemeral "ageenv_bundle" "source" {
  ciphertext = ageenv_bundle.source.ciphertext
}

# Stands for a database user with a write-only password and its version.
resource "ageenv_bundle" "b" {
  entries_wo      = { DB = ephemeral.ageenv_bundle.source.entries["DB"] }
  content_version = ageenv_bundle.source.generated_status["DB"].version
  recipients      = []
}
`, quarter))
	}
	same := func(a attributes) {
		copied := entriesIn(t, a, w.operator)["DB"]
		source := entriesIn(t, attributes{bundleAddress: a["ageenv_bundle.source"]}, w.operator)["DB"]
		if copied == "" || copied != source {
			t.Error("the consumer holds another value than the bundle that made it")
		}
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config("1"), ConfigStateChecks: looks(same)},
		{Config: config("1"), ConfigPlanChecks: plannedEmpty},
		{Config: config("2"), ConfigStateChecks: looks(same, func(a attributes) {
			if got := generatedVersions(a["ageenv_bundle.source"]); !slices.Equal(got, []string{"DB:2"}) {
				t.Errorf("versions are %v", got)
			}
		})},
		{Config: config("2"), ConfigPlanChecks: plannedEmpty},
	}})
}

// What is unknown of one entry leaves the versions and times of the others known.
func TestAccGeneratedPartlyUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		a     string // how A is generated; %s is what is unknown
		again bool   // whether A is generated again
	}{
		"a keeper":          {"{ length = 32, keepers = { k = %s } }", true},
		"an equal keeper":   {"{ length = 32, keepers = { k = replace(%s, \"/.*/\", \"same\") } }", false},
		"the length":        {"{ length = 32 + length(%s) }", true},
		"a schedule":        {"{ length = 32, rotation_days = 30 + length(%s) }", false},
		"the entry":         {"jsondecode(format(\"{\\\"length\\\": 32, \\\"keepers\\\": {\\\"k\\\": %%q}}\", %s))", true},
		"whether it is one": {"%s == \"\" ? null : { length = 32 }", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			newClock(w)
			h := &generatedHistory{t: t, w: w}
			recipients := bundleRecipients(newPerson(t))
			config := func(input string) string {
				a := strings.ReplaceAll(strings.ReplaceAll(tt.a, "%s", "terraform_data.d.output"), "%%", "%")
				return fmt.Sprintf("resource \"terraform_data\" \"d\" {\n  input = %q\n}\n\n", input) +
					bundleConfig(w, "", recipients, "generated = { A = "+a+", B = { length = 32, rotation_days = 30 } }")
			}
			of := func(attribute string) tfjsonpath.Path {
				return tfjsonpath.New("generated_status").AtMapKey("B").AtMapKey(attribute)
			}
			checks := []plancheck.PlanCheck{
				plancheck.ExpectKnownValue(bundleAddress, of("version"), knownvalue.Int64Exact(1)),
				plancheck.ExpectKnownValue(bundleAddress, of("rotated_at"), knownvalue.StringExact("2026-03-02T10:00:00Z")),
				plancheck.ExpectKnownValue(bundleAddress, of("due"), knownvalue.Bool(false)),
				plancheck.ExpectKnownValue(bundleAddress, of("rotate_at"), knownvalue.StringExact("2026-04-01T10:00:00Z")),
			}
			second := h.step("A:1 B:1")
			if tt.again {
				second = h.step("A:2 B:1", "A")
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
				{Config: config("first"), ConfigStateChecks: looks(h.step("A:1 B:1"))},
				{Config: config("the second"), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: checks}, ConfigStateChecks: looks(second)},
				{Config: config("the second"), ConfigPlanChecks: plannedEmpty},
			}})
		})
	}
}

// Nobody who could carry the values over is at hand: an error at plan, which loses
// nothing.
func TestAccGeneratedUnopened(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	box := newPerson(t)
	config := func(more string) string {
		return bundleConfig(w, `entries_wo = { A = "1" }`, more, bundleRecipients(box), "generated = { TOKEN = { length = 32 } }")
	}
	cli.write(config(`content_version = "1"`))
	cli.must("apply", "-auto-approve")
	keyFile := cli.env["SOPS_AGE_KEY_FILE"]
	cli.env["SOPS_AGE_KEY_FILE"] = newPerson(t).keyFile
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("with nothing to do: %v\n%s", err, out)
	}
	cli.write(config(`content_version = "2"`))
	out, err := cli.run("plan")
	if exitCode(err) != 1 {
		t.Errorf("the plan ends with %v", err)
	}
	badOutput(t, out, []string{"The content can't be carried over", "Generated entries (TOKEN) are nowhere but in that ciphertext"}, nil)
	cli.env["SOPS_AGE_KEY_FILE"] = keyFile
	cli.must("apply", "-auto-approve")
}

func TestAccBadGenerated(t *testing.T) {
	of := func(generated string, more ...string) string {
		return "resource \"ageenv_bundle\" \"b\" {\n  recipients = []\n  generated = " + generated + "\n  " + strings.Join(more, "\n  ") + "\n}\n"
	}
	stranger := newPerson(t).recipient
	badTable(t, map[string]badInput{
		"neither":         {config: of("{ A = {} }"), says: []string{`generated["A"] sets neither length nor bytes: set one of them`}},
		"both":            {config: of("{ A = { length = 32, bytes = 32 } }"), says: []string{`generated["A"] sets both length and bytes: set one of them`}},
		"encoding":        {config: of(`{ A = { bytes = 32, encoding = "base32" } }`), says: []string{"encoding", "base64url"}},
		"charset, bytes":  {config: of(`{ A = { bytes = 32, charset = "abc" } }`), says: []string{"length"}},
		"guessed":         {config: of("{ A = { length = 8 } }"), says: []string{`generated["A"]: The value would have 47 bits of randomness`}},
		"name":            {config: of("{ LD_PRELOAD = { length = 32 } }"), says: []string{"takes over the program"}},
		"given too":       {config: of("{ A = { length = 32 } }", `entries_wo = { A = "generated-canary" }`), says: []string{"A is in generated, and in entries_wo or dotenv_wo too"}, hides: []string{"generated-canary"}},
		"nobody operates": {config: strings.Replace(of("{ A = { length = 32 } }", "operator_recipients = []"), "recipients = []", fmt.Sprintf("recipients = [%q]", stranger), 1), says: []string{"Generated entries need an operator"}},
		"no days":         {config: of("{ A = { length = 32, rotation_days = 0 } }"), says: []string{"rotation_days"}},
	})
}
