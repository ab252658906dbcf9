package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// manyScripts are so many startup scripts of one box's key, each of its own name.
func manyScripts(t *testing.T, cli *cliRun, count int, perSecond float64) {
	t.Helper()
	box := newPerson(t)
	cli.env["TF_VAR_box"] = box.identity
	cli.write(fmt.Sprintf(`
provider "ageenv" {
  vultr = { requests_per_second = %v }
}

variable "box" {
  type      = string
  ephemeral = true
}

resource "ageenv_vultr_startup_script" "s" {
  count       = %d
  name        = "script ${count.index}"
  identity_wo = var.box
  files       = [%s]
}
`, perSecond, count, badFileOf(sealedBundle(t, "TOKEN=stress-canary\n", box.recipient), `"/opt/app/.env"`)))
}

// scriptInState is a startup script as a state file has it.
type scriptInState struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	SHA256 string `json:"script_sha256"`
	Remote string `json:"remote_sha256"`
	status string
}

// scriptsInState are all of a state, tainted ones too, by name.
func scriptsInState(t *testing.T, cli *cliRun) map[string]scriptInState {
	t.Helper()
	var file struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Status     string
				Attributes scriptInState
			}
		}
	}
	if err := json.Unmarshal(cli.state(), &file); err != nil {
		t.Fatal(err)
	}
	scripts := map[string]scriptInState{}
	for _, r := range file.Resources {
		for _, instance := range r.Instances {
			if r.Type == "ageenv_vultr_startup_script" {
				instance.Attributes.status = instance.Status
				scripts[instance.Attributes.Name] = instance.Attributes
			}
		}
	}
	return scripts
}

// sameScripts fails unless the account holds so many scripts, which are those of
// the state.
func sameScripts(t *testing.T, w *world, cli *cliRun, count int) {
	t.Helper()
	held, kept := w.sim.Scripts(), scriptsInState(t, cli)
	if len(held) != count || len(kept) != count {
		t.Errorf("%d scripts in the account, %d in the state, want %d", len(held), len(kept), count)
	}
	for _, script := range held {
		body, err := w.sim.BootScript(script.ID)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256Hex(string(body))
		if want := (scriptInState{script.ID, script.Name, sum, sum, ""}); kept[script.Name] != want {
			t.Errorf("the account holds %+v, and the state has %+v", want, kept[script.Name])
		}
	}
}

// stressKinds are the faults of a rule: those that refuse a call for good only
// where asked, since a refresh ends with the first of them.
func stressKinds(refusals bool) []vultrsim.Fault {
	return slices.DeleteFunc(vultrsim.Kinds(), func(f vultrsim.Fault) bool {
		return !refusals && (f.String() == "401" || f.String() == "redirect")
	})
}

