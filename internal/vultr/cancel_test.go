package vultr

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

// promptly is far above what stopping takes and far below what would be waited
// for otherwise.
const promptly = 2 * time.Second

func TestCancellationStopsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		prepare func(*Client)
		sent    bool // the request is out when the context ends
	}{
		{"in flight", stall, nil, true},
		{"in the back-off", apiError(429, "Retry-After: 50"), func(c *Client) { c.transport.sleep = sleep }, false},
		{"in the limiter", apiError(500), func(c *Client) {
			c.transport.pace.limiter.SetLimit(0.01)
			c.transport.pace.limiter.Allow()
		}, false},
	} {
		for _, call := range calls {
			for _, how := range []error{context.Canceled, context.DeadlineExceeded} {
				t.Run(tt.name+"/"+call.name+"/"+how.Error(), func(t *testing.T) {
					t.Parallel()
					c, _ := newClient(t, newScriptedServer(t, tt.answer).URL)
					c.transport.cancelGrace, c.transport.cancelLookup = 50*time.Millisecond, 50*time.Millisecond
					if tt.prepare != nil {
						tt.prepare(c)
					}
					ctx, cancel := context.WithCancel(context.Background())
					if how == context.DeadlineExceeded {
						ctx, cancel = context.WithTimeout(context.Background(), 60*time.Millisecond)
					} else {
						time.AfterFunc(60*time.Millisecond, cancel)
					}
					defer cancel()
					began := time.Now()
					err := call.do(ctx, c)
					if took := time.Since(began); took > promptly {
						t.Errorf("took %s", took)
					}
					want := []error{how}
					if tt.sent && call.creates() {
						want = append(want, ErrOutcomeUnknown)
					}
					isExactly(t, err, want...)
				})
			}
		}
	}
}

func TestACallWithAnEndedContextSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, call := range calls {
		server := newScriptedServer(t, apiJSON(call.status, call.body))
		c, _ := newClient(t, server.URL)
		isExactly(t, call.do(ctx, c), context.Canceled)
		if server.requests() != 0 {
			t.Errorf("%s: %d requests", call.name, server.requests())
		}
	}
}

func TestTheRateIsSharedAndCountsRetries(t *testing.T) {
	const (
		rate       = 200
		goroutines = 10
		each       = 2 // a call with one retry
	)
	var (
		mu    sync.Mutex
		times []time.Time
		asked = map[string]bool{}
	)
	server := newScriptedServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		times = append(times, time.Now())
		first := !asked[r.URL.Path]
		asked[r.URL.Path] = true
		mu.Unlock()
		if first {
			apiError(503)(w, r)
			return
		}
		apiJSON(200, strings.Replace(oneScript, someID, path.Base(r.URL.Path), 1))(w, r)
	})
	c, _ := newClient(t, server.URL, func(c *Config) { c.RequestsPerSecond = rate })
	began := time.Now()
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			if _, err := c.GetScript(context.Background(), fmt.Sprintf("%08d%s", i, someID[8:])); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	took, least := time.Since(began), time.Duration(goroutines*each-1)*time.Second/rate
	if len(times) != goroutines*each {
		t.Errorf("%d requests", len(times))
	}
	// A tenth less, since the limiter and the test read the clock at different moments.
	if took < least*9/10 {
		t.Errorf("%d requests in %s, which the rate allows in %s", len(times), took, least)
	}
}
