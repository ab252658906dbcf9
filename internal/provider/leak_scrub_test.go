package provider_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

const leakScrubConfig = `
resource "ageenv_vultr_startup_script" "scrubbed" {
  name             = "scrubbed"
  wrapped_identity = ageenv_key.box.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.entries.ciphertext, path = "/opt/app/.env" }]
  scrub_after      = "1s"
}
`

const leakActionConfig = `
action "ageenv_vultr_startup_script_scrub" "scrubbed" {
  config { script_id = ageenv_vultr_startup_script.scrubbed.id }
}
`

// leakScrub loses the answers to creates, one that is adopted and one that is not
// found in time, and takes the secret out of the account again, in each of the ways
// that the CLI has.
func (r *leakRun) leakScrub() {
	r.t.Helper()
	lost := vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Cut().AfterEffect()}}
	before := len(r.sim.Scripts())
	r.config("scrub.tf", leakScrubConfig)
	r.sim.SetRules(lost, vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: []vultrsim.Fault{vultrsim.Refused(http.StatusServiceUnavailable)}})
	r.fails("may exist in the account all the same", nil, "apply", "-no-color", "-auto-approve")
	r.sim.SetRules(lost)
	r.leakPlanAndApply("adopted")
	r.sim.SetRules()
	scripts := r.sim.Scripts()
	if len(scripts) != before+1 {
		r.t.Fatalf("%d scripts more than before, want one", len(scripts)-before)
	}
	id := scripts[len(scripts)-1].ID
	holds := func(stub bool) {
		r.t.Helper()
		body, err := r.sim.BootScript(id)
		if err != nil || (string(body) == vultr.Stub().Reveal()) != stub {
			r.t.Errorf("the account holds the stub: %v, want %v (%v)", !stub, stub, err)
		}
	}
	holds(false)
	time.Sleep(1100 * time.Millisecond)
	r.leakPlanAndApply("scrub")
	holds(true)
	if hasActions(r.t) {
		r.config("scrub.tf", strings.Replace(leakScrubConfig, `scrub_after      = "1s"`, `upload_triggers = { again = "1" }`, 1)+leakActionConfig)
		r.leakPlanAndApply("upload again")
		holds(false)
		r.must(nil, "apply", "-no-color", "-auto-approve", "-invoke=action.ageenv_vultr_startup_script_scrub.scrubbed")
		holds(true)
	}
	r.unconfig("scrub.tf")
	r.leakPlanAndApply("scrubbed and removed")
	trace, err := os.ReadFile(filepath.Join(r.root, "trace.log"))
	if err != nil || !strings.Contains(string(trace), "adopted the script that a create with a lost answer had made") {
		r.t.Error("the adoption is not in the log")
	}
}
