package vultr

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func TestRetriesOnlyWhereItIsSafe(t *testing.T) {
	const all = DefaultMaxRetries + 1
	for _, tt := range []struct {
		name         string
		answer       http.HandlerFunc
		others, post int // requests
		unknown      bool
		kind         error
	}{
		{"429", apiError(429), all, all, false, ErrRateLimited},
		{"500", apiError(500), all, 1, true, ErrUnavailable},
		{"501", apiError(501), 1, 1, true, ErrUnavailable},
		{"502", apiError(502), all, 1, true, ErrUnavailable},
		{"503", apiError(503), all, 1, true, ErrUnavailable},
		{"503 with Retry-After", apiError(503, "Retry-After: 1"), all, 1, true, ErrUnavailable},
		{"504", apiError(504), all, 1, true, ErrUnavailable},
		{"400", apiError(400), 1, 1, false, ErrInvalid},
		{"401", apiError(401), 1, 1, false, ErrUnauthorized},
		{"cut before the answer", cut, all, 1, true, ErrUnavailable},
		{"cut in the body", cutInBody(200), all, 1, true, ErrUnavailable},
		{"cut in the body of a 401", cutInBody(401), 1, 1, false, ErrUnauthorized},
		{"no answer in time", stall, all, 1, true, ErrUnavailable},
		{"not http", func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = conn.Write([]byte("SSH-2.0-" + serverCanary + "\r\n"))
				_ = conn.Close()
			}
		}, all, 1, true, ErrUnavailable},
	} {
		for _, call := range calls {
			t.Run(tt.name+"/"+call.name, func(t *testing.T) {
				server := newScriptedServer(t, tt.answer)
				c, waited := newClient(t, server.URL, func(c *Config) { c.Timeout = 5 * time.Second })
				if tt.name == "no answer in time" {
					c.transport.timeout = 20 * time.Millisecond
				}
				err := call.do(context.Background(), c)
				want, kinds := tt.others, []error{tt.kind}
				if call.creates() {
					want = tt.post
					if tt.unknown {
						kinds = append(kinds, ErrOutcomeUnknown)
					}
				}
				isExactly(t, err, kinds...)
				if got := server.requestsOf(call.method); got != want {
					t.Errorf("%d requests, want %d", got, want)
				}
				if looked := server.requests() > want; !looked && len(waited.asked) != want-1 {
					t.Errorf("waited %d times for %d requests", len(waited.asked), want)
				}
				inDoubt := strings.Contains(err.Error(), "may have taken effect")
				if want := tt.unknown && (call.name == "update" || call.name == "delete"); inDoubt != want {
					t.Errorf("says that it may have taken effect: %v, want %v: %v", inDoubt, want, err)
				}
			})
		}
	}
}

func TestARetryThatIsAnswered(t *testing.T) {
	for _, call := range calls {
		for name, first := range map[string]http.HandlerFunc{"429": apiError(429), "503": apiError(503), "cut": cut} {
			if call.creates() && name != "429" {
				continue
			}
			t.Run(call.name+" after "+name, func(t *testing.T) {
				server := newScriptedServer(t, first, apiJSON(call.status, call.body))
				c, _ := newClient(t, server.URL)
				if err := call.do(context.Background(), c); err != nil || server.requests() != 2 {
					t.Errorf("%v after %d requests", err, server.requests())
				}
			})
		}
	}
}

func TestNoRetries(t *testing.T) {
	server := newScriptedServer(t, apiError(503))
	c, _ := newClient(t, server.URL, func(c *Config) { c.MaxRetries = NoRetries })
	_, err := c.GetScript(context.Background(), someID)
	isExactly(t, err, ErrUnavailable)
	if server.requests() != 1 {
		t.Errorf("%d requests", server.requests())
	}
}

// The second attempt at a delete whose answer was lost finds nothing.
func TestDeleteWhoseAnswerWasLost(t *testing.T) {
	c, _ := newClient(t, newScriptedServer(t, cut, apiError(404)).URL)
	if err := c.DeleteScript(context.Background(), someID); err != nil {
		t.Error(err)
	}
}

