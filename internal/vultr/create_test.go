package vultr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// virtual runs a test with a simulator and a client in virtual time. It fails if a
// goroutine is left when the test ends.
func virtual(t *testing.T, o vultrsim.Options, test func(t *testing.T, sim *vultrsim.Server, c *Client), with ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.APIKey = testKey
		sim := vultrsim.New(o)
		config := Config{APIKey: secret.New(testKey), URL: "http://127.0.0.1:1", RequestsPerSecond: 1000, Transport: sim.Transport()}
		for _, f := range with {
			f(&config)
		}
		c, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		test(t, sim, c)
	})
}

// calledOf counts the simulator's calls of a method.
func calledOf(sim *vultrsim.Server, method string) (n int) {
	for _, r := range sim.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

// Each fault once on a create: whatever becomes of the answer, there is one script
// in the end, and it is the one that is returned; or none, and an error.
func TestCreateThroughEachFault(t *testing.T) {
	for _, tt := range []struct {
		fault vultrsim.Fault
		posts int
		fails error
	}{
		{vultrsim.RateLimited(""), 2, nil},
		{vultrsim.RateLimited("3"), 2, nil},
		{vultrsim.Refused(500), 2, nil},
		{vultrsim.Refused(500).AfterEffect(), 1, nil},
		{vultrsim.Refused(502).AfterEffect(), 1, nil},
		{vultrsim.Refused(503), 2, nil},
		{vultrsim.Refused(503).AfterEffect(), 1, nil},
		{vultrsim.EmptyBody(), 1, nil},
		{vultrsim.HTML(), 2, nil},
		{vultrsim.WrongType(), 1, nil},
		{vultrsim.Cut(), 2, nil},
		{vultrsim.Cut().AfterEffect(), 1, nil},
		{vultrsim.CutInBody(), 1, nil},
		{vultrsim.Slow(3 * time.Second), 1, nil},
		{vultrsim.Slow(DefaultTimeout + time.Second), 1, nil},
		{vultrsim.SlowCut(3 * time.Second), 1, nil},
		{vultrsim.Hidden(4 * time.Second), 1, nil},
		{vultrsim.Cut().AfterEffect().Hiding(3 * time.Second), 1, nil},
		{vultrsim.Refused(401), 1, ErrUnauthorized},
		{vultrsim.Redirect("http://127.0.0.1:1/"), 1, ErrRedirect},
		{vultrsim.Refused(400), 1, ErrInvalid},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{tt.fault}})
				made, err := c.CreateScript(t.Context(), "n", secret.New(bodyCanary))
				time.Sleep(time.Hour) // whatever is late comes now
				if got := calledOf(sim, http.MethodPost); got != tt.posts {
					t.Errorf("%d POSTs, want %d", got, tt.posts)
				}
				scripts := sim.Scripts()
				if tt.fails != nil {
					isExactly(t, err, tt.fails)
					if len(scripts) != 0 {
						t.Errorf("%d scripts in the account", len(scripts))
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(scripts) != 1 || scripts[0].ID != made.ID || made.Body.Reveal() != bodyCanary || made.Name != "n" || made.DateCreated == "" || len(made.Left) != 0 {
					t.Errorf("made %+v; the account has %+v", made, scripts)
				}
			})
		})
	}
}

// What was made is told from what only looks like it.
func TestAdoptsNothingElse(t *testing.T) {
	body := secret.New(bodyCanary)
	encoded := base64.StdEncoding.EncodeToString([]byte(bodyCanary))
	for name, add := range map[string]func(sim *vultrsim.Server){
		"an older one": func(sim *vultrsim.Server) {
			sim.Add("n", encoded)
			time.Sleep(time.Minute)
		},
		"another name":    func(sim *vultrsim.Server) { sim.Add("m", encoded) },
		"another content": func(sim *vultrsim.Server) { sim.Add("n", "eA==") },
		"another type": func(sim *vultrsim.Server) {
			sim.Alter(sim.Add("n", encoded).ID, func(s *vultrsim.Script) { s.Type = "pxe" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				add(sim)
				other := sim.Scripts()[0]
				sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Cut()}})
				made, err := c.CreateScript(t.Context(), "n", body)
				if err != nil || made.ID == other.ID || len(sim.Scripts()) != 2 {
					t.Errorf("got %s and %v; the other is %s; %d scripts", made.ID, err, other.ID, len(sim.Scripts()))
				}
			})
		})
	}
}

