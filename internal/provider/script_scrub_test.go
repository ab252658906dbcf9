package provider_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultr"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

const (
	willScrub = "The startup script will be scrubbed"
	isStub    = "The startup script is scrubbed"
)

// run applies and fails the test on an error or on other warnings than expected.
func (w *scriptWorld) run(t *testing.T, config map[string]any, warns ...string) {
	t.Helper()
	diagnostics := w.apply(config)
	text := unitText(diagnostics)
	if coreFailed(diagnostics) || len(diagnostics) != len(warns) {
		t.Fatalf("want %d warnings, got %s", len(warns), text)
	}
	for _, warning := range warns {
		if !strings.Contains(text, warning) {
			t.Fatalf("it does not warn %q: %s", warning, text)
		}
	}
}

// holds fails unless the account holds the placeholder, or a script with the secret.
func (w *scriptWorld) holds(t *testing.T, placeholder bool) {
	t.Helper()
	w.equal(t)
	body, err := w.sim.BootScript(w.sim.Scripts()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(body) == vultr.Placeholder().Reveal(); got != placeholder {
		t.Fatalf("the account holds the placeholder: %v, want %v", got, placeholder)
	}
	if secret := strings.Contains(string(body), w.box.identity); secret == placeholder {
		t.Fatalf("the identity is in the account: %v", secret)
	}
	var scrubbed bool
	var all map[string]tftypes.Value
	if w.state.As(&all) != nil || all["scrubbed"].As(&scrubbed) != nil || scrubbed != placeholder {
		t.Fatalf("scrubbed is %v, want %v", all["scrubbed"], placeholder)
	}
}

// unchanged fails unless a run has nothing to do.
func (w *scriptWorld) unchanged(t *testing.T, config map[string]any) {
	t.Helper()
	w.sim.ClearRequests()
	w.apply(config)
	for _, r := range w.sim.Requests() {
		if r.Method != "GET" {
			t.Errorf("a run that has nothing to do made a %s", r.Method)
		}
	}
}

func TestScrubLife(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		after := w.config(map[string]any{"scrub_after": "24h"})
		with := func(name string, value any) map[string]any {
			config := w.config(map[string]any{"scrub_after": "24h"})
			config[name] = value
			return config
		}
		w.run(t, after)
		id := w.attribute("id")

		// Never before the time, and drift does not move it.
		time.Sleep(24*time.Hour - time.Minute)
		w.unchanged(t, after)
		w.holds(t, false)
		w.sim.Alter(id, func(s *vultrsim.Script) { s.Script = "eA==" })
		w.run(t, after)
		w.holds(t, false)

		// At the time: the plan says it, and says so when a box would boot the placeholder.
		time.Sleep(time.Minute)
		w.refresh()
		plan, diagnostics := w.plan(w.state, after)
		if text := unitText(diagnostics); len(diagnostics) != 1 || !strings.Contains(text, willScrub) || !strings.Contains(text, id) || plan.empty || plan.replace {
			t.Fatalf("the plan: %s", text)
		}
		if got := coreText(t, plan.planned, "remote_sha256"); got != vultr.Digest(vultr.Placeholder()) {
			t.Errorf("the plan shows the digest %q and not the placeholder's", got)
		}
		w.holds(t, false)
		w.run(t, after, willScrub)
		w.holds(t, true)
		w.run(t, after, isStub)
		w.unchanged(t, after)
		w.holds(t, true)

		// Drift of the placeholder is repaired with the placeholder; so is a new name.
		for name, alter := range map[string]func(s *vultrsim.Script){
			"the body": func(s *vultrsim.Script) { s.Script = "eA==" },
			"the type": func(s *vultrsim.Script) { s.Type = "pxe" },
			"looks like one": func(s *vultrsim.Script) {
				s.Script = base64.StdEncoding.EncodeToString([]byte(vultr.Placeholder().Reveal() + "true\n"))
			},
			"the name": func(s *vultrsim.Script) { s.Name = "by hand" },
		} {
			w.sim.Alter(id, alter)
			w.run(t, after, isStub)
			w.holds(t, true)
			if held, _ := w.sim.Script(id); held.Name != "app" || held.Type != "boot" {
				t.Errorf("%s: not repaired: %+v", name, held)
			}
		}
		w.run(t, with("name", "renamed"), isStub)
		w.run(t, after, isStub)
		w.holds(t, true)
		// Nor do a new time, or none, put the secret back.
		w.run(t, with("scrub_after", "1h"), isStub)
		w.run(t, with("scrub_after", nil), isStub)
		w.run(t, after, isStub)
		w.holds(t, true)

		// New inputs do, in place, and the time begins anew.
		w.run(t, with("upload_triggers", map[string]string{"boxes": "2"}))
		w.holds(t, false)
		time.Sleep(23 * time.Hour)
		w.unchanged(t, with("upload_triggers", map[string]string{"boxes": "2"}))
		time.Sleep(time.Hour)
		w.run(t, with("upload_triggers", map[string]string{"boxes": "2"}), willScrub)
		w.holds(t, true)
		other := newPerson(t)
		w.box, w.bundle = other, sealedBundle(t, "TOKEN=other\n", other.recipient)
		w.run(t, w.config(map[string]any{"scrub_after": "24h", "upload_triggers": map[string]string{"boxes": "2"}}))
		w.holds(t, false)
		if w.attribute("id") != id {
			t.Error("the script was replaced")
		}
	})
}

