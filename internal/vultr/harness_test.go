package vultr

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

const (
	testKey = "KEYCANARY0123456789"
	someID  = "cb676a46-66fd-4dfb-b839-443f2e6c0b60"
	otherID = "0d0e5f9e-4a3c-4f3e-9f2d-2f1f0b6b9a11"
)

// TestMain fails the run if clients or servers leave goroutines behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	deadline := time.Now().Add(3 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); code == 0 && after > before {
		stacks := make([]byte, 1<<20)
		fmt.Printf("goroutines left behind: %d before, %d after\n%s\n", before, after, stacks[:runtime.Stack(stacks, true)])
		code = 1
	}
	os.Exit(code)
}

// pauses is a sleeper that does not sleep and notes how long it was asked to.
type pauses struct {
	mu    sync.Mutex
	asked []time.Duration
}

func (p *pauses) sleep(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, d)
	return ctx.Err()
}

// newClient returns a client that neither waits for the limiter, to speak of,
// nor between attempts.
func newClient(t *testing.T, url string, with ...func(*Config)) (*Client, *pauses) {
	t.Helper()
	config := Config{APIKey: secret.New(testKey), URL: url, RequestsPerSecond: MaxLoopbackRequestsPerSecond}
	for _, f := range with {
		f(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	p := &pauses{}
	c.transport.sleep = p.sleep
	c.transport.jitter = func() float64 { return 0 }
	return c, p
}

func newSim(t *testing.T) (*vultrsim.Server, string) {
	t.Helper()
	sim := vultrsim.New(vultrsim.Options{APIKey: testKey})
	url, stop, err := sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return sim, url
}

// scriptedServer is a server that gives prepared answers in turn, the last one for ever.
type scriptedServer struct {
	URL string

	mu   sync.Mutex
	seen []string // methods
}

func newScriptedServer(t *testing.T, answers ...http.HandlerFunc) *scriptedServer {
	t.Helper()
	w := &scriptedServer{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.mu.Lock()
		next := answers[min(len(w.seen), len(answers)-1)]
		w.seen = append(w.seen, r.Method)
		w.mu.Unlock()
		next(rw, r)
	}))
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

func (w *scriptedServer) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// requestsOf counts those of a method.
func (w *scriptedServer) requestsOf(method string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, seen := range w.seen {
		if seen == method {
			n++
		}
	}
	return n
}

// apiJSON answers like the API does; header lines are "Name: value".
func apiJSON(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// apiError is an error in the API's form, with a text that must go nowhere.
func apiError(status int, headers ...string) http.HandlerFunc {
	return apiJSON(status, fmt.Sprintf(`{"error":%q,"status":%d}`, serverCanary, status), headers...)
}

// cut ends the connection after the request was read, before any answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// cutInBody announces more than it sends.
func cutInBody(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", status)
			_ = conn.Close()
		}
	}
}

// stall answers nothing until the client has gone, or should have long since.
func stall(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(time.Second):
	}
}

const oneScript = `{"startup_script":{"id":"` + someID + `","date_created":"2020-10-10T01:56:20+00:00",` +
	`"date_modified":"2020-10-10T01:59:20+00:00","name":"n","type":"boot","script":"ZWNobyBoaQ=="}}`

// call is one of the client's methods, for tests that go through all.
type call struct {
	name   string
	method string
	status int // on success
	body   string
	do     func(context.Context, *Client) error
}

var calls = []call{
	{"create", http.MethodPost, 201, oneScript, func(ctx context.Context, c *Client) error {
		_, err := c.CreateScript(ctx, "n", secret.New(bodyCanary))
		return err
	}},
	{"read", http.MethodGet, 200, oneScript, func(ctx context.Context, c *Client) error {
		_, err := c.GetScript(ctx, someID)
		return err
	}},
	{"update", http.MethodPatch, 204, "", func(ctx context.Context, c *Client) error {
		body := secret.New(bodyCanary)
		return c.UpdateScript(ctx, someID, ScriptUpdate{Body: &body})
	}},
	{"delete", http.MethodDelete, 204, "", func(ctx context.Context, c *Client) error {
		return c.DeleteScript(ctx, someID)
	}},
	{"list", http.MethodGet, 200, `{"startup_scripts":[],"meta":{"total":0,"links":{"next":"","prev":""}}}`, func(ctx context.Context, c *Client) error {
		_, err := c.ListScripts(ctx)
		return err
	}},
}

func (c call) creates() bool { return c.name == "create" }
