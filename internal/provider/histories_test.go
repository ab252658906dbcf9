package provider_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// history is a resource whose configuration changes at random, while time passes between
// refresh, plan and apply. core fails the test where a plan does not come true.
type history struct {
	*core
	random   *rand.Rand
	clock    *clock
	operator person
	alone    bool // the next apply finds no identity
}

func newHistory(t *testing.T, seed uint64, resource string) *history {
	h := &history{random: rand.New(rand.NewPCG(seed, 5)), clock: &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}, operator: newPerson(t)}
	h.core = newCore(valuesServer(t, h.clock, h.operator, false), resource)
	return h
}

func (h *history) pick(options ...any) any { return options[h.random.IntN(len(options))] }

// wait lets some hours pass.
func (h *history) wait(most int) {
	h.clock.at = h.clock.at.Add(time.Duration(h.random.IntN(most)) * time.Hour)
}

// run refreshes, plans and applies. late is what an ephemeral value is by the time of the
// apply, with the plan in hand; it returns nil if it is what it was. It reports whether
// there was something to apply.
func (h *history) run(attributes map[string]any, late func(planned tftypes.Value) map[string]any) bool {
	h.t.Helper()
	h.unitServer = valuesServer(h.t, h.clock, h.operator, false)
	if diagnostics := h.refresh(); coreFailed(diagnostics) {
		h.t.Fatal(unitText(diagnostics))
	}
	plan, diagnostics := h.plan(h.state, attributes)
	if coreFailed(diagnostics) {
		h.t.Fatal(unitText(diagnostics))
	}
	if plan.empty {
		return false
	}
	h.wait(48) // a saved plan waits
	h.unitServer = valuesServer(h.t, h.clock, h.operator, h.alone)
	if other := late(plan.planned); other != nil {
		plan.config = h.open(h.value(h.schema(), other))
	}
	if diagnostics := h.change(&plan); coreFailed(diagnostics) {
		h.t.Fatal(unitText(diagnostics))
	}
	return true
}

// texts is an attribute of the state that is a map of texts.
func (h *history) texts(name string) map[string]string {
	h.t.Helper()
	var all, elements map[string]tftypes.Value
	if h.state.As(&all) != nil || all[name].As(&elements) != nil {
		h.t.Fatalf("%s is no map", name)
	}
	texts := map[string]string{}
	for key, element := range elements {
		var text string
		if err := element.As(&text); err != nil {
			h.t.Fatal(err)
		}
		texts[key] = text
	}
	return texts
}

// generatedAt is when a generated entry was made, "" if there is none.
func (h *history) generatedAt(name string) string {
	h.t.Helper()
	var all map[string]tftypes.Value
	if err := coreValue(h.t, h.state, "generated_status").As(&all); err != nil {
		h.t.Fatal(err)
	}
	if _, there := all[name]; !there {
		return ""
	}
	return coreText(h.t, all[name], "rotated_at")
}

// dateOf reads a time of the state.
func dateOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// entries is what the bundle holds.
func (h *history) entries(dialect string) map[string]string {
	h.t.Helper()
	opened, err := ownSource(bundle.Format(h.attribute("format"))).Open(h.attribute("ciphertext"), h.operator.identities(h.t))
	if err != nil {
		h.t.Fatal(err)
	}
	content, err := opened.Read(bundle.Params{Dialect: dotenv.Dialect(dialect)})
	if err != nil {
		h.t.Fatal(err)
	}
	entries := map[string]string{}
	for key, value := range content.Document.Entries() {
		entries[key] = value.Reveal()
	}
	return entries
}

// bundleArguments is a random configuration of a bundle.
func (h *history) bundleArguments(people []string) map[string]any {
	entries := map[string]any{"A": h.pick("1", "1", "2", "True", ""), "B": h.pick("1", "1", "2")}
	if h.random.IntN(3) == 0 {
		entries["C"] = "1"
	}
	spec := map[string]any{"length": h.pick(32, 32, 48), "keepers": map[string]string{"k": fmt.Sprint(h.pick("1", "1", "2"))}}
	if days := h.pick(nil, 30, 30, 90); days != nil {
		spec["rotation_days"] = days
	}
	arguments := map[string]any{
		"entries_wo": entries, "recipients": people[:1+h.random.IntN(2)], "dialect": h.pick("compose", "compose", "shell"),
		"format":          h.pick("sops_dotenv", "sops_dotenv", "age_dotenv", "age_files", "sops_yaml", "sops_json", "sops_kubernetes", "sops_kubernetes"),
		"content_version": h.pick(nil, nil, "1", "2"),
	}
	if arguments["format"] == "sops_kubernetes" {
		arguments["kubernetes"] = map[string]any{"name": "app", "type": h.pick(nil, "Opaque"), "labels": h.pick(nil, map[string]any{}, map[string]any{"team": "a"})}
	}
	if h.random.IntN(4) > 0 {
		arguments["generated"] = map[string]any{"G": spec}
	}
	return arguments
}

