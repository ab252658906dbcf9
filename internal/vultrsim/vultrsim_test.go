package vultrsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vultr/govultr/v3"
	"golang.org/x/oauth2"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

const (
	key     = "KEYCANARY"
	scripts = "/v2/startup-scripts"
	hello   = "ZWNobyBoaQ==" // echo hi
	unknown = "00000000-0000-4000-8000-000000000000"
)

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock {
	return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("west", -3600))}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type object struct {
	ID           string  `json:"id"`
	DateCreated  string  `json:"date_created"`
	DateModified string  `json:"date_modified"`
	Name         string  `json:"name"`
	Type         string  `json:"type"`
	Script       *string `json:"script"`
}

type answer struct {
	status int
	header http.Header
	raw    string
	One    object   `json:"startup_script"`
	Many   []object `json:"startup_scripts"`
	Meta   struct {
		Total int `json:"total"`
		Links struct {
			Next *string `json:"next"`
			Prev *string `json:"prev"`
		} `json:"links"`
	} `json:"meta"`
	Error  string `json:"error"`
	Status int    `json:"status"`
}

func start(t *testing.T, o vultrsim.Options) (*vultrsim.Server, string) {
	t.Helper()
	o.APIKey = key
	sim := vultrsim.New(o)
	url, stop, err := sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return sim, url
}

// ask sends one request with the right key and content type, unless headers
// ("Name: value", or "Name: " to leave it out) say otherwise.
func ask(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatalf("%s %s: %v: %s", method, url, err, raw)
		}
		if kind := resp.Header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("content type %q", kind)
		}
	}
	return a
}

func made(t *testing.T, url, name string) object {
	t.Helper()
	a := ask(t, "POST", url+scripts, `{"name":"`+name+`","script":"`+hello+`"}`)
	if a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.raw)
	}
	return a.One
}

func TestLifeOfAScript(t *testing.T) {
	clock := newClock()
	sim, url := start(t, vultrsim.Options{Now: clock.now})
	one := made(t, url, "n")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(one.ID) {
		t.Errorf("ID %q is no random UUID", one.ID)
	}
	const created = "2026-01-02T04:04:05+00:00"
	if one.Name != "n" || one.Type != "boot" || one.Script == nil || *one.Script != hello || one.DateCreated != created || one.DateModified != created {
		t.Errorf("created %+v", one)
	}
	if got, err := sim.BootScript(one.ID); err != nil || string(got) != "echo hi" {
		t.Errorf("a box gets %q, %v", got, err)
	}

	clock.move(time.Hour)
	for _, tt := range []struct{ name, patch, wantName, wantType, wantScript string }{
		{"name", `{"name":"m"}`, "m", "boot", hello},
		{"script", `{"script":"eA=="}`, "m", "boot", "eA=="},
		{"type", `{"type":"pxe"}`, "m", "pxe", "eA=="},
		{"nothing", `{}`, "m", "pxe", "eA=="},
		{"all", `{"name":"n","type":"boot","script":"eQ=="}`, "n", "boot", "eQ=="},
	} {
		a := ask(t, "PATCH", url+scripts+"/"+one.ID, tt.patch)
		if a.status != http.StatusNoContent || a.raw != "" {
			t.Errorf("patch %s: status %d, body %q", tt.name, a.status, a.raw)
		}
		got := ask(t, "GET", url+scripts+"/"+one.ID, "")
		if o := got.One; got.status != 200 || o.Name != tt.wantName || o.Type != tt.wantType || *o.Script != tt.wantScript {
			t.Errorf("after patch %s: %d %s", tt.name, got.status, got.raw)
		}
		if o := got.One; o.DateCreated != created || o.DateModified != "2026-01-02T05:04:05+00:00" {
			t.Errorf("dates after patch %s: %s, %s", tt.name, o.DateCreated, o.DateModified)
		}
	}

	if a := ask(t, "DELETE", url+scripts+"/"+one.ID, ""); a.status != http.StatusNoContent || a.raw != "" {
		t.Errorf("delete: status %d, body %q", a.status, a.raw)
	}
	for method, body := range map[string]string{"GET": "", "PATCH": "{}", "DELETE": ""} {
		a := ask(t, method, url+scripts+"/"+one.ID, body)
		if a.status != 404 || a.Status != 404 || a.Error == "" {
			t.Errorf("%s after delete: %d %s", method, a.status, a.raw)
		}
	}
	if n := len(sim.Scripts()); n != 0 {
		t.Errorf("%d scripts are left", n)
	}
}