// An attempt that may have had an effect stays in doubt when a later one could
// not even connect, or was refused.
func TestDoubtOutlastsTheAttempt(t *testing.T) {
	c, _ := newClient(t, newScriptedServer(t, cut, apiError(401)).URL)
	err := c.DeleteScript(context.Background(), someID)
	isExactly(t, err, ErrUnauthorized)
	if !strings.Contains(err.Error(), "may have taken effect") {
		t.Error(err)
	}
}

// A kept connection that dies under a POST must not make net/http send it again.
func TestPostOnAKeptConnectionIsSentOnce(t *testing.T) {
	server := newScriptedServer(t, apiJSON(200, oneScript), cut)
	c, _ := newClient(t, server.URL)
	if _, err := c.GetScript(context.Background(), someID); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateScript(context.Background(), "lost", secret.New("x"))
	isExactly(t, err, ErrUnavailable, ErrOutcomeUnknown)
	if n := server.requestsOf(http.MethodPost); n != 1 {
		t.Errorf("%d POSTs", n)
	}
	for _, hint := range []string{`"lost"`, "may exist", "can't be looked for now (list startup scripts: "} {
		if !strings.Contains(err.Error(), hint) {
			t.Errorf("the error does not say %q: %v", hint, err)
		}
	}
}

// Nobody listens: no connection, no effect, so that even a POST is repeated.
func TestWithoutAConnectionEveryMethodIsRepeated(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		t.Run(call.name, func(t *testing.T) {
			c, waited := newClient(t, url)
			err := call.do(context.Background(), c)
			isExactly(t, err, ErrUnavailable)
			if len(waited.asked) != DefaultMaxRetries {
				t.Errorf("repeated %d times", len(waited.asked))
			}
			if strings.Contains(err.Error(), "may have") {
				t.Errorf("nothing can have happened: %v", err)
			}
		})
	}
}

func TestUntrustedCertificateIsNotRetried(t *testing.T) {
	asked := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	for _, call := range calls {
		c, waited := newClient(t, server.URL)
		err := call.do(context.Background(), c)
		isExactly(t, err, ErrUnavailable)
		if len(waited.asked) != 0 || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: repeated %d times: %v", call.name, len(waited.asked), err)
		}
	}
	if asked != 0 {
		t.Errorf("%d requests came through", asked)
	}
}

func TestPausesBetweenAttempts(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	s, ms := time.Second, time.Millisecond
	backoff := []time.Duration{250 * ms, 500 * ms, 1 * s, 2 * s} // the lower end, without jitter
	all := func(d time.Duration) []time.Duration { return []time.Duration{d, d, d, d} }
	for _, tt := range []struct {
		name, header string
		want         []time.Duration
	}{
		{"none", "", backoff},
		{"seconds", "7", all(7 * s)},
		{"less than the back-off", "1", []time.Duration{1 * s, 1 * s, 1 * s, 2 * s}},
		{"zero", "0", backoff},
		{"negative", "-3", backoff},
		{"not a number", "soon", backoff},
		{"seconds over the cap", "3600", all(60 * s)},
		{"seconds beyond any duration", "9999999999999", all(60 * s)},
		{"date", date(9 * s), all(9 * s)},
		{"date over the cap", date(time.Hour), all(60 * s)},
		{"date in the past", date(-time.Hour), backoff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, waited := newClient(t, newScriptedServer(t, apiError(429, "Retry-After: "+tt.header)).URL)
			c.transport.now = func() time.Time { return now }
			_, err := c.GetScript(context.Background(), someID)
			isExactly(t, err, ErrRateLimited)
			if !slices.Equal(waited.asked, tt.want) {
				t.Errorf("waited %v, want %v", waited.asked, tt.want)
			}
		})
	}
}

func TestBackoffIsJitteredAndBounded(t *testing.T) {
	for attempt := 1; attempt <= MaxMaxRetries; attempt++ {
		low := wait(attempt, 0, func() float64 { return 0 })
		high := wait(attempt, 0, func() float64 { return 0.999999 })
		full := min(firstBackoff<<(attempt-1), maxBackoff)
		if low != full/2 || high <= low || high > full {
			t.Errorf("attempt %d: from %s to %s, want the upper half of %s", attempt, low, high, full)
		}
	}
	seen := map[float64]bool{}
	for range 10 {
		j := jitter()
		if j < 0 || j >= 1 {
			t.Errorf("jitter %v", j)
		}
		seen[j] = true
	}
	if len(seen) < 2 {
		t.Error("the jitter does not vary")
	}
}
