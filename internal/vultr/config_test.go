package vultr

import (
	"context"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func textOf(s string) secret.Text { return secret.New(s) }

func goodConfig() Config { return Config{APIKey: secret.New(testKey)} }

func TestConfig(t *testing.T) {
	url := func(u string) func(*Config) { return func(c *Config) { c.URL = u } }
	rate := func(r float64) func(*Config) { return func(c *Config) { c.RequestsPerSecond = r } }
	for _, tt := range []struct {
		name  string
		set   func(*Config)
		fault string // part of the error; empty: accepted
	}{
		{"defaults", func(*Config) {}, ""},
		{"no key", func(c *Config) { c.APIKey = secret.Text{} }, "API key is empty"},
		{"key with a line break", func(c *Config) { c.APIKey = secret.New("k\n") }, "line break"},
		{"key with a space", func(c *Config) { c.APIKey = secret.New("k k") }, "white space"},
		{"key with a control character", func(c *Config) { c.APIKey = secret.New("k\x7f") }, "control character"},

		{"https with a port", url("https://api.example.com:8443"), ""},
		{"https with a slash", url("https://api.example.com/"), ""},
		{"http to 127.0.0.1", url("http://127.0.0.1:8080"), ""},
		{"http to another loopback address", url("http://127.8.8.8"), ""},
		{"http to ::1", url("http://[::1]:8080"), ""},
		{"http to localhost", url("http://localhost:8080"), ""},
		{"http elsewhere", url("http://api.vultr.com"), "must use https"},
		{"http to a name that looks like loopback", url("http://127.0.0.1.example.com"), "must use https"},
		{"http to localhost of a domain", url("http://localhost.example.com"), "must use https"},
		{"other scheme", url("ftp://api.vultr.com"), "https://host"},
		{"no scheme", url("api.vultr.com"), "https://host"},
		{"no host", url("https://"), "https://host"},
		{"only a port", url("https://:443"), "https://host"},
		{"opaque", url("https:api.vultr.com"), "https://host"},
		{"not a URL", url("https://a b\x7f"), "https://host"},
		{"path", url("https://api.vultr.com/v2"), "drop it silently"},
		{"query", url("https://api.vultr.com?x=1"), "query"},
		{"fragment", url("https://api.vultr.com#x"), "fragment"},
		{"password", url("https://u:passcanary@api.vultr.com"), "user or password"},
		{"port zero", url("https://api.vultr.com:0"), "65535"},
		{"port too large", url("https://api.vultr.com:70000"), "65535"},

		{"slowest", rate(MinRequestsPerSecond), ""},
		{"fastest", rate(MaxRequestsPerSecond), ""},
		{"too slow", rate(0.01), "requests per second"},
		{"negative rate", rate(-1), "requests per second"},
		{"too fast", rate(31), "from 0.1 to 30"},
		{"not a number", rate(math.NaN()), "requests per second"},
		{"infinite", rate(math.Inf(1)), "requests per second"},
		{"fast to a simulator", func(c *Config) { c.URL, c.RequestsPerSecond = "http://127.0.0.1:1", 1000 }, ""},
		{"too fast to a simulator", func(c *Config) { c.URL, c.RequestsPerSecond = "http://127.0.0.1:1", 1e6 }, "requests per second"},

		{"no retries", func(c *Config) { c.MaxRetries = NoRetries }, ""},
		{"most retries", func(c *Config) { c.MaxRetries = MaxMaxRetries }, ""},
		{"too many retries", func(c *Config) { c.MaxRetries = MaxMaxRetries + 1 }, "retries"},
		{"negative retries", func(c *Config) { c.MaxRetries = -2 }, "retries"},
		{"negative timeout", func(c *Config) { c.Timeout = -1 }, "timeout"},
		{"timeout too long", func(c *Config) { c.Timeout = MaxTimeout + 1 }, "timeout"},
		{"line break in the user agent", func(c *Config) { c.UserAgent = "a\r\nX: y" }, "user agent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := goodConfig()
			tt.set(&c)
			client, err := New(c)
			switch {
			case tt.fault == "" && (err != nil || client == nil):
				t.Errorf("refused: %v", err)
			case tt.fault != "" && err == nil:
				t.Error("accepted")
			case tt.fault != "" && (!strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "passcanary")):
				t.Errorf("got %v, want it to say %q", err, tt.fault)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	c, err := New(goodConfig())
	if err != nil {
		t.Fatal(err)
	}
	if c.transport.host != "api.vultr.com" || c.api.BaseURL.Scheme != "https" || c.transport.pace.limiter.Limit() != 20*rateMargin || c.transport.pace.limiter.Burst() != 1 ||
		c.transport.retries != 4 || c.transport.timeout != 30*time.Second {
		t.Errorf("got host %s, limit %v, burst %d, retries %d, timeout %s",
			c.transport.host, c.transport.pace.limiter.Limit(), c.transport.pace.limiter.Burst(), c.transport.retries, c.transport.timeout)
	}
}

func TestRequestHeaders(t *testing.T) {
	var got http.Header
	server := newScriptedServer(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		apiJSON(200, oneScript)(w, r)
	})
	c, _ := newClient(t, server.URL, func(c *Config) { c.UserAgent = "agent/1" })
	if _, err := c.GetScript(context.Background(), someID); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Authorization": "Bearer " + testKey, "User-Agent": "agent/1", "Cookie": ""} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestCloseIdleConnections(t *testing.T) {
	closed := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(apiJSON(200, oneScript))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	c, _ := newClient(t, server.URL)
	if _, err := c.GetScript(context.Background(), someID); err != nil {
		t.Fatal(err)
	}
	c.CloseIdleConnections()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("the connection is kept")
	}
}

// A failed call must not close the connections that others are about to use.
func TestAFailureKeepsConnections(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(apiError(503))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, _ := newClient(t, server.URL)
	for range 3 {
		_, err := c.GetScript(context.Background(), someID)
		isExactly(t, err, ErrUnavailable)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// The transport itself does not let the key out to another host, whatever
// govultr makes of an URL.
func TestTheKeyGoesToTheConfiguredHostOnly(t *testing.T) {
	server := newScriptedServer(t, apiJSON(200, oneScript))
	c, _ := newClient(t, "http://127.0.0.1:1")
	req, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.transport.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("sent")
	}
	if server.requests() != 0 {
		t.Errorf("%d requests", server.requests())
	}
}