func TestStrictness(t *testing.T) {
	sim, url := start(t, vultrsim.Options{MaxBody: 1000})
	one := scripts + "/" + made(t, url, "n").ID
	before := sim.Scripts()[0]
	post := func(fields string) string { return `{"name":"n","script":"` + hello + `"` + fields + `}` }
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		headers                  string
	}{
		{"no key", "GET", scripts, "", 401, "Authorization: "},
		{"wrong key", "GET", scripts, "", 401, "Authorization: Bearer other"},
		{"key with more after it", "GET", scripts, "", 401, "Authorization: Bearer " + key + "x"},
		{"other scheme", "GET", scripts, "", 401, "Authorization: Basic " + key},
		{"bare key", "GET", scripts, "", 401, "Authorization: " + key},
		{"no key, unknown path", "GET", "/v2/x", "", 401, "Authorization: "},

		{"no name", "POST", scripts, `{"script":"` + hello + `"}`, 400, ""},
		{"empty name", "POST", scripts, `{"name":"","script":"` + hello + `"}`, 400, ""},
		{"blank name", "POST", scripts, `{"name":" ","script":"` + hello + `"}`, 400, ""},
		{"no script", "POST", scripts, `{"name":"n"}`, 400, ""},
		{"empty script", "POST", scripts, `{"name":"n","script":""}`, 400, ""},
		{"plain script", "POST", scripts, `{"name":"n","script":"#!/bin/sh"}`, 400, ""},
		{"unpadded", "POST", scripts, `{"name":"n","script":"eA"}`, 400, ""},
		{"line break in base64", "POST", scripts, `{"name":"n","script":"ZWNo\nbyBoaQ=="}`, 400, ""},
		{"URL alphabet", "POST", scripts, `{"name":"n","script":"_-__"}`, 400, ""},
		{"trailing bits", "POST", scripts, `{"name":"n","script":"eB=="}`, 400, ""},
		{"bad type", "POST", scripts, post(`,"type":"cloud"`), 400, ""},
		{"empty type", "POST", scripts, post(`,"type":""`), 400, ""},
		{"unknown member", "POST", scripts, post(`,"label":"x"`), 400, ""},
		{"wrong JSON type", "POST", scripts, `{"name":1,"script":"` + hello + `"}`, 400, ""},
		{"not JSON", "POST", scripts, `name=n`, 400, ""},
		{"no body", "POST", scripts, ``, 400, ""},
		{"two documents", "POST", scripts, post("") + `{}`, 400, ""},
		{"trailing garbage", "POST", scripts, post("") + `]`, 400, ""},
		{"form", "POST", scripts, post(""), 400, "Content-Type: application/x-www-form-urlencoded"},
		{"no content type", "POST", scripts, post(""), 400, "Content-Type: "},
		{"too large", "POST", scripts, `{"name":"` + strings.Repeat("n", 1000) + `","script":"` + hello + `"}`, 413, ""},
		{"too large behind the object", "POST", scripts, post("") + strings.Repeat(" ", 1000), 413, ""},

		{"patch with an empty name", "PATCH", one, `{"name":""}`, 400, ""},
		{"patch with a plain script", "PATCH", one, `{"script":"x y"}`, 400, ""},
		{"patch with a bad type", "PATCH", one, `{"type":"x"}`, 400, ""},
		{"patch with an unknown member", "PATCH", one, `{"id":"x"}`, 400, ""},
		{"patch of what is not there", "PATCH", scripts + "/" + unknown, `{}`, 404, ""},
		{"get of what is not there", "GET", scripts + "/" + unknown, "", 404, ""},
		{"delete of what is not there", "DELETE", scripts + "/" + unknown, "", 404, ""},

		{"ID that is no UUID", "GET", scripts + "/x", "", 400, ""},
		{"ID in upper case", "GET", scripts + "/" + strings.ToUpper("cb676a46-66fd-4dfb-b839-443f2e6c0b60"), "", 400, ""},
		{"ID with a slash behind", "DELETE", one + "/", "", 400, ""},
		{"another collection", "GET", "/v2/instances/" + unknown, "", 404, ""},
		{"a name that begins alike", "GET", scripts + "x", "", 404, ""},
		{"root", "GET", "/", "", 404, ""},
		{"delete of the collection", "DELETE", scripts + "/", "", 405, ""},
		{"put", "PUT", one, "{}", 405, ""},
		{"post to one", "POST", one, "{}", 405, ""},

		{"per_page of zero", "GET", scripts + "?per_page=0", "", 400, ""},
		{"per_page too large", "GET", scripts + "?per_page=501", "", 400, ""},
		{"per_page that is no number", "GET", scripts + "?per_page=all", "", 400, ""},
		{"unknown parameter", "GET", scripts + "?page=2", "", 400, ""},
		{"parameter twice", "GET", scripts + "?per_page=5&per_page=6", "", 400, ""},
		{"malformed query", "GET", scripts + "?per_page=%zz", "", 400, ""},
		{"query of one", "GET", one + "?per_page=5", "", 400, ""},
		{"query of a create", "POST", scripts + "?x=1", post(""), 400, ""},
		{"body of a list", "GET", scripts, "{}", 400, ""},
		{"body of a read", "GET", one, "{}", 400, ""},
		{"body of a delete", "DELETE", one, "{}", 400, ""},
		{"member twice", "POST", scripts, post(`,"name":"m"`), 400, ""},
		{"member in another case", "POST", scripts, post(`,"Name":"m"`), 400, ""},
		{"object as a member", "POST", scripts, post(`,"type":{"name":"m"}`), 400, ""},
		{"list", "POST", scripts, `[]`, 400, ""},
		{"null", "POST", scripts, `null`, 400, ""},
		{"not UTF-8", "POST", scripts, "{\"name\":\"n\xff\",\"script\":\"" + hello + "\"}", 400, ""},
		{"control character in the name", "POST", scripts, `{"name":"a\nb","script":"` + hello + `"}`, 400, ""},
		{"cursor that was not handed out", "GET", scripts + "?cursor=abc", "", 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.headers != "" {
				headers = []string{tt.headers}
			}
			a := ask(t, tt.method, url+tt.path, tt.body, headers...)
			if a.status != tt.status || a.Status != tt.status || a.Error == "" {
				t.Errorf("got %d %s, want %d", a.status, a.raw, tt.status)
			}
			if tt.status == 401 && a.raw != `{"error":"Invalid API token.","status":401}` {
				t.Errorf("a 401 is %s", a.raw)
			}
			if allow := a.header.Get("Allow"); (tt.status == 405) != (allow != "") {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
	if got := sim.Scripts(); len(got) != 1 || got[0] != before {
		t.Errorf("a refused call had an effect: %+v", got)
	}
	if a := ask(t, "POST", url+scripts, post(`,"type":"pxe"`), "Content-Type: application/json; charset=utf-8"); a.status != 201 || a.One.Type != "pxe" {
		t.Errorf("a good POST: %d %s", a.status, a.raw)
	}
	if a := ask(t, "GET", url+scripts+"/", ""); a.status != 200 || len(a.Many) != 2 {
		t.Errorf("the collection with a slash: %d %s", a.status, a.raw)
	}
}

func TestBehindTheClientsBack(t *testing.T) {
	clock := newClock()
	sim, url := start(t, vultrsim.Options{Now: clock.now})
	one := made(t, url, "n")
	clock.move(time.Minute)
	if !sim.Alter(one.ID, func(s *vultrsim.Script) {
		s.Name, s.Script, s.ID, s.DateCreated = "by hand", "not base64", unknown, "never"
	}) {
		t.Fatal("nothing to alter")
	}
	got := ask(t, "GET", url+scripts+"/"+one.ID, "").One
	if got.Name != "by hand" || *got.Script != "not base64" || got.DateCreated != one.DateCreated || got.DateModified == one.DateModified {
		t.Errorf("altered: %+v", got)
	}
	if _, err := sim.BootScript(one.ID); err == nil {
		t.Error("what is not base64 boots no box")
	}
	if s, ok := sim.Script(one.ID); !ok || s.Name != "by hand" {
		t.Errorf("got %+v, %v", s, ok)
	}
	if !sim.Remove(one.ID) || sim.Remove(one.ID) {
		t.Error("remove must report whether there was a script")
	}
	if sim.Alter(one.ID, func(*vultrsim.Script) { t.Error("altered what is gone") }) {
		t.Error("altered what is gone")
	}
	if _, err := sim.BootScript(one.ID); err == nil {
		t.Error("what is gone boots no box")
	}
	if a := ask(t, "GET", url+scripts+"/"+one.ID, ""); a.status != 404 {
		t.Errorf("status %d", a.status)
	}
}

func TestKeyChangesWhileServing(t *testing.T) {
	sim, url := start(t, vultrsim.Options{})
	status := func(key string) int { return ask(t, "GET", url+scripts, "", "Authorization: Bearer "+key).status }
	sim.SetAPIKey("second")
	if status(key) != 401 || status("second") != 200 {
		t.Error("the second key must be the only one")
	}
	sim.RevokeAPIKey()
	for _, given := range []string{key, "second", ""} {
		if status(given) != 401 {
			t.Errorf("key %q is accepted", given)
		}
	}
	// The revoked key is empty inside, and must not equal a header with nothing
	// after the scheme. net/http would trim it on the way.
	req := httptest.NewRequest(http.MethodGet, scripts, nil)
	req.Header.Set("Authorization", "Bearer ")
	recorded := httptest.NewRecorder()
	sim.ServeHTTP(recorded, req)
	if recorded.Code != 401 {
		t.Errorf("an empty key: status %d", recorded.Code)
	}
}

func TestRequestLogHoldsNoSecret(t *testing.T) {
	clock := newClock()
	sim, url := start(t, vultrsim.Options{Now: clock.now})
	one := made(t, url, "NAMECANARY")
	ask(t, "GET", url+scripts+"?per_page=5", "")
	ask(t, "DELETE", url+scripts+"/"+one.ID, "", "Authorization: Bearer WRONGCANARY")
	want := []vultrsim.Request{
		{Method: "POST", Path: scripts, Status: 201, Time: clock.now()},
		{Method: "GET", Path: scripts, Status: 200, Time: clock.now()},
		{Method: "DELETE", Path: scripts + "/" + one.ID, Status: 401, Time: clock.now()},
	}
	got := sim.Requests()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text := fmt.Sprintf("%+v", got)
	for _, leak := range []string{key, "CANARY", hello, "per_page"} {
		if strings.Contains(text, leak) {
			t.Errorf("the log shows %s", leak)
		}
	}
	sim.ClearRequests()
	if len(sim.Requests()) != 0 {
		t.Error("the log was not cleared")
	}
}

// All methods at once, for the race detector; and nothing may get lost.
func TestConcurrentUse(t *testing.T) {
	sim, url := start(t, vultrsim.Options{})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 5 {
				one := made(t, url, "n")
				ask(t, "PATCH", url+scripts+"/"+one.ID, `{"name":"m"}`)
				ask(t, "GET", url+scripts, "")
				sim.Alter(one.ID, func(s *vultrsim.Script) { s.Name = "o" })
				_, _ = sim.BootScript(one.ID)
				_ = sim.Requests()
				sim.SetAPIKey(key)
				if i%2 == 0 {
					sim.Remove(one.ID)
				}
			}
		})
	}
	group.Wait()
	if n := len(sim.Scripts()); n != 20 {
		t.Errorf("%d scripts, want 20", n)
	}
	if n := len(sim.Requests()); n != 8*5*3 {
		t.Errorf("%d requests", n)
	}
}

