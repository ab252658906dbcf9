package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// A plan is for the ciphertext that it was made with. Terraform finds another one when it
// plans again before it applies; this is for a core that does not.
func TestScriptRefusesAnotherCiphertextAtApply(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		other := w.config(map[string]any{"files": []any{map[string]any{
			"ciphertext_wo": sealedBundle(t, "TOKEN=other\n", w.box.recipient), "path": "/opt/app/.env",
		}}})
		refused := func(config map[string]any) {
			t.Helper()
			plan, diagnostics := w.plan(w.state, config)
			if coreFailed(diagnostics) {
				t.Fatal(unitText(diagnostics))
			}
			w.sim.ClearRequests()
			resp, err := w.server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
				TypeName: w.name, PriorState: w.dynamic(w.state), PlannedState: w.dynamic(plan.planned),
				Config: w.value(w.schema(), other), PlannedPrivate: plan.private,
			})
			if err != nil {
				t.Fatal(err)
			}
			unitExpect(t, resp.Diagnostics, "The bundle changed between plan and apply", `AttributeName("ciphertext_wo")`, "Plan again.")
			if n := len(w.sim.Requests()); n != 0 {
				t.Errorf("%d calls, want none", n)
			}
		}
		refused(w.config(nil))
		w.run(t, w.config(nil))
		refused(w.config(map[string]any{"upload_triggers": map[string]string{"a": "b"}}))
		w.unchanged(t, w.config(nil))
	})
}

// A file that is unknown as a whole is one whose values are unknown.
func TestScriptPlansUnknownFile(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, w *scriptWorld) {
		plan, diagnostics := w.plan(w.state, w.config(map[string]any{"files": []any{unitUnknown, unitUnknown}}))
		if coreFailed(diagnostics) || strings.Contains(unitText(diagnostics), "files") {
			t.Fatal(unitText(diagnostics))
		}
		plan.config = w.open(w.value(w.schema(), w.config(map[string]any{"files": []any{
			map[string]any{"ciphertext_wo": w.bundle, "path": "/opt/app/.env"}, map[string]any{"ciphertext_wo": w.bundle, "path": "/opt/b/.env"},
		}})))
		if diagnostics := w.change(&plan); len(diagnostics) > 0 {
			t.Fatal(unitText(diagnostics))
		}
		w.equal(t)
	})
}
