package main

import (
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"
)

func TestExponent(t *testing.T) {
	for want, figures := range map[float64][2]float64{1: {3, 30}, 2: {3, 300}, 0: {3, 3}} {
		if got := exponent(10, figures[0], 100, figures[1]); math.Abs(got-want) > 1e-9 {
			t.Errorf("from %v: %v, want %v", figures, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	row := compare("part", "case", "s", map[string]float64{ours: 3, "like": 6})
	for want, tt := range map[string]Row{
		"":             row,
		"reached":      row.within(0.5, "like"),
		"missed":       row.within(0.4, "like"),
		"not measured": row.within(0.5, "likeq"),
	} {
		if got := tt.verdict(); got != want {
			t.Errorf("%s: %q, want %q", tt.Target, got, want)
		}
	}
	if got := row.within(2, "").verdict(); got != "missed" {
		t.Errorf("ours alone: %q", got)
	}
}

// A run fails on a count over its limit, without one, and on a limit without a count.
func TestLimits(t *testing.T) {
	r := newReport(io.Discard, true)
	for name, count := range map[string]float64{"under": 1, "over": 3, "new": 1} {
		r.check(name, count)
	}
	r.checkLimits(map[string]float64{"under": 2, "over": 2, "gone": 2})
	said := strings.Join(r.Faults, "\n")
	for _, want := range []string{"over: 3, and the limit is 2", "new: it has no limit", "gone: it has a limit"} {
		if !strings.Contains(said, want) {
			t.Errorf("no fault says %q: %s", want, said)
		}
	}
	if len(r.Faults) != 3 {
		t.Errorf("%d faults, want 3", len(r.Faults))
	}
	r.grow("fast", 2, 1.2)
	if len(r.Faults) != 4 {
		t.Error("growth over its limit is no fault")
	}
	if err := r.finish(t.TempDir() + "/report.json"); err == nil {
		t.Error("a run with faults succeeds")
	}
}

func TestMultiplied(t *testing.T) {
	state := `{"resources": [{"instances": [{"index_key": 0, "attributes": {"id": "a"}}, {"index_key": 1, "attributes": {"id": "b"}}]}]}`
	text, err := multiplied(state, 5)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Resources []struct {
			Instances []struct {
				Index      int `json:"index_key"`
				Attributes struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(text, &parsed); err != nil || len(parsed.Resources) != 1 || len(parsed.Resources[0].Instances) != 5 {
		t.Fatalf("%v: %s", err, text)
	}
	for i, instance := range parsed.Resources[0].Instances {
		if instance.Index != i || instance.Attributes.ID != "b" {
			t.Errorf("instance %d is %+v", i, instance)
		}
	}
	if _, err := multiplied(`{"resources": []}`, 5); err == nil {
		t.Error("a state without a resource is multiplied")
	}
}
