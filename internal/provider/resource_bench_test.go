package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// benchCases are a bundle and a key of the common kind: one operator, one recipient.
func benchCases(tb testing.TB) (operator person, cases map[string]map[string]any) {
	tb.Helper()
	operator = newPerson(tb)
	return operator, map[string]map[string]any{
		"ageenv_bundle": {
			"entries_wo": map[string]any{"TOKEN": "first", "DB_URL": "postgres://u:p@h/db"}, "recipients": []string{newPerson(tb).recipient},
			"format": "sops_dotenv", "dialect": "compose",
		},
		"ageenv_key": {"algorithm": "x25519"},
	}
}

func benchCore(tb testing.TB, operator person, name string) *core {
	tb.Helper()
	env := map[string]string{"SOPS_AGE_KEY": operator.identity}
	u := newUnitServer(tb, env)
	if diagnostics := u.configure("1.11.4", map[string]any{"escrow_recipients": []string{operator.recipient}}); len(diagnostics) > 0 {
		tb.Fatal(unitText(diagnostics))
	}
	return newCore(u, name)
}

// BenchmarkUnchanged is what the provider does for one resource in a plan that changes
// nothing: a refresh and a plan. The wrap of a key is opened in the first of them alone.
func BenchmarkUnchanged(b *testing.B) {
	operator, cases := benchCases(b)
	for name, arguments := range cases {
		b.Run(name, func(b *testing.B) {
			c := benchCore(b, operator, name)
			if diagnostics := c.apply(arguments); coreFailed(diagnostics) {
				b.Fatal(unitText(diagnostics))
			}
			state, config := c.dynamic(c.state), c.value(c.schema(), arguments)
			read := &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: state}
			plan := &tfprotov6.PlanResourceChangeRequest{TypeName: name, PriorState: state, Config: config, ProposedNewState: c.dynamic(c.proposed(c.state, c.open(config)))}
			b.ReportAllocs()
			for b.Loop() {
				if resp, err := c.server.ReadResource(b.Context(), read); err != nil || len(resp.Diagnostics) > 0 {
					b.Fatal(err, unitText(resp.Diagnostics))
				}
				if resp, err := c.server.PlanResourceChange(b.Context(), plan); err != nil || len(resp.Diagnostics) > 0 {
					b.Fatal(err, unitText(resp.Diagnostics))
				}
			}
		})
	}
}

// BenchmarkNew is what the provider does for one resource that is new: a plan, the plan
// that Terraform repeats in the apply, and the apply.
func BenchmarkNew(b *testing.B) {
	operator, cases := benchCases(b)
	for name, arguments := range cases {
		b.Run(name, func(b *testing.B) {
			c := benchCore(b, operator, name)
			null, config := c.dynamic(c.state), c.value(c.schema(), arguments)
			plan := &tfprotov6.PlanResourceChangeRequest{TypeName: name, PriorState: null, Config: config, ProposedNewState: c.dynamic(c.proposed(c.state, c.open(config)))}
			b.ReportAllocs()
			for b.Loop() {
				var planned *tfprotov6.PlanResourceChangeResponse
				for range 2 {
					var err error
					if planned, err = c.server.PlanResourceChange(b.Context(), plan); err != nil || coreFailed(planned.Diagnostics) {
						b.Fatal(err, unitText(planned.Diagnostics))
					}
				}
				apply := &tfprotov6.ApplyResourceChangeRequest{TypeName: name, PriorState: null, PlannedState: planned.PlannedState, Config: config}
				if resp, err := c.server.ApplyResourceChange(b.Context(), apply); err != nil || coreFailed(resp.Diagnostics) {
					b.Fatal(err, unitText(resp.Diagnostics))
				}
			}
		})
	}
}
