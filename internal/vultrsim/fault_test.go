package vultrsim_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// raw is what a call gave: an answer, or an error in its place.
type raw struct {
	status int
	header http.Header
	body   string
	err    error // of the call, or of reading the answer
}

// raise makes one call over a transport, the simulator's own or a real one.
func raise(t *testing.T, over http.RoundTripper, method, url, body string) raw {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := over.RoundTrip(req)
	if err != nil {
		return raw{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	return raw{resp.StatusCode, resp.Header, string(content), err}
}

// Each fault as a caller sees it, over a connection and without one: the answer,
// and whether a create has had its effect.
func TestFaults(t *testing.T) {
	const apiType, post = "application/json", `{"name":"n","script":"` + hello + `"}`
	for _, tt := range []struct {
		fault  vultrsim.Fault
		status int    // 0: no answer
		kind   string // content type
		body   string // part of it
		whole  bool   // the answer ends where it says
		effect bool
		header string // "Name: value" that has to be there
	}{
		{vultrsim.RateLimited(""), 429, apiType, `{"error":"rate limit exceeded","status":429}`, true, false, "Retry-After: "},
		{vultrsim.RateLimited("7"), 429, apiType, "rate limit exceeded", true, false, "Retry-After: 7"},
		{vultrsim.Refused(500), 500, apiType, `"status":500`, true, false, ""},
		{vultrsim.Refused(503), 503, apiType, `"status":503`, true, false, ""},
		{vultrsim.Refused(503).AfterEffect(), 503, apiType, `"status":503`, true, true, ""},
		{vultrsim.Refused(401), 401, apiType, `{"error":"Invalid API token.","status":401}`, true, false, ""},
		{vultrsim.EmptyBody(), 201, apiType, "", true, true, ""},
		{vultrsim.HTML(), 200, "text/html; charset=utf-8", "<title>", true, false, ""},
		{vultrsim.WrongType(), 201, "text/html", `"startup_script"`, true, true, ""},
		{vultrsim.Cut(), 0, "", "", false, false, ""},
		{vultrsim.Cut().AfterEffect(), 0, "", "", false, true, ""},
		{vultrsim.CutInBody(), 201, apiType, `{"startup_script"`, false, true, ""},
		{vultrsim.Slow(time.Millisecond), 201, apiType, `"startup_script"`, true, true, ""},
		{vultrsim.SlowCut(time.Millisecond), 0, "", "", false, true, ""},
		{vultrsim.Redirect("http://127.0.0.1:1/x"), 307, "", "", true, false, "Location: http://127.0.0.1:1/x"},
		{vultrsim.Hidden(time.Millisecond), 201, apiType, `"startup_script"`, true, true, ""},
		{vultrsim.Cut().AfterEffect().Hiding(time.Millisecond), 0, "", "", false, true, ""},
	} {
		for _, wired := range []bool{true, false} {
			t.Run(map[bool]string{true: "wired ", false: "in memory "}[wired]+tt.fault.String(), func(t *testing.T) {
				sim, url := start(t, vultrsim.Options{})
				over := sim.Transport()
				if wired {
					over = http.DefaultTransport
				}
				sim.SetRules(vultrsim.Rule{Faults: []vultrsim.Fault{tt.fault}, Times: 1})
				got := raise(t, over, http.MethodPost, url+scripts, post)
				if got.status != tt.status || (got.err == nil) != tt.whole {
					t.Errorf("status %d, %v; want %d, whole %v", got.status, got.err, tt.status, tt.whole)
				}
				if !strings.Contains(got.body, tt.body) || tt.body == "" && got.body != "" || got.header.Get("Content-Type") != tt.kind {
					t.Errorf("a body %q of type %q", got.body, got.header.Get("Content-Type"))
				}
				if name, value, want := strings.Cut(tt.header, ": "); want && got.header.Get(name) != value {
					t.Errorf("%s is %q", name, got.header.Get(name))
				}
				if strings.Contains(tt.fault.String(), "effect after") {
					time.Sleep(100 * time.Millisecond)
				}
				if effect := len(sim.Scripts()) == 1; effect != tt.effect {
					t.Errorf("effect: %v, want %v", effect, tt.effect)
				}
				if log := sim.Requests(); len(log) != 1 || log[0].Status != tt.status || log[0].Fault != tt.fault.String() {
					t.Errorf("the log has %+v", log)
				}
				if again := raise(t, over, http.MethodPost, url+scripts, post); again.status != 201 || again.err != nil {
					t.Errorf("after the fault: %d, %v", again.status, again.err)
				}
			})
		}
	}
}

func TestRulesChooseTheirCalls(t *testing.T) {
	sim, url := start(t, vultrsim.Options{})
	one := sim.Add("n", hello)
	calls := map[vultrsim.Op]func() raw{
		vultrsim.OpCreate: func() raw {
			return raise(t, sim.Transport(), "POST", url+scripts, `{"name":"n","script":"`+hello+`"}`)
		},
		vultrsim.OpRead:   func() raw { return raise(t, sim.Transport(), "GET", url+scripts+"/"+one.ID, "") },
		vultrsim.OpUpdate: func() raw { return raise(t, sim.Transport(), "PATCH", url+scripts+"/"+one.ID, `{"name":"m"}`) },
		vultrsim.OpDelete: func() raw { return raise(t, sim.Transport(), "DELETE", url+scripts+"/"+unknown, "") },
		vultrsim.OpList:   func() raw { return raise(t, sim.Transport(), "GET", url+scripts+"?per_page=1", "") },
	}
	const fails = 503
	for op := range calls {
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{op}, Faults: []vultrsim.Fault{vultrsim.Refused(fails)}})
		for other, call := range calls {
			if got := call(); (got.status == fails) != (other == op) {
				t.Errorf("a rule for %s: %s is answered %d", op, other, got.status)
			}
		}
	}
	sim.SetRules(vultrsim.Rule{After: 2, Times: 2, Faults: []vultrsim.Fault{vultrsim.Refused(fails)}})
	for i, want := range []int{200, 200, fails, fails, 200} {
		if got := calls[vultrsim.OpRead](); got.status != want {
			t.Errorf("call %d: status %d, want %d", i+1, got.status, want)
		}
	}
	// The first rule that strikes counts, and one that has struck enough lets the next have its turn.
	sim.SetRules(
		vultrsim.Rule{Times: 1, Faults: []vultrsim.Fault{vultrsim.Refused(500)}},
		vultrsim.Rule{Faults: []vultrsim.Fault{vultrsim.Refused(fails)}},
	)
	for i, want := range []int{500, fails} {
		if got := calls[vultrsim.OpRead](); got.status != want {
			t.Errorf("call %d: status %d, want %d", i+1, got.status, want)
		}
	}
	sim.SetRules()
	if got := calls[vultrsim.OpRead](); got.status != 200 {
		t.Errorf("without rules: status %d", got.status)
	}
}