// New inputs and the time to scrub in one plan: the inputs win.
func TestScrubDueWithNewInputs(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		w.run(t, w.config(map[string]any{"scrub_after": "1h"}))
		time.Sleep(2 * time.Hour)
		w.run(t, w.config(map[string]any{"scrub_after": "1h", "upload_triggers": map[string]string{"a": "1"}}))
		w.holds(t, false)
		// A longer time, given when the shorter has passed: it is not scrubbed.
		time.Sleep(2 * time.Hour)
		longer := w.config(map[string]any{"scrub_after": "3h", "upload_triggers": map[string]string{"a": "1"}})
		w.run(t, longer)
		w.unchanged(t, longer)
		w.holds(t, false)
		time.Sleep(time.Hour)
		w.run(t, longer, willScrub)
		w.holds(t, true)
	})
}

// What is planned without a refresh knows no newer time, and scrubs nothing.
func TestScrubNeedsARefresh(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		config := w.config(map[string]any{"scrub_after": "1h"})
		w.run(t, config)
		time.Sleep(2 * time.Hour)
		if plan, diagnostics := w.plan(w.state, config); !plan.empty || len(diagnostics) > 0 {
			t.Errorf("planned %v: %s", plan.planned, unitText(diagnostics))
		}
	})
}

// A plan that was saved before the time, or at it, does at apply what it said.
func TestScrubFollowsTheSavedPlan(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		config := w.config(map[string]any{"scrub_after": "1h"})
		w.run(t, config)
		renamed := w.config(map[string]any{"scrub_after": "1h", "name": "renamed"})
		w.refresh()
		plan, _ := w.plan(w.state, renamed)
		time.Sleep(2 * time.Hour)
		if diagnostics := w.change(&plan); len(diagnostics) > 0 {
			t.Fatal(unitText(diagnostics))
		}
		w.holds(t, false)
		w.refresh()
		plan, _ = w.plan(w.state, renamed)
		time.Sleep(48 * time.Hour)
		if diagnostics := w.change(&plan); coreFailed(diagnostics) {
			t.Fatal(unitText(diagnostics))
		}
		w.holds(t, true)
	})
}

// Inputs that are unknown while planning, and turn out equal, upload nothing; the
// plan says that it may scrub.
func TestScrubWithUnknownInputs(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		config := w.config(map[string]any{"scrub_after": "1h"})
		w.run(t, config)
		time.Sleep(2 * time.Hour)
		w.refresh()
		unknown := w.config(map[string]any{"scrub_after": "1h", "identity_wo": unitUnknown})
		plan, diagnostics := w.plan(w.state, unknown)
		if text := unitText(diagnostics); !strings.Contains(text, "may be scrubbed") || plan.replace {
			t.Fatalf("the plan: %s", text)
		}
		plan.config = w.open(w.value(w.schema(), config))
		if diagnostics := w.change(&plan); coreFailed(diagnostics) {
			t.Fatal(unitText(diagnostics))
		}
		w.holds(t, true)
		// Scrubbed, and unknown again: equal inputs leave the placeholder.
		plan, _ = w.plan(w.state, unknown)
		plan.config = w.open(w.value(w.schema(), config))
		if diagnostics := w.change(&plan); coreFailed(diagnostics) {
			t.Fatal(unitText(diagnostics))
		}
		w.holds(t, true)
	})
}

// scrub_after that is given later counts from the upload.
func TestScrubAfterGivenLater(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		w.run(t, w.config(nil))
		time.Sleep(2 * time.Hour)
		config := w.config(map[string]any{"scrub_after": "1h"})
		w.run(t, config) // takes it over
		w.holds(t, false)
		w.run(t, config, willScrub)
		w.holds(t, true)
	})
}

