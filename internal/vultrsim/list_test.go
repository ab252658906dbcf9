package vultrsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

func TestPages(t *testing.T) {
	sim, url := start(t, vultrsim.Options{PerPage: 3})
	var want []string
	for i := range 7 {
		want = append(want, sim.Add(fmt.Sprint(i), hello).ID)
	}
	page := func(query string) (ids []string, next, prev string) {
		t.Helper()
		a := ask(t, "GET", url+scripts+query, "")
		if a.status != 200 || a.Meta.Total != len(sim.Scripts()) || a.Meta.Links.Next == nil || a.Meta.Links.Prev == nil {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if strings.Contains(a.raw, `"script":`) {
			t.Error("a list has no bodies")
		}
		for _, o := range a.Many {
			ids = append(ids, o.ID)
		}
		return ids, *a.Meta.Links.Next, *a.Meta.Links.Prev
	}
	same := func(what string, got, want []string) {
		t.Helper()
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}

	first, next, prev := page("")
	same("first", first, want[:3])
	if prev != "" {
		t.Error("nothing is before the first page")
	}
	second, next, prev := page("?cursor=" + next)
	same("second", second, want[3:6])
	back, _, none := page("?cursor=" + prev)
	same("back to the first", back, want[:3])
	if none != "" {
		t.Error("nothing is before the first page")
	}
	third, end, _ := page("?cursor=" + next)
	same("third", third, want[6:])
	if end != "" {
		t.Error("nothing is after the last page")
	}
	all, end, _ := page("?per_page=7")
	same("all", all, want)
	if end != "" {
		t.Error("a page that holds all has no next")
	}

	// What the cursor points at goes: nothing is skipped or shown twice.
	_, next, _ = page("")
	sim.Remove(want[0])
	sim.Remove(want[2])
	second, _, _ = page("?cursor=" + next)
	same("second after deletions", second, want[3:6])
}

func TestPageDefaults(t *testing.T) {
	sim, url := start(t, vultrsim.Options{})
	for range vultrsim.MaxPerPage + 1 {
		sim.Add("same name", hello)
	}
	for query, want := range map[string]int{"": vultrsim.DefaultPerPage, "?per_page=500": vultrsim.MaxPerPage} {
		if a := ask(t, "GET", url+scripts+query, ""); len(a.Many) != want {
			t.Errorf("%q: %d scripts, want %d", query, len(a.Many), want)
		}
	}
}

func TestEmptyListIsAList(t *testing.T) {
	_, url := start(t, vultrsim.Options{})
	want := `{"startup_scripts":[],"meta":{"total":0,"links":{"next":"","prev":""}}}`
	if a := ask(t, "GET", url+scripts, ""); a.raw != want {
		t.Errorf("got %s", a.raw)
	}
}
