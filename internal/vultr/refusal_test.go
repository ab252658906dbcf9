package vultr

import (
	"net/http"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// A refusal in the midst of a run that went well is asked about once more; one that
// stays is believed, by those who come after it too.
func TestARefusalInMidRun(t *testing.T) {
	for _, tt := range []struct {
		fault vultrsim.Fault
		kind  error
	}{{vultrsim.Refused(http.StatusUnauthorized), ErrUnauthorized}, {vultrsim.Redirect("http://127.0.0.1:1/"), ErrRedirect}} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				create := func(name string, posts int, fails error) {
					t.Helper()
					sim.ClearRequests()
					_, err := c.CreateScript(t.Context(), name, secret.New(bodyCanary))
					if fails != nil {
						isExactly(t, err, fails)
					} else if err != nil {
						t.Error(err)
					}
					if n := len(sim.Requests()); n != posts {
						t.Errorf("%s: %d requests, want %d", name, n, posts)
					}
				}
				rule := vultrsim.Rule{Faults: []vultrsim.Fault{tt.fault}}
				sim.SetRules(rule)
				create("at first", 1, tt.kind)
				sim.SetRules()
				create("well", 1, nil)
				rule.Times = 1
				sim.SetRules(rule)
				create("refused once", 2, nil)
				rule.Times = 0
				sim.SetRules(rule)
				create("refused", 2, tt.kind)
				create("refused still", 1, tt.kind)
				sim.SetRules()
				create("well again", 1, nil)
				rule.Times = 1
				sim.SetRules(rule)
				create("refused once again", 2, nil)
				if n := len(sim.Scripts()); n != 4 {
					t.Errorf("%d scripts", n)
				}
			})
		})
	}
}
