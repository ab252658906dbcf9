package provider_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// scriptWorld is a startup script in virtual time: what it is made of, the account
// and the core that manages it.
type scriptWorld struct {
	*core
	sim    *vultrsim.Server
	box    person
	bundle string
	// perSecond is the provider's rate; 0 is a high one.
	perSecond float64
}

// inVirtualTime runs a test on a script. It fails if a goroutine is left at its end.
func inVirtualTime(t *testing.T, test func(t *testing.T, w *scriptWorld)) {
	t.Helper()
	box := newPerson(t)
	bundle := sealedBundle(t, "TOKEN=fault-canary\n", box.recipient)
	synctest.Test(t, func(t *testing.T) {
		w := &scriptWorld{sim: vultrsim.New(vultrsim.Options{APIKey: simKey}), box: box, bundle: bundle}
		w.core = w.another(t)
		test(t, w)
	})
}

// another is another run of Terraform, which knows nothing of the client before.
func (w *scriptWorld) another(t *testing.T) *core {
	t.Helper()
	u := newUnitServer(t, map[string]string{"VULTR_API_KEY": simKey, "VULTR_API_URL": "http://127.0.0.1:1"}, func(o *provider.Options) {
		o.Transport, o.Now = w.sim.Transport(), time.Now
	})
	rate := w.perSecond
	if rate == 0 {
		rate = 1000
	}
	if diagnostics := u.configure("1.11.4", map[string]any{"vultr": map[string]any{"requests_per_second": rate}}); len(diagnostics) > 0 {
		t.Fatal(unitText(diagnostics))
	}
	c := newCore(u, "ageenv_vultr_startup_script")
	if w.core != nil {
		c.state, c.private, c.tainted = w.state, w.private, w.tainted
	}
	return c
}

// config is the script's configuration, changed by what is given.
func (w *scriptWorld) config(with map[string]any) map[string]any {
	config := map[string]any{
		"name": "app", "identity_wo": w.box.identity,
		"files": []any{map[string]any{"ciphertext_wo": w.bundle, "path": "/opt/app/.env"}},
	}
	for name, value := range with {
		config[name] = value
	}
	return config
}

// equal fails unless the account holds just what the state says.
func (w *scriptWorld) equal(t *testing.T) {
	t.Helper()
	scripts := w.sim.Scripts()
	if w.state.IsNull() || w.tainted {
		t.Errorf("state: null %v, tainted %v; %d scripts in the account", w.state.IsNull(), w.tainted, len(scripts))
		return
	}
	if len(scripts) != 1 {
		t.Fatalf("%d scripts in the account", len(scripts))
	}
	body, err := w.sim.BootScript(scripts[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"id": scripts[0].ID, "name": scripts[0].Name, "script_sha256": sha256Hex(string(body)), "remote_sha256": sha256Hex(string(body)),
		"date_created": scripts[0].DateCreated, "date_modified": scripts[0].DateModified,
	} {
		if got := w.attribute(name); got != want {
			t.Errorf("%s is %q, the account has %q", name, got, want)
		}
	}
}

// scriptRuns are what can be done to a script, with the call of the API that is
// the heart of it.
var scriptRuns = []struct {
	name string
	op   vultrsim.Op
	do   func(w *scriptWorld) []*tfprotov6.Diagnostic
}{
	{"create", vultrsim.OpCreate, func(w *scriptWorld) []*tfprotov6.Diagnostic { return w.apply(w.config(nil)) }},
	{"read", vultrsim.OpRead, func(w *scriptWorld) []*tfprotov6.Diagnostic { return w.refresh() }},
	{"update", vultrsim.OpUpdate, func(w *scriptWorld) []*tfprotov6.Diagnostic {
		return w.apply(w.config(map[string]any{"upload_triggers": map[string]string{"a": "b"}, "name": "renamed"}))
	}},
	{"delete", vultrsim.OpDelete, func(w *scriptWorld) []*tfprotov6.Diagnostic { return w.destroy() }},
	{"import", vultrsim.OpRead, func(w *scriptWorld) []*tfprotov6.Diagnostic { return w.imported(w.sim.Scripts()[0].ID) }},
}

// prepare brings the world to where a run can begin.
func (w *scriptWorld) prepare(t *testing.T, run string) {
	t.Helper()
	switch run {
	case "create":
	case "import":
		w.sim.Add("by hand", base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")))
	default:
		if diagnostics := w.apply(w.config(nil)); len(diagnostics) > 0 {
			t.Fatal(unitText(diagnostics))
		}
	}
}

// Each fault alone on each of what can be done to a script: once, and for as long
// as the run lasts. Whatever the run says of it, the next one without faults ends
// with one script, and a state that is equal to the account.
func TestEachFaultAlone(t *testing.T) {
	for _, fault := range vultrsim.Kinds() {
		refuses := fault.String() == "401" || fault.String() == "redirect"
		for _, run := range scriptRuns {
			for _, lasts := range []bool{false, true} {
				// A key that has been accepted is tried once more. The plan of a create has
				// used it.
				fails := refuses && run.name == "import"
				name := fault.String() + "/" + run.name + map[bool]string{false: "/once", true: "/lasting"}[lasts]
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
						w.prepare(t, run.name)
						before := w.state
						rule := vultrsim.Rule{Ops: []vultrsim.Op{run.op}, Faults: []vultrsim.Fault{fault}}
						if !lasts {
							rule.Times = 1
						}
						w.sim.SetRules(rule)
						diagnostics := run.do(w)
						if w.sim.Struck() == 0 {
							t.Fatal("the fault has not struck")
						}
						if failed := coreFailed(diagnostics); failed != fails && !lasts {
							t.Errorf("failed: %v, want %v: %s", failed, fails, unitText(diagnostics))
						} else if failed && run.name != "create" && run.name != "import" && !w.state.Equal(before) {
							t.Error("a run that failed has changed the state")
						}
						if text := unitText(diagnostics); strings.Contains(text, "fault-canary") || strings.Contains(text, w.box.identity) || strings.Contains(text, simKey) {
							t.Errorf("a diagnostic leaks: %s", text)
						}

						w.sim.SetRules()
						time.Sleep(time.Minute)
						w.core = w.another(t)
						if run.name == "import" && w.state.IsNull() {
							if diagnostics := w.imported(w.sim.Scripts()[0].ID); len(diagnostics) > 0 {
								t.Fatal(unitText(diagnostics))
							}
						}
						if diagnostics := w.apply(w.config(nil)); coreFailed(diagnostics) {
							t.Fatal(unitText(diagnostics))
						}
						w.apply(w.config(nil)) // what strays is deleted by the run after the one that finds it
						w.equal(t)
						if plan, _ := w.plan(w.state, w.config(nil)); !plan.empty {
							t.Error("the plan after it is not empty")
						}
						time.Sleep(time.Hour)
					})
				})
			}
		}
	}
}