// Clocks differ: the server's counts, as soon as an answer has told it.
func TestAdoptsWhereClocksDiffer(t *testing.T) {
	for _, ahead := range []time.Duration{-2 * time.Hour, -time.Minute, time.Minute, 2 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			now := func() time.Time { return time.Now().Add(ahead) }
			virtual(t, vultrsim.Options{Now: now}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Cut().AfterEffect()}})
				made, err := c.CreateScript(t.Context(), "n", secret.New(bodyCanary))
				if err != nil || len(sim.Scripts()) != 1 || sim.Scripts()[0].ID != made.ID {
					t.Errorf("made %s, %v; %d scripts", made.ID, err, len(sim.Scripts()))
				}
			})
		})
	}
}

// Equal scripts at the same time: each create gets one of its own, even where all
// answers are lost.
func TestEqualCreatesGetOneEach(t *testing.T) {
	for _, fault := range []vultrsim.Fault{vultrsim.Cut().AfterEffect(), vultrsim.Cut(), vultrsim.Slow(time.Second)} {
		t.Run(fault.String(), func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				const n = 8
				sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: maxRepeats, Faults: []vultrsim.Fault{fault}})
				ids := make(chan string, n)
				for range n {
					go func() {
						made, err := c.CreateScript(t.Context(), "n", secret.New(bodyCanary))
						if err != nil {
							t.Error(err)
						}
						ids <- made.ID
					}()
				}
				seen := map[string]bool{}
				for range n {
					seen[<-ids] = true
				}
				if len(seen) != n || len(sim.Scripts()) != n {
					t.Errorf("%d IDs, %d scripts, want %d", len(seen), len(sim.Scripts()), n)
				}
			})
		})
	}
}

// A server that is later than all looks makes a copy, which is found afterwards.
func TestAVeryLateCopyIsFound(t *testing.T) {
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.SlowCut(time.Minute)}})
		made, err := c.CreateScript(t.Context(), "n", secret.New(bodyCanary))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if len(sim.Scripts()) != 2 || made.CopiesSince.IsZero() {
			t.Fatalf("%d scripts, copies since %s: the test needs a late one", len(sim.Scripts()), made.CopiesSince)
		}
		copies, err := c.FindScripts(t.Context(), "n", Digest(made.Body), made.CopiesSince)
		if err != nil || len(copies) != 1 || copies[0].ID == made.ID {
			t.Errorf("found %v, %v; the account has %+v", copies, err, sim.Scripts())
		}
	})
}

// A copy that can't be deleted is named.
func TestACopyThatStaysIsNamed(t *testing.T) {
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		sim.SetRules(
			// The first one's effect comes while the second is on its way.
			vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.SlowCut(9 * time.Second)}},
			vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{vultrsim.Slow(9 * time.Second)}},
			vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpDelete}, Faults: []vultrsim.Fault{vultrsim.Refused(401)}},
		)
		made, err := c.CreateScript(t.Context(), "n", secret.New(bodyCanary))
		if err != nil || len(made.Left) != 1 || len(sim.Scripts()) != 2 || made.Left[0] == made.ID {
			t.Errorf("made %+v, %v; %d scripts", made, err, len(sim.Scripts()))
		}
	})
}

// Where it can't be looked for, or is never seen, the error says what to look for,
// and it can be found later.
func TestOutcomeUnknown(t *testing.T) {
	gone := vultrsim.Cut().AfterEffect().Hiding(time.Minute)
	for _, tt := range []struct {
		name   string
		create vultrsim.Fault
		list   []vultrsim.Fault
		says   string
		posts  int
		found  int // a minute later
	}{
		{"lists fail", vultrsim.Cut().AfterEffect(), []vultrsim.Fault{vultrsim.Refused(503)}, "it can't be looked for now (list startup scripts: API unavailable", 1, 1},
		{"the key is revoked", vultrsim.Cut().AfterEffect(), []vultrsim.Fault{vultrsim.Refused(401)}, "it can't be looked for now (list startup scripts: not authorized", 1, 1},
		{"never seen", gone, nil, "it was looked for, by name and content, and not found", 1 + maxRepeats, 1 + maxRepeats},
		{"never made", vultrsim.Refused(503), nil, "it was looked for, by name and content, and not found", 1 + maxRepeats, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				rules := []vultrsim.Rule{{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{tt.create}}}
				if tt.list != nil {
					rules = append(rules, vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: tt.list})
				}
				sim.SetRules(rules...)
				_, err := c.CreateScript(t.Context(), "n", secret.New(bodyCanary))
				var e *Error
				if !errors.Is(err, ErrOutcomeUnknown) || !errors.As(err, &e) || e.Since.IsZero() || !strings.Contains(err.Error(), tt.says) ||
					!strings.Contains(err.Error(), e.Since.UTC().Format(time.RFC3339)) {
					t.Fatalf("got %v", err)
				}
				if got := calledOf(sim, http.MethodPost); got != tt.posts {
					t.Errorf("%d POSTs, want %d", got, tt.posts)
				}
				sim.SetRules()
				time.Sleep(time.Minute)
				found, err := c.FindScripts(t.Context(), "n", Digest(secret.New(bodyCanary)), e.Since)
				if err != nil || len(found) != tt.found {
					t.Errorf("found %d later, %v, want %d", len(found), err, tt.found)
				}
			})
		})
	}
}

