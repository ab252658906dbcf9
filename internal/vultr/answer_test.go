package vultr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// kinds are all sentinels, to check that an error is no other than it should.
var kinds = []error{
	ErrNotFound, ErrUnauthorized, ErrRateLimited, ErrInvalid, ErrUnavailable, ErrBadResponse, ErrRedirect, ErrOutcomeUnknown,
	context.Canceled, context.DeadlineExceeded,
}

// isExactly fails the test unless err is of the wanted kinds and no others.
func isExactly(t *testing.T, err error, want ...error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, kind := range kinds {
		wanted := false
		for _, w := range want {
			wanted = wanted || w == kind
		}
		if errors.Is(err, kind) != wanted {
			t.Errorf("is %q: %v, want %v: %v", kind, !wanted, wanted, err)
		}
	}
}

func TestEachStatusHasItsKind(t *testing.T) {
	for _, tt := range []struct {
		status int
		kind   error
	}{
		{400, ErrInvalid},
		{401, ErrUnauthorized},
		{403, ErrUnauthorized},
		{404, ErrNotFound},
		{405, ErrInvalid},
		{409, ErrInvalid},
		{413, ErrInvalid},
		{422, ErrInvalid},
		{429, ErrRateLimited},
		{500, ErrUnavailable},
		{501, ErrUnavailable},
		{502, ErrUnavailable},
		{503, ErrUnavailable},
		{504, ErrUnavailable},
		{520, ErrUnavailable},
		{202, ErrBadResponse},
		{302, ErrRedirect},
	} {
		for _, call := range calls {
			t.Run(fmt.Sprint(tt.status, " ", call.name), func(t *testing.T) {
				server := newScriptedServer(t, apiError(tt.status))
				c, _ := newClient(t, server.URL)
				err := call.do(context.Background(), c)
				want := []error{tt.kind}
				if call.creates() && (tt.status >= 500 || tt.status < 300) {
					want = append(want, ErrOutcomeUnknown)
				}
				isExactly(t, err, want...)
				var e *Error
				if !errors.As(err, &e) || e.Status != tt.status || e.Op != call.name || e.Attempts != server.requestsOf(call.method) {
					t.Errorf("got %+v after %d requests", e, server.requestsOf(call.method))
				}
			})
		}
	}
}

// Answers with a good status that are none of the API's.
func TestUnusableAnswers(t *testing.T) {
	raw := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			status := http.StatusOK
			if r.Method == http.MethodPost {
				status = http.StatusCreated
			}
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const html = "<html>sign in</html>"
	const all = DefaultMaxRetries + 1
	for _, tt := range []struct {
		name     string
		answer   http.HandlerFunc
		requests int // but for create, which is sent once, and looked for
	}{
		{"html", raw("text/html", html), all},
		{"html called json", raw("application/json", html), all},
		{"json called html", raw("text/html", oneScript), all},
		{"empty", raw("application/json", ""), all},
		{"null", raw("application/json", "null"), 1},
		{"empty object", raw("application/json", "{}"), 1},
		{"null script and list", raw("application/json", `{"startup_script":null,"startup_scripts":null,"meta":null}`), 1},
		{"wrong types", raw("application/json", `{"startup_script":[],"startup_scripts":{},"meta":7}`), 1},
		{"no id", raw("application/json", `{"startup_script":{"name":"n"},"startup_scripts":[{}],"meta":{"links":{}}}`), 1},
		{"an error with a good status", raw("application/json", `{"error":"x","status":500}`), 1},
		{"list without meta", raw("application/json", `{"startup_scripts":[]}`), 1},
		{"list without links", raw("application/json", `{"startup_scripts":[],"meta":{"total":0}}`), 1},
	} {
		for _, call := range calls {
			t.Run(tt.name+"/"+call.name, func(t *testing.T) {
				server := newScriptedServer(t, tt.answer)
				c, _ := newClient(t, server.URL)
				err := call.do(context.Background(), c)
				if call.creates() {
					isExactly(t, err, ErrBadResponse, ErrOutcomeUnknown)
				} else {
					isExactly(t, err, ErrBadResponse)
				}
				want := tt.requests
				if call.creates() {
					want = 1
				}
				if got := server.requestsOf(call.method); got != want {
					t.Errorf("%d requests, want %d", got, want)
				}
			})
		}
	}
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	c, _ := newClient(t, newScriptedServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for chunk := make([]byte, 1<<20); r.Context().Err() == nil; {
			_, _ = w.Write(chunk)
		}
	}).URL)
	_, err := c.GetScript(context.Background(), someID)
	isExactly(t, err, ErrBadResponse)
}