// The library that everybody uses for the API understands the simulator.
func TestGovultrUnderstandsIt(t *testing.T) {
	ctx := context.Background()
	_, url := start(t, vultrsim.Options{})
	api := govultr.NewClient(oauth2.NewClient(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: key})))
	if err := api.SetBaseURL(url); err != nil {
		t.Fatal(err)
	}
	one, _, err := api.StartupScript.Create(ctx, &govultr.StartupScriptReq{Name: "n", Type: "boot", Script: hello})
	if err != nil || one == nil || one.Script != hello {
		t.Fatalf("created %+v, %v", one, err)
	}
	if err := api.StartupScript.Update(ctx, one.ID, &govultr.StartupScriptReq{Name: "m"}); err != nil {
		t.Fatal(err)
	}
	got, _, err := api.StartupScript.Get(ctx, one.ID)
	if err != nil || got == nil || got.Name != "m" || got.Script != hello {
		t.Errorf("got %+v, %v", got, err)
	}
	listed, meta, _, err := api.StartupScript.List(ctx, &govultr.ListOptions{PerPage: 1})
	if err != nil || len(listed) != 1 || listed[0].Script != "" || meta.Total != 1 || meta.Links.Next != "" {
		t.Errorf("listed %+v, %+v, %v", listed, meta, err)
	}
	if err := api.StartupScript.Delete(ctx, one.ID); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	for name, o := range map[string]vultrsim.Options{
		"no key":            {},
		"page too long":     {APIKey: key, PerPage: vultrsim.MaxPerPage + 1},
		"negative page":     {APIKey: key, PerPage: -1},
		"negative max body": {APIKey: key, MaxBody: -1},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			vultrsim.New(o)
		})
	}
}

func TestStop(t *testing.T) {
	sim := vultrsim.New(vultrsim.Options{APIKey: key})
	url, stop, err := sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("URL %s", url)
	}
	stop()
	stop()
	if resp, err := http.Post(url, "application/json", bytes.NewReader(nil)); err == nil {
		_ = resp.Body.Close()
		t.Error("still serving")
	}
}