// A key that is revoked in mid-run, for good: nothing is dropped from the state, at
// whatever call.
func TestRevokedKeyDropsNoState(t *testing.T) {
	for _, run := range scriptRuns {
		t.Run(run.name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
				w.prepare(t, run.name)
				before := w.state
				w.sim.RevokeAPIKey()
				diagnostics := run.do(w)
				if !coreFailed(diagnostics) || !strings.Contains(unitText(diagnostics), "nothing was dropped from the state") {
					t.Errorf("got %s", unitText(diagnostics))
				}
				if !w.state.Equal(before) {
					t.Errorf("the state was %s, and is %s", before, w.state)
				}
			})
		})
	}
}

// A create whose outcome stays unknown is in the state without an ID; the next run
// finds what it made, deletes it and creates the script, or creates it only.
func TestUnknownOutcomeIsSeenToByTheNextRun(t *testing.T) {
	for name, fault := range map[string]vultrsim.Fault{
		"made":     vultrsim.Cut().AfterEffect(),
		"not made": vultrsim.Cut(),
	} {
		for _, next := range []string{"apply", "destroy", "apply without a refresh"} {
			t.Run(name+"/"+next, func(t *testing.T) {
				inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
					w.sim.SetRules(
						vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{fault}},
						vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: []vultrsim.Fault{vultrsim.Refused(http.StatusServiceUnavailable)}},
					)
					diagnostics := w.apply(w.config(nil))
					if text := unitText(diagnostics); !strings.Contains(text, "may exist in the account all the same") || !strings.Contains(text, "The state remembers it") {
						t.Errorf("got %s", text)
					}
					if !w.tainted || w.attribute("id") != "" || w.attribute("script_sha256") == "" {
						t.Fatalf("the state is %s", w.state)
					}
					// While it can't be looked for, it is not forgotten.
					if diagnostics := w.refresh(); !coreFailed(diagnostics) || w.state.IsNull() {
						t.Errorf("a refresh: %s", unitText(diagnostics))
					}
					w.sim.SetRules()
					time.Sleep(time.Minute)
					w.core = w.another(t)
					switch next {
					case "destroy":
						diagnostics = w.destroy()
						if n := len(w.sim.Scripts()); n != 0 || !w.state.IsNull() {
							t.Errorf("%d scripts are left, state %s", n, w.state)
						}
					case "apply":
						diagnostics = w.apply(w.config(nil))
						w.equal(t)
					default:
						diagnostics = w.change(nil)
						diagnostics = append(diagnostics, w.apply(w.config(nil))...)
						w.equal(t)
					}
					if coreFailed(diagnostics) {
						t.Error(unitText(diagnostics))
					}
				})
			})
		}
	}
}