func TestChanceIsSeeded(t *testing.T) {
	strokes := func(seed uint64) (text string, hits int) {
		sim := vultrsim.New(vultrsim.Options{APIKey: key, Seed: seed})
		sim.SetRules(vultrsim.Rule{Chance: 0.2, Faults: []vultrsim.Fault{vultrsim.Refused(500), vultrsim.Refused(503)}})
		for range 500 {
			got := raise(t, sim.Transport(), "GET", "http://sim"+scripts, "")
			text += http.StatusText(got.status)
			if got.status != 200 {
				hits++
			}
		}
		return text, hits
	}
	one, hits := strokes(1)
	if again, _ := strokes(1); again != one {
		t.Error("the same seed gives other faults")
	}
	if other, _ := strokes(2); other == one {
		t.Error("another seed gives the same faults")
	}
	if hits < 50 || hits > 150 {
		t.Errorf("%d of 500 calls were struck, want about 100", hits)
	}
	for _, text := range []string{http.StatusText(http.StatusInternalServerError), http.StatusText(http.StatusServiceUnavailable)} {
		if !strings.Contains(one, text) {
			t.Errorf("no stroke was %s", text)
		}
	}
}

func TestHiddenScriptsAreNotThere(t *testing.T) {
	clock := newClock()
	sim, url := start(t, vultrsim.Options{Now: clock.now})
	sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, After: 1, Faults: []vultrsim.Fault{vultrsim.Hidden(3 * time.Second)}})
	first, hidden := made(t, url, "seen"), made(t, url, "hidden")
	look := func(want int) {
		t.Helper()
		for method, body := range map[string]string{"GET": "", "PATCH": `{"name":"m"}`, "DELETE": ""} {
			if want == 200 && method != "GET" {
				continue
			}
			if got := ask(t, method, url+scripts+"/"+hidden.ID, body).status; got != want {
				t.Errorf("%s: status %d, want %d", method, got, want)
			}
		}
		if a := ask(t, "GET", url+scripts, ""); len(a.Many) != a.Meta.Total || len(a.Many) != map[int]int{404: 1, 200: 2}[want] || a.Many[0].ID != first.ID {
			t.Errorf("the list is %s", a.raw)
		}
	}
	look(404)
	if _, err := sim.BootScript(hidden.ID); err != nil {
		t.Error("the account has it all the same:", err)
	}
	clock.move(3 * time.Second)
	look(200)
}