// Runs of a real CLI, until one succeeds: every kind of fault strikes in them, and
// at the end the account holds each script once, and the state is equal to it.
//
// With AGEENV_STRESS=1000 (make stress) it is so many scripts, under the real
// limit, with the faults left to chance and a bound on the time. A machine that is
// busy with other things does not keep it: Terraform alone needs most of one core.
func TestAccStress(t *testing.T) {
	count, full := 40, false
	if text := os.Getenv("AGEENV_STRESS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		count, full = n, true
	}
	const (
		perSecond = 30
		parallel  = 50
		chance    = 0.05
		within    = 1.3
	)
	options, rate := vultrsim.Options{Seed: 1}, 1000.0
	creates := []vultrsim.Op{vultrsim.OpCreate}
	var rules []vultrsim.Rule
	if full {
		options.RequestsPerSecond, rate = perSecond, perSecond
		rules = []vultrsim.Rule{
			{Ops: creates, Chance: chance, Faults: stressKinds(true)},
			{Ops: []vultrsim.Op{vultrsim.OpRead, vultrsim.OpList, vultrsim.OpDelete}, Chance: chance, Faults: stressKinds(false)},
		}
	} else {
		for _, kind := range vultrsim.Kinds() {
			rules = append(rules, vultrsim.Rule{Ops: creates, Times: 1, Faults: []vultrsim.Fault{kind}})
		}
	}
	w := newWorldWith(t, options)
	w.simulator().SetRules(rules...)
	cli := newCLI(t, w)
	manyScripts(t, cli, count, rate)
	if full {
		cli.stateElsewhere()
	}

	const most = 6
	runs, done := 0, false
	for ; runs < most && !done; runs++ {
		w.sim.ClearRequests()
		began := time.Now()
		cmd := cli.command("apply", "-auto-approve", "-parallelism="+strconv.Itoa(parallel))
		out, err := cmd.CombinedOutput()
		done = err == nil
		calls := w.sim.Requests()
		if len(calls) == 0 {
			t.Fatalf("no call was made: %v\n%s", err, out)
		}
		needed := stressNeeded(calls)
		span := calls[len(calls)-1].Time.Sub(calls[0].Time)
		ratio := span.Seconds() * perSecond / float64(needed)
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		t.Logf("run %d: %v; %s in all (CPU %s), %s of calls, %.3f of the least for %d; %d calls, %d POSTs, %d over the limit", runs+1, err,
			time.Since(began).Round(time.Millisecond), cpu.Round(time.Millisecond), span.Round(time.Millisecond), ratio, needed, len(calls), callsOf(w.sim, http.MethodPost), stressOver(calls))
		// Straight up to the end, and the machine is what is slow; late at the end, and it is the last faults.
		for _, percent := range []int{50, 90, 99} {
			t.Logf("%d %% of the calls after %s", percent, calls[len(calls)*percent/100].Time.Sub(calls[0].Time).Round(time.Millisecond))
		}
		if full && needed > count/2 && ratio > within {
			t.Errorf("run %d took %.3f of the least, want at most %.1f", runs+1, ratio, within)
		}
		if float64(len(calls)) > within*float64(needed)+float64(3*len(rules)) {
			t.Errorf("run %d: %d calls where %d were needed: a retry storm", runs+1, len(calls), needed)
		}
	}
	if !done {
		t.Fatalf("no run of %d has succeeded", most)
	}
	if struck := w.sim.Struck(); struck < len(rules) {
		t.Errorf("%d faults have struck", struck)
	}
	w.sim.SetRules()
	cli.must("apply", "-auto-approve", "-parallelism="+strconv.Itoa(parallel)) // deletes what a late server has left
	sameScripts(t, w, cli, count)
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan after it: %v\n%s", err, out)
	}
}

// stressNeeded is how many calls a run had to make where nothing goes wrong: those
// that read a script and those that made one.
func stressNeeded(calls []vultrsim.Request) (n int) {
	read := map[string]bool{}
	for _, call := range calls {
		switch {
		case call.Method == http.MethodPost && call.Status == http.StatusCreated && call.Fault == "":
			n++
		case call.Method == http.MethodGet && call.Status == http.StatusOK && !read[call.Path]:
			read[call.Path] = true
			n++
		}
	}
	return n
}

func stressOver(calls []vultrsim.Request) (n int) {
	for _, call := range calls {
		if call.Status == http.StatusTooManyRequests && call.Fault == "" {
			n++
		}
	}
	return n
}

// SIGINT in the midst of an apply: what was under way is in the state, and the next
// apply makes the rest.
func TestAccInterrupted(t *testing.T) {
	for name, fault := range map[string]vultrsim.Fault{
		"slow answers": vultrsim.Slow(400 * time.Millisecond),
		"lost answers": vultrsim.Cut().AfterEffect(),
		"late effects": vultrsim.SlowCut(400 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			const count, parallel = 30, 6
			w := newWorld(t)
			sim := w.simulator()
			sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{fault}})
			cli := newCLI(t, w)
			manyScripts(t, cli, count, 1000)
			var out bytes.Buffer
			cmd := cli.command("apply", "-auto-approve", "-parallelism="+strconv.Itoa(parallel))
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(time.Minute); len(sim.Scripts()) < 8; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					_ = cmd.Process.Kill()
					t.Fatalf("it does not begin:\n%s", out.String())
				}
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := cmd.Wait(); err == nil {
				t.Fatalf("it was not interrupted:\n%s", out.String())
			}
			t.Logf("ended %s after the signal", time.Since(began).Round(time.Millisecond))

			held, kept := sim.Scripts(), scriptsInState(t, cli)
			if len(held) == count {
				t.Fatal("all were made: the interrupt came too late")
			}
			before := map[string]string{}
			for _, script := range held {
				before[script.Name] = script.ID
				if in := kept[script.Name]; in.ID != script.ID {
					t.Errorf("%q is in the account, and the state has %+v", script.Name, in)
				}
			}
			sim.SetRules()
			cli.must("apply", "-auto-approve")
			sameScripts(t, w, cli, count)
			for name, in := range scriptsInState(t, cli) {
				if kept[name].status == "" && before[name] != "" && in.ID != before[name] {
					t.Errorf("%q was made again", name)
				}
			}
		})
	}
}