// A copy that a very late server makes is found by a later run, said, and deleted.
func TestStrayCopyIsSaidAndDeleted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		w.sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.SlowCut(time.Minute)}})
		if diagnostics := w.apply(w.config(nil)); len(diagnostics) > 0 {
			t.Fatal(unitText(diagnostics))
		}
		time.Sleep(2 * time.Minute)
		scripts := w.sim.Scripts()
		if len(scripts) != 2 {
			t.Fatalf("%d scripts: the test needs a copy", len(scripts))
		}
		w.core = w.another(t)
		diagnostics := w.refresh()
		if text := unitText(diagnostics); len(diagnostics) != 1 || !strings.Contains(text, "Copies of the startup script") || !strings.Contains(text, scripts[1].ID) ||
			strings.Contains(text, scripts[0].ID) {
			t.Errorf("the refresh says %s", text)
		}
		if len(w.sim.Scripts()) != 2 {
			t.Error("a refresh has deleted something")
		}
		// As long as it can't be deleted, it is said, and known.
		w.sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpDelete}, Faults: []vultrsim.Fault{vultrsim.Refused(http.StatusUnauthorized)}})
		if diagnostics := w.apply(w.config(nil)); coreFailed(diagnostics) || !strings.Contains(unitText(diagnostics), "is left in the account") {
			t.Errorf("an apply that can't delete: %s", unitText(diagnostics))
		}
		if diagnostics := w.destroy(); !coreFailed(diagnostics) || w.state.IsNull() {
			t.Errorf("a destroy that can't delete: %s", unitText(diagnostics))
		}
		w.sim.SetRules()
		if diagnostics := w.apply(w.config(nil)); coreFailed(diagnostics) {
			t.Error(unitText(diagnostics))
		}
		w.equal(t)
		if w.attribute("id") != scripts[0].ID {
			t.Error("the copy was kept, and not the script")
		}
		// Once nothing can turn up any more, nothing is looked for.
		time.Sleep(2 * time.Hour)
		w.refresh()
		w.sim.ClearRequests()
		w.refresh()
		if n := len(w.sim.Requests()); n != 1 {
			t.Errorf("a refresh makes %d calls", n)
		}
	})
}

// A script that is gone while a copy of it is there: the copy takes its place.
func TestStrayCopyTakesThePlaceOfAScriptThatIsGone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		w.sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.SlowCut(time.Minute)}})
		w.run(t, w.config(nil))
		time.Sleep(2 * time.Minute)
		w.sim.Remove(w.attribute("id"))
		w.core = w.another(t)
		w.apply(w.config(nil))
		w.equal(t)
		w.unchanged(t, w.config(nil))
	})
}

// What lost answers leave is known by its content. That is safe only while no two
// uploads are equal, not even of equal inputs: the payload is sealed anew each time.
func TestEachUploadIsAnother(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		seen := map[string]bool{}
		for _, boxes := range []string{"1", "2", "1"} {
			w.run(t, w.config(map[string]any{"upload_triggers": map[string]string{"boxes": boxes}}))
			seen[w.attribute("remote_sha256")] = true
		}
		if len(seen) != 3 {
			t.Errorf("%d scripts in 3 uploads: equal ones could be taken for each other's copies", len(seen))
		}
	})
}

// A script that was just made and is not seen yet is neither made again nor
// forgotten.
func TestHiddenScriptIsNotGone(t *testing.T) {
	for _, run := range scriptRuns {
		if run.name == "create" || run.name == "import" {
			continue
		}
		t.Run(run.name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
				w.sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{vultrsim.Hidden(5 * time.Second)}})
				if diagnostics := w.apply(w.config(nil)); len(diagnostics) > 0 {
					t.Fatal(unitText(diagnostics))
				}
				id := w.attribute("id")
				if run.name == "delete" {
					// Without a refresh, which would wait.
					if diagnostics := w.change(nil); len(diagnostics) > 0 || len(w.sim.Scripts()) != 0 {
						t.Errorf("%d scripts are left: %s", len(w.sim.Scripts()), unitText(diagnostics))
					}
					return
				}
				if diagnostics := run.do(w); len(diagnostics) > 0 {
					t.Error(unitText(diagnostics))
				}
				w.equal(t)
				if w.attribute("id") != id {
					t.Error("another script was made")
				}
			})
		})
	}
}