func TestReadRefusesAnotherScript(t *testing.T) {
	c, _ := newClient(t, newScriptedServer(t, apiJSON(200, oneScript)).URL)
	if _, err := c.GetScript(context.Background(), someID); err != nil {
		t.Fatal(err)
	}
	_, err := c.GetScript(context.Background(), otherID)
	isExactly(t, err, ErrBadResponse)
}

func TestJSONWithACharsetIsRead(t *testing.T) {
	c, _ := newClient(t, newScriptedServer(t, apiJSON(200, oneScript, "Content-Type: application/json; charset=utf-8")).URL)
	if got, err := c.GetScript(context.Background(), someID); err != nil || got.Body.Reveal() != "echo hi" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A 404 from something that is not the API must not make a script gone.
func TestAStrangers404IsNotGone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"html", apiJSON(404, "<html>not found</html>", "Content-Type: text/html")},
		{"empty", apiJSON(404, "")},
		{"other json", apiJSON(404, `{"message":"no route"}`)},
		{"list", apiJSON(404, `[]`)},
		{"cut off", cutInBody(404)},
	} {
		for _, call := range calls {
			t.Run(tt.name+"/"+call.name, func(t *testing.T) {
				c, _ := newClient(t, newScriptedServer(t, tt.answer).URL)
				err := call.do(context.Background(), c)
				if tt.name == "cut off" {
					isExactly(t, err, ErrUnavailable)
				} else {
					isExactly(t, err, ErrBadResponse)
				}
			})
		}
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	var asked, withKey int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Authorization") != "" {
			withKey++
		}
		apiJSON(200, oneScript)(w, r)
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for where, target := range map[string]string{"elsewhere": elsewhere.URL, "same host": ""} {
			for _, call := range calls {
				t.Run(fmt.Sprint(status, " ", where, " ", call.name), func(t *testing.T) {
					server := newScriptedServer(t, func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Location", target+"/v2/startup-scripts")
						w.WriteHeader(status)
					})
					c, _ := newClient(t, server.URL)
					isExactly(t, call.do(context.Background(), c), ErrRedirect)
					if server.requests() != 1 {
						t.Errorf("%d requests", server.requests())
					}
				})
			}
		}
	}
	if asked != 0 || withKey != 0 {
		t.Errorf("the other host was asked %d times, %d with the key", asked, withKey)
	}
}

func TestListStopsOnBadCursors(t *testing.T) {
	page := func(next string) string {
		return `{"startup_scripts":[],"meta":{"total":0,"links":{"next":"` + next + `","prev":""}}}`
	}
	for _, tt := range []struct {
		name   string
		answer func(n int) string
		most   int
	}{
		{"always the same", func(int) string { return page("same") }, 2},
		{"a circle of two", func(n int) string { return page(fmt.Sprint(n % 2)) }, 3},
		{"no end", func(n int) string { return page(fmt.Sprint(n)) }, maxPages},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			server := newScriptedServer(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				apiJSON(200, tt.answer(n))(w, r)
			})
			c, _ := newClient(t, server.URL)
			_, err := c.ListScripts(context.Background())
			isExactly(t, err, ErrBadResponse)
			if server.requests() != tt.most {
				t.Errorf("%d requests, want %d", server.requests(), tt.most)
			}
		})
	}
}

func TestListShowsAScriptOnce(t *testing.T) {
	page := func(next string) http.HandlerFunc {
		return apiJSON(200, `{"startup_scripts":[{"id":"`+someID+`"}],"meta":{"total":1,"links":{"next":"`+next+`","prev":""}}}`)
	}
	c, _ := newClient(t, newScriptedServer(t, page("b"), page("")).URL)
	if got, err := c.ListScripts(context.Background()); err != nil || len(got) != 1 {
		t.Errorf("got %d, %v", len(got), err)
	}
}
