package vultr

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

const (
	bodyCanary   = "#!/bin/sh\nBODYCANARY=1\n"
	serverCanary = "SERVERCANARY"
	cursorCanary = "CURSORCANARY"
)

var quiet = log.New(io.Discard, "", 0)

// leaks are what no error and no log may hold.
var leaks = []string{testKey, "Bearer", "BODYCANARY", base64.StdEncoding.EncodeToString([]byte(bodyCanary))[:24], serverCanary, cursorCanary}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// echo answers with all that it was sent, in the places where an error or a log
// could pick it up.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", serverCanary+" "+r.Header.Get("Authorization"))
		w.Header().Set("Location", "http://127.0.0.1:1/"+serverCanary)
		apiJSON(status, `{"error":"`+serverCanary+` `+r.Header.Get("Authorization")+` `+
			base64.StdEncoding.EncodeToString([]byte(bodyCanary))+`","status":1}`)(w, r)
	}
}

func TestErrorsAndLogsHoldNoSecret(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"cut":     cut,
		"garbage": apiJSON(200, serverCanary),
		"created garbage": apiJSON(201, `{"startup_script":{"id":"`+serverCanary+`","script":"`+
			base64.StdEncoding.EncodeToString([]byte(bodyCanary))+`"}}`),
		"cursor in a circle": apiJSON(200, `{"startup_scripts":[],"meta":{"total":0,"links":{"next":"`+cursorCanary+`","prev":""}}}`),
		"malformed header": func(w http.ResponseWriter, r *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s %s\r\n\r\n", serverCanary, r.Header.Get("Authorization"))
				_ = conn.Close()
			}
		},
		"malformed status": func(w http.ResponseWriter, r *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = fmt.Fprintf(conn, "%s %s\r\n\r\n", serverCanary, r.Header.Get("Authorization"))
				_ = conn.Close()
			}
		},
	}
	for _, status := range []int{200, 201, 204, 302, 400, 401, 403, 404, 413, 429, 500, 503} {
		answers[fmt.Sprint("echo ", status)] = echo(status)
	}
	for name, answer := range answers {
		for _, call := range calls {
			t.Run(name+"/"+call.name, func(t *testing.T) {
				var logged lockedBuffer
				c, _ := newClient(t, newScriptedServer(t, answer).URL, func(c *Config) {
					c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &logged, JSONFormat: true})
				})
				err := call.do(context.Background(), c)
				shown := map[string]string{
					"log":    logged.String(),
					"client": fmt.Sprintf("%v %+v %#v %+v", c, c, c, c.transport),
				}
				if logged.Len() == 0 {
					t.Error("nothing was logged")
				}
				for depth := 0; err != nil && depth < 3; depth++ {
					shown[fmt.Sprint("error ", depth)] = fmt.Sprintf("%v %+v %#v", err, err, err)
					if many, ok := err.(interface{ Unwrap() []error }); ok {
						err = errors.Join(many.Unwrap()...)
					}
				}
				for where, text := range shown {
					for _, leak := range leaks {
						if strings.Contains(text, leak) {
							t.Errorf("%s shows %s: %s", where, leak, text)
						}
					}
				}
			})
		}
	}
}

func TestConfigErrorsDoNotShowTheKey(t *testing.T) {
	for _, bad := range []string{testKey + "\n", testKey + " x", "\t" + testKey, testKey + "\x00", testKey + "é"} {
		c := goodConfig()
		c.APIKey = textOf(bad)
		_, err := New(c)
		if err == nil || strings.Contains(err.Error(), testKey) {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

// One line for each attempt, with what an operator looks for.
func TestLogLines(t *testing.T) {
	var logged lockedBuffer
	server := newScriptedServer(t, cut, apiError(503, "Retry-After: 2", "X-Request-Id: req-2"), apiJSON(200, oneScript, "X-Request-Id: req-3"))
	c, _ := newClient(t, server.URL, func(c *Config) {
		c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: &logged, JSONFormat: true})
	})
	if _, err := c.GetScript(context.Background(), someID); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"attempt": "1/5", "status": 0.0, "request_id": nil, "retry_in_ms": 250.0, "fault": "the connection was closed before the answer was complete"},
		{"attempt": "2/5", "status": 503.0, "request_id": "req-2", "retry_in_ms": 2000.0, "fault": nil},
		{"attempt": "3/5", "status": 200.0, "request_id": "req-3", "retry_in_ms": nil, "fault": nil},
	}
	lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), logged.String())
	}
	for i, line := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		want[i]["@level"], want[i]["method"], want[i]["path"] = "debug", "GET", "/v2/startup-scripts/"+someID
		for key, value := range want[i] {
			if got[key] != value {
				t.Errorf("line %d: %s is %v, want %v", i+1, key, got[key], value)
			}
		}
		if _, ok := got["duration_ms"].(float64); !ok {
			t.Errorf("line %d has no duration: %s", i+1, line)
		}
	}

	logged.Reset()
	c.transport.logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &logged})
	if _, err := c.GetScript(context.Background(), someID); err != nil || logged.Len() != 0 {
		t.Errorf("at level info: %v, %q", err, logged.String())
	}
}

// What is adopted, and what is deleted as a copy, is logged by its ID.
func TestAdoptionIsLogged(t *testing.T) {
	var logged lockedBuffer
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: &logged, JSONFormat: true})
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		for _, rules := range [][]vultrsim.Rule{
			{{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Cut().AfterEffect()}}},
			{ // the first one's effect comes while the second is on its way
				{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.SlowCut(9 * time.Second)}},
				{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{vultrsim.Slow(9 * time.Second)}},
			},
		} {
			sim.SetRules(rules...)
			if _, err := c.CreateScript(t.Context(), "n", textOf(bodyCanary)); err != nil {
				t.Fatal(err)
			}
		}
		if len(sim.Scripts()) != 2 {
			t.Errorf("%d scripts", len(sim.Scripts()))
		}
		for _, says := range []string{"adopted", "had made a copy", sim.Scripts()[0].ID} {
			if !strings.Contains(logged.String(), says) {
				t.Errorf("the log does not say %q: %s", says, logged.String())
			}
		}
	}, func(c *Config) { c.Logger = logger })
	for _, leak := range leaks {
		if strings.Contains(logged.String(), leak) {
			t.Errorf("the log shows %s", leak)
		}
	}
}