// A script that others have scrubbed, or that is imported so.
func TestScrubbedScriptIsImported(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		id := w.sim.Add("app", base64.StdEncoding.EncodeToString([]byte(vultr.Placeholder().Reveal()))).ID
		if diagnostics := w.imported(id); len(diagnostics) > 0 {
			t.Fatal(unitText(diagnostics))
		}
		w.holds(t, true)
		w.run(t, w.config(nil)) // what it is made of is new to it
		w.holds(t, false)
	})
}

func TestScrubAfterIsChecked(t *testing.T) {
	for text, valid := range map[string]bool{"72h": true, "90m": true, "1s": true, "0s": false, "-1h": false, "3d": false, "": false, "24": false} {
		u := newUnitServer(t, nil)
		resp, err := u.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
			TypeName: "ageenv_vultr_startup_script", Config: u.value(u.schemas.ResourceSchemas["ageenv_vultr_startup_script"], map[string]any{
				"name": "n", "identity_wo": "x", "scrub_after": text,
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Contains(unitText(resp.Diagnostics), "scrub_after is not a duration above zero")
		if said == valid {
			t.Errorf("%q: %s", text, unitText(resp.Diagnostics))
		}
	}
}

// The action, as Terraform from 1.14 on invokes it.
func TestScrubAction(t *testing.T) {
	const name = "ageenv_vultr_startup_script_scrub"
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		w.run(t, w.config(nil))
		id := w.attribute("id")
		foreign := w.sim.Add("by hand", base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho hi\n")))
		actions, ok := w.server.(tfprotov6.ProviderServerWithActions) //nolint:staticcheck // deprecated once all servers have it
		if !ok {
			t.Fatal("the server has no actions")
		}
		invoke := func(id string) string {
			config := w.value(w.schemas.ActionSchemas[name].Schema, map[string]any{"script_id": id})
			planned, err := actions.PlanAction(t.Context(), &tfprotov6.PlanActionRequest{ActionType: name, Config: config})
			if err != nil {
				t.Fatal(err)
			}
			if len(planned.Diagnostics) > 0 {
				return unitText(planned.Diagnostics)
			}
			resp, err := actions.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: name, Config: config})
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			for event := range resp.Events {
				switch event := event.Type.(type) {
				case tfprotov6.ProgressInvokeActionEventType:
					said.WriteString(event.Message)
				case tfprotov6.CompletedInvokeActionEventType:
					said.WriteString(unitText(event.Diagnostics))
				}
			}
			return said.String()
		}
		for _, tt := range []struct{ id, says string }{
			{"no ID", "a startup script's ID is a UUID"},
			{"00000000-0000-4000-8000-000000000000", "the account has no such startup script"},
			{foreign.ID, "was not made by this provider"},
			{id, "is scrubbed: a box"},
			{id, "is scrubbed already"},
		} {
			if said := invoke(tt.id); !strings.Contains(said, tt.says) {
				t.Errorf("%s: it says %q, want %q", tt.id, said, tt.says)
			}
		}
		if held, _ := w.sim.Script(foreign.ID); held != foreign {
			t.Errorf("a foreign script was changed: %+v", held)
		}
		w.sim.Remove(foreign.ID)

		// The next run sees it, leaves it, and says it; new inputs upload it again.
		w.core = w.another(t)
		w.run(t, w.config(nil), isStub)
		w.holds(t, true)
		w.unchanged(t, w.config(nil))
		w.run(t, w.config(map[string]any{"upload_triggers": map[string]string{"a": "1"}}))
		w.holds(t, false)

		w.sim.RevokeAPIKey()
		if said := invoke(id); !strings.Contains(said, "not authorized") {
			t.Errorf("with a revoked key it says %q", said)
		}
	})
}

// The configuration of the account may be missing or unknown for an action, too.
func TestScrubActionWithoutAnAccount(t *testing.T) {
	u := newUnitServer(t, nil, func(o *provider.Options) { o.Transport = vultrsim.New(vultrsim.Options{APIKey: simKey}).Transport() })
	u.configure("1.14.0", nil)
	actions, ok := u.server.(tfprotov6.ProviderServerWithActions) //nolint:staticcheck // deprecated once all servers have it
	if !ok {
		t.Fatal("the server has no actions")
	}
	const name = "ageenv_vultr_startup_script_scrub"
	resp, err := actions.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{
		ActionType: name, Config: u.value(u.schemas.ActionSchemas[name].Schema, map[string]any{"script_id": "00000000-0000-4000-8000-000000000000"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for event := range resp.Events {
		if completed, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
			unitExpect(t, completed.Diagnostics, "No Vultr API key")
		}
	}
}
