// Package dashboard checks the example's Grafana dashboard by Grafana's own types.
package dashboard

import (
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const file = "../../examples/monitoring/ageenv-dashboard.json"

// Every field is one that Grafana knows, of its type, and none that its panels and
// queries need is missing.
func TestDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard.Dashboard //nolint:staticcheck // the form that Grafana imports
	// It returns an empty list of faults where there are none.
	if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if len(d.Panels) == 0 {
		t.Error("no panels")
	}
}