// Whatever changes together and whatever time passes: what is planned of a bundle comes
// true, the content is what was asked for, changed_at moves exactly with the values, and
// a second plan is empty.
func TestBundleHistories(t *testing.T) {
	for seed := range uint64(6) {
		h := newHistory(t, seed, "ageenv_bundle")
		people := []string{newPerson(t).recipient, newPerson(t).recipient}
		was, times := map[string]string{}, map[string]string{}
		var version, generated any
		var arguments map[string]any
		keeps := "" // how the generated entry is made, without its schedule
		for step := range 25 {
			h.wait(20 * 24)
			if arguments == nil || h.random.IntN(4) > 0 {
				arguments = h.bundleArguments(people)
			}
			given, _ := arguments["entries_wo"].(map[string]any)
			carries := step > 0 && arguments["content_version"] != nil && arguments["content_version"] == version
			made := ""
			if step > 0 {
				made = h.generatedAt("G")
			}
			// A new content_version needs no identity, unless a value is carried over.
			h.alone = step > 0 && arguments["content_version"] != nil && !carries && generated == nil && arguments["generated"] == nil && h.random.IntN(2) == 0
			changed := h.run(arguments, func(planned tftypes.Value) map[string]any {
				if plannedTimes(t, planned)["B"] != "open" || h.random.IntN(2) == 0 {
					return nil
				}
				given = maps.Clone(given)
				given["B"] = h.pick("1", "3") // a value that the plan names may be any
				arguments = maps.Clone(arguments)
				arguments["entries_wo"] = given
				return arguments
			})
			kept := keeps
			version, generated, keeps = arguments["content_version"], arguments["generated"], ""
			if specs, some := generated.(map[string]any); some {
				spec, _ := specs["G"].(map[string]any)
				keeps = fmt.Sprint(spec["length"], spec["keepers"])
				if days, some := spec["rotation_days"].(int); kept == keeps && made != "" {
					if early := !some || h.clock.at.Before(dateOf(t, made).AddDate(0, 0, days)); early && h.generatedAt("G") != made {
						t.Fatalf("seed %d, step %d: G of %s is generated again at %s, with rotation_days %v", seed, step, made, h.clock.at, spec["rotation_days"])
					}
				}
			}
			now := h.entries(fmt.Sprint(arguments["dialect"]))
			for name, value := range given {
				if !carries && now[name] != value {
					t.Fatalf("seed %d, step %d: %s is %q, expected %q", seed, step, name, now[name], value)
				}
			}
			for name, value := range now {
				if _, there := was[name]; !there || value != was[name] && !h.alone {
					times[name] = h.clock.at.Format(time.RFC3339)
				}
				if carries && name != "G" && value != was[name] {
					t.Fatalf("seed %d, step %d: %s changed under the same content_version", seed, step, name)
				}
			}
			maps.DeleteFunc(times, func(name, _ string) bool { _, there := now[name]; return !there })
			if got := h.texts("changed_at"); !maps.Equal(got, times) {
				t.Fatalf("seed %d, step %d, applied %t: changed_at is %v, expected %v", seed, step, changed, got, times)
			}
			was = now
			h.unitServer = valuesServer(t, h.clock, h.operator, false)
			if plan, diagnostics := h.plan(h.state, arguments); !plan.empty {
				t.Fatalf("seed %d, step %d: the second plan is not empty: %s", seed, step, unitText(diagnostics))
			}
		}
	}
}

// The same for a key: the wrap holds exactly the identities that the state names, an
// identity stays for the grace period that it was promised, and none longer than the
// first apply whose refresh comes after that.
func TestKeyHistories(t *testing.T) {
	for seed := range uint64(6) {
		h := newHistory(t, seed, "ageenv_key")
		other := newPerson(t).recipient
		until := map[string]time.Time{} // when a recipient's grace period ends
		for step := range 25 {
			h.wait(20 * 24)
			arguments := map[string]any{
				"algorithm": "x25519", "rotation_days": h.pick(nil, 10, 30), "grace_days": h.pick(nil, 5, 40),
				"escrow_recipients": h.pick([]string{h.operator.recipient}, []string{h.operator.recipient, other}),
			}
			before, refreshed, createdAt := h.attribute("recipient"), h.clock.at, time.Time{}
			if before != "" {
				createdAt = dateOf(t, h.attribute("created_at"))
			}
			h.run(arguments, func(tftypes.Value) map[string]any { return nil })
			ids, err := agekey.Unwrap(h.attribute("wrapped_identity"), h.operator.identities(t))
			if err != nil {
				t.Fatal(err)
			}
			held := agekey.Texts(agekey.Recipients(ids))
			if before != "" && before != h.attribute("recipient") {
				if days, some := arguments["rotation_days"].(int); !some || refreshed.Before(createdAt.AddDate(0, 0, days)) {
					t.Fatalf("seed %d, step %d: the key of %s is rotated after a refresh at %s, with rotation_days %v", seed, step, createdAt, refreshed, arguments["rotation_days"])
				}
				if days, some := arguments["grace_days"].(int); some {
					until[before] = h.clock.at.AddDate(0, 0, days)
				}
			}
			for recipient, end := range until {
				if stays := slices.Contains(held, recipient); stays == !refreshed.Before(end) {
					t.Fatalf("seed %d, step %d: at %s the wrap holds %s: %t, and its grace period ends at %s", seed, step, refreshed, recipient, stays, end)
				}
				if !refreshed.Before(end) {
					delete(until, recipient)
				}
			}
			if len(held) != 1+len(until) || ids[0].Recipient().String() != h.attribute("recipient") {
				t.Fatalf("seed %d, step %d: the wrap holds %d identities, expected %d", seed, step, len(held), 1+len(until))
			}
		}
	}
}
