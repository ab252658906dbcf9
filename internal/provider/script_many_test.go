package provider_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// Many scripts at once on one provider, as Terraform applies them, while calls go
// wrong: the state of each is equal to the account, and there is none beside.
func TestManyScriptsAtOnce(t *testing.T) {
	const (
		count    = 50
		parallel = 50
		most     = 8 // runs
	)
	box := newPerson(t)
	bundle := sealedBundle(t, "TOKEN=many-canary\n", box.recipient)
	synctest.Test(t, func(t *testing.T) {
		w := &scriptWorld{sim: vultrsim.New(vultrsim.Options{APIKey: simKey, RequestsPerSecond: 30, Seed: 7}), box: box, bundle: bundle}
		w.perSecond = 30
		w.sim.SetRules(
			vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Chance: 0.3, Faults: stressKinds(true)},
			vultrsim.Rule{Chance: 0.1, Faults: stressKinds(false)},
		)
		scripts := make([]*core, count)
		config := func(i int) map[string]any { return w.config(map[string]any{"name": fmt.Sprintf("script %d", i)}) }
		// run is a whole run, which goes on with the other scripts when one fails.
		run := func() (failed int) {
			time.Sleep(time.Second) // the limit is not the run's, but the address's
			shared := w.another(t)
			var mu sync.Mutex
			var group sync.WaitGroup
			slots := make(chan struct{}, parallel)
			for i := range scripts {
				slots <- struct{}{}
				group.Go(func() {
					defer func() { <-slots }()
					c := newCore(shared.unitServer, shared.name)
					if before := scripts[i]; before != nil {
						c.state, c.private, c.tainted = before.state, before.private, before.tainted
					}
					scripts[i] = c
					if coreFailed(c.apply(config(i))) {
						mu.Lock()
						defer mu.Unlock()
						failed++
					}
				})
			}
			group.Wait()
			return failed
		}
		runs, failed := 1, run()
		for ; failed > 0 && runs < most; runs++ {
			failed = run()
		}
		t.Logf("%d runs, %d calls", runs, len(w.sim.Requests()))
		w.sim.SetRules()
		time.Sleep(time.Minute)
		run() // finds what a late server has left
		if failed := run(); failed > 0 {
			t.Errorf("%d scripts can't be applied without faults", failed)
		}
		held := map[string]vultrsim.Script{}
		for _, script := range w.sim.Scripts() {
			held[script.ID] = script
		}
		for i, c := range scripts {
			script, ok := held[c.attribute("id")]
			if !ok || script.Name != fmt.Sprintf("script %d", i) || c.tainted {
				t.Errorf("script %d: the state is %s (tainted %v), and the account holds %+v", i, c.state, c.tainted, script)
				continue
			}
			body, err := w.sim.BootScript(script.ID)
			if err != nil || sha256Hex(string(body)) != c.attribute("remote_sha256") || c.attribute("script_sha256") != c.attribute("remote_sha256") {
				t.Errorf("script %d: the state's digest is not the account's (%v)", i, err)
			}
		}
		if len(held) != count {
			t.Errorf("%d scripts in the account, want %d", len(held), count)
		}
		for _, r := range w.sim.Requests() {
			if r.Status == 429 && r.Fault == "" {
				t.Error("the provider went over the limit")
				break
			}
		}
	})
}