func TestLimit(t *testing.T) {
	clock := newClock()
	sim, url := start(t, vultrsim.Options{Now: clock.now, RequestsPerSecond: 3})
	status := func() int { return raise(t, sim.Transport(), "GET", url+scripts, "").status }
	for i, want := range []int{200, 200, 200, 429, 429} {
		if got := status(); got != want {
			t.Errorf("call %d: status %d, want %d", i+1, got, want)
		}
		clock.move(100 * time.Millisecond)
	}
	clock.move(500 * time.Millisecond) // a second after the first call
	for i, want := range []int{200, 429} {
		if got := status(); got != want {
			t.Errorf("call %d of the next second: status %d, want %d", i+1, got, want)
		}
	}
	if got := ask(t, "GET", url+scripts, "", "Authorization: "); got.status != 429 || got.raw != `{"error":"rate limit exceeded","status":429}` {
		t.Errorf("got %s", got.raw)
	}
}

// Stopping ends the waits of slow answers, and their goroutines.
func TestStopEndsSlowAnswers(t *testing.T) {
	sim := vultrsim.New(vultrsim.Options{APIKey: key})
	url, stop, err := sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	sim.SetRules(vultrsim.Rule{Faults: []vultrsim.Fault{vultrsim.Slow(time.Hour)}})
	ended := make(chan raw)
	go func() { ended <- raise(t, &http.Transport{}, "GET", url+scripts, "") }()
	for deadline := time.Now().Add(10 * time.Second); sim.Struck() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	stop()
	if got := <-ended; got.err == nil {
		t.Errorf("answered %d", got.status)
	}
	for deadline := time.Now().Add(10 * time.Second); len(sim.Requests()) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the call goes on")
		}
		time.Sleep(time.Millisecond)
	}
}

// In a bubble of virtual time an hour's wait is none, a caller can go before the
// answer, and the effect comes all the same.
func TestTransportInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := vultrsim.New(vultrsim.Options{APIKey: key})
		sim.SetRules(vultrsim.Rule{Faults: []vultrsim.Fault{vultrsim.Slow(time.Hour)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", "http://sim"+scripts, strings.NewReader(`{"name":"n","script":"`+hello+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := sim.Transport().RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
			t.Error("answered before it was time")
		}
		if n := len(sim.Scripts()); n != 0 {
			t.Errorf("%d scripts after a minute", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(sim.Scripts()); n != 1 {
			t.Errorf("%d scripts after an hour", n)
		}
	})
}