// A caller that stops waiting gets what the request that is out has made.
func TestCancelledCreateIsNotLost(t *testing.T) {
	for _, tt := range []struct {
		fault vultrsim.Fault
		found bool
	}{
		{vultrsim.Slow(2 * time.Second), true},
		{vultrsim.Slow(cancelGrace + time.Second), true}, // the answer is given up, and the look finds it
		{vultrsim.Slow(2 * time.Second).Hiding(time.Hour), true},
		{vultrsim.Cut().AfterEffect().Hiding(1500 * time.Millisecond), true}, // ends between two looks
		{vultrsim.Slow(cancelGrace + cancelLookup + time.Second), false},
	} {
		t.Run(tt.fault.String(), func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{tt.fault}})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				began := time.Now()
				made, err := c.CreateScript(ctx, "n", secret.New(bodyCanary))
				if took := time.Since(began); took > time.Second+cancelGrace+cancelLookup {
					t.Errorf("took %s", took)
				}
				if posts := calledOf(sim, http.MethodPost); posts > 1 {
					t.Errorf("%d POSTs", posts)
				}
				time.Sleep(time.Hour)
				if tt.found && (err != nil || made.ID != sim.Scripts()[0].ID) {
					t.Errorf("got %s, %v", made.ID, err)
				}
				if !tt.found {
					isExactly(t, err, ErrOutcomeUnknown, context.Canceled)
				}
				if n := len(sim.Scripts()); n != 1 {
					t.Errorf("%d scripts", n)
				}
			})
		})
	}
}

// Each fault, lasting and passing, on what can be repeated.
func TestOtherCallsThroughEachFault(t *testing.T) {
	const lasting = 1 + DefaultMaxRetries
	for _, tt := range []struct {
		fault   vultrsim.Fault
		passes  bool  // gone once it has struck; else the call fails
		lasts   error // of a read while it lasts
		changed bool  // a lasting one lets changes through, and they are noticed
	}{
		{vultrsim.RateLimited(""), true, ErrRateLimited, false},
		{vultrsim.RateLimited("3"), true, ErrRateLimited, false},
		{vultrsim.Refused(500), true, ErrUnavailable, false},
		{vultrsim.Refused(503).AfterEffect(), true, ErrUnavailable, true},
		{vultrsim.HTML(), true, ErrBadResponse, false},
		{vultrsim.Cut(), true, ErrUnavailable, false},
		{vultrsim.Cut().AfterEffect(), true, ErrUnavailable, true},
		{vultrsim.Slow(DefaultTimeout + time.Second), true, ErrUnavailable, true},
		{vultrsim.Refused(401), false, ErrUnauthorized, false},
		{vultrsim.Redirect("http://127.0.0.1:1/"), false, ErrRedirect, false},
	} {
		name := "after"
		ops := []struct {
			op vultrsim.Op
			do func(ctx context.Context, c *Client, id string) error
		}{
			{vultrsim.OpRead, func(ctx context.Context, c *Client, id string) error { _, err := c.GetScript(ctx, id); return err }},
			{vultrsim.OpUpdate, func(ctx context.Context, c *Client, id string) error {
				return c.UpdateScript(ctx, id, ScriptUpdate{Name: &name})
			}},
			{vultrsim.OpDelete, func(ctx context.Context, c *Client, id string) error { return c.DeleteScript(ctx, id) }},
			{vultrsim.OpList, func(ctx context.Context, c *Client, _ string) error { _, err := c.ListScripts(ctx); return err }},
		}
		for _, op := range ops {
			for _, times := range []int{1, lasting} {
				t.Run(fmt.Sprint(tt.fault, "/", op.op, "/", times), func(t *testing.T) {
					virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
						id := sim.Add("before", "eA==").ID
						sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{op.op}, Times: times, Faults: []vultrsim.Fault{tt.fault}})
						err := op.do(t.Context(), c, id)
						changes := op.op == vultrsim.OpUpdate || op.op == vultrsim.OpDelete
						switch succeeds := times == 1 && tt.passes || changes && tt.changed; {
						case succeeds && err != nil:
							t.Error(err)
						case !succeeds:
							isExactly(t, err, tt.lasts)
						}
						script, there := sim.Script(id)
						if err == nil && (op.op == vultrsim.OpDelete && there || op.op == vultrsim.OpUpdate && script.Name != name) {
							t.Error("it succeeded, and had no effect")
						}
						if n := len(sim.Requests()); n > lasting+2 {
							t.Errorf("%d requests", n)
						}
						time.Sleep(time.Hour)
					})
				})
			}
		}
	}
}

