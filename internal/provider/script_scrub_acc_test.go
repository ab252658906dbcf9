package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
)

// scrubbed is an error if the state and the account tell otherwise.
func scrubbed(t *testing.T, w *world, want bool) after {
	return func(a attributes) {
		_, body := onlyScript(t, w)
		if got := body == vultr.Placeholder().Reveal(); got != want {
			t.Errorf("the account holds the placeholder: %v, expected %v", got, want)
		}
		if got := a[scriptAddress]["scrubbed"]; got != want {
			t.Errorf("scrubbed is %v, expected %v", got, want)
		}
	}
}

// scrub_after on a real CLI: the harness applies saved plans, and the plan after the
// scrubbing is empty.
func TestAccScrubAfter(t *testing.T) {
	w := newWorld(t)
	w.simulator()
	now := time.Now()
	w.now = func() time.Time { return now }
	config := w.config(strings.Replace(oneService, `"app"`, "\"app\"\n  scrub_after = \"72h\"", 1))
	content := strings.Replace(config, `"first"`, `"second"`, 1)
	later := func(d time.Duration) func() { return func() { now = now.Add(d) } }
	var id string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config, ConfigStateChecks: looks(stateKeep(&id, scriptAddress, "id"), scrubbed(t, w, false))},
			{PreConfig: later(72*time.Hour - time.Second), Config: config, ConfigPlanChecks: plannedEmpty},
			{PreConfig: later(time.Second), Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(scriptAddress, plancheck.ResourceActionUpdate),
				plancheck.ExpectResourceAction(bundleAddress, plancheck.ResourceActionNoop),
			}}, ConfigStateChecks: looks(stateSame(t, &id, scriptAddress, "id"), scrubbed(t, w, true))},
			{PreConfig: later(time.Hour), Config: config, ConfigPlanChecks: plannedEmpty},
			{Config: content, ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(stateSame(t, &id, scriptAddress, "id"), scrubbed(t, w, false), scriptMatches(t, w))},
			{Config: content, ConfigPlanChecks: plannedEmpty},
		},
	})
}

// What the plan prints is what an operator has to go by.
func TestAccScrubIsSaid(t *testing.T) {
	w := newWorld(t)
	w.simulator()
	cli := newCLI(t, w)
	cli.write(w.config(strings.Replace(oneService, `"app"`, "\"app\"\n  scrub_after = \"1s\"", 1)))
	cli.must("apply", "-auto-approve")
	time.Sleep(1100 * time.Millisecond)
	for _, step := range []struct {
		args []string
		says []string
	}{
		{[]string{"plan"}, []string{"Warning: The startup script will be scrubbed", "~ scrubbed = false -> true", "1 to change"}},
		{[]string{"apply", "-auto-approve"}, []string{"0 added, 1 changed, 0 destroyed"}},
		{[]string{"plan", "-detailed-exitcode"}, []string{"Warning: The startup script is scrubbed", "change upload_triggers", "No changes."}},
	} {
		out := strings.Join(strings.Fields(strings.NewReplacer("│", "", "╵", "", "╷", "").Replace(cli.must(step.args...))), " ")
		for _, says := range step.says {
			if !strings.Contains(out, says) {
				t.Errorf("%v does not print %q:\n%s", step.args, says, out)
			}
		}
	}
}

// The action, invoked by hand.
func TestAccScrubAction(t *testing.T) {
	w := newWorld(t)
	w.simulator()
	cli := newCLI(t, w)
	needActions(t)
	cli.write(w.config(oneService + fmt.Sprintf(`
action "ageenv_vultr_startup_script_scrub" "s" {
  config {
    script_id = %s.id
  }
}
`, scriptAddress)))
	cli.must("apply", "-auto-approve")
	scrubbed(t, w, false)(stateOf(t, cli))
	const invoke = "-invoke=action.ageenv_vultr_startup_script_scrub.s"
	if out := cli.must("apply", "-auto-approve", invoke); !strings.Contains(out, "is scrubbed") {
		t.Errorf("it does not say what it did:\n%s", out)
	}
	if out := cli.must("plan", "-detailed-exitcode"); !strings.Contains(out, "The startup script is scrubbed") {
		t.Errorf("the plan does not warn:\n%s", out)
	}
	cli.must("apply", "-auto-approve")
	scrubbed(t, w, true)(stateOf(t, cli))
	if out := cli.must("apply", "-auto-approve", invoke); !strings.Contains(out, "is scrubbed already") {
		t.Errorf("it does not say that there is nothing to do:\n%s", out)
	}
	cli.must("destroy", "-auto-approve")
}