// A script that was just made and is not seen yet is not gone.
func TestWhenVisible(t *testing.T) {
	for _, tt := range []struct {
		name   string
		hidden time.Duration
		old    time.Duration
		found  bool
		most   time.Duration
	}{
		{"seen at once", 0, 0, true, 0},
		{"seen soon", 4 * time.Second, 0, true, 6 * time.Second},
		{"not seen in time", time.Hour, 0, false, visibilityDelay},
		{"old", time.Hour, visibilityDelay, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
				sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Faults: []vultrsim.Fault{vultrsim.Hidden(tt.hidden)}})
				made, err := c.CreateScript(t.Context(), "n", secret.New("x"))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.old)
				began := time.Now()
				err = c.WhenVisible(t.Context(), made.DateCreated, func(ctx context.Context) error {
					_, err := c.GetScript(ctx, made.ID)
					return err
				})
				if (err == nil) != tt.found || !tt.found && !errors.Is(err, ErrNotFound) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > tt.most+time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
	virtual(t, vultrsim.Options{}, func(t *testing.T, _ *vultrsim.Server, c *Client) {
		began := time.Now()
		err := c.WhenVisible(t.Context(), "no date", func(context.Context) error { return &Error{Kind: ErrNotFound} })
		if !errors.Is(err, ErrNotFound) || time.Since(began) > 0 {
			t.Errorf("without a date: %v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.WhenVisible(ctx, time.Now().Format(time.RFC3339), func(context.Context) error { return &Error{Kind: ErrNotFound} })
		if isExactly(t, err, context.DeadlineExceeded); time.Since(began) > time.Second {
			t.Errorf("stopped after %s", time.Since(began))
		}
	})
}

// All that look at the same time share a list, and one that gives up leaves the
// others theirs.
func TestListsAreShared(t *testing.T) {
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		const n = 30
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: n, Faults: []vultrsim.Fault{vultrsim.Cut().AfterEffect()}},
			vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: []vultrsim.Fault{vultrsim.Slow(2 * time.Second)}})
		ended := make(chan error, n)
		for i := range n {
			go func() {
				_, err := c.CreateScript(t.Context(), fmt.Sprint(i), secret.New(bodyCanary))
				ended <- err
			}()
		}
		for range n {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		// One that was begun for the first of them and one for the others, each asked
		// for again while its answer outlasts the patience.
		if lists := calledOf(sim, http.MethodGet) - n; lists > 2*3 {
			t.Errorf("%d lists for %d creates at once", lists, n)
		}
	})
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: []vultrsim.Fault{vultrsim.Slow(2 * time.Second)}})
		ended := make(chan error, 3)
		for i := range 3 { // one lists, the second leads the next list, and the third has joined that
			time.Sleep(10 * time.Millisecond)
			go func() {
				ctx := t.Context()
				if i == 1 {
					stopped, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					ctx = stopped
				}
				_, err := c.FindScripts(ctx, "n", "", time.Now())
				ended <- err
			}()
		}
		failed := 0
		for range 3 {
			if err := <-ended; err != nil {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d failed, want the one that gave up", failed)
		}
	})
}
