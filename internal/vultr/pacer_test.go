package vultr

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// What follows from a call that went wrong goes before the new ones, each in the
// order in which they came; who leaves the line costs nobody a turn.
func TestWhoGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(1 / rateMargin)
		began := time.Now()
		var (
			mu    sync.Mutex
			order []string
		)
		stand := func(ctx context.Context, name string, ahead bool) {
			go func() {
				_, err := p.wait(ctx, ahead)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, fmt.Sprintf("%s %v %.0f", name, err, time.Since(began).Seconds()))
			}()
			synctest.Wait()
		}
		leaves, leave := context.WithCancel(t.Context())
		short, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		stand(t.Context(), "a", false)
		stand(t.Context(), "b", false) // at the limiter
		stand(t.Context(), "c", false)
		stand(leaves, "gone", false)
		stand(leaves, "gone ahead", true)
		stand(t.Context(), "retry 1", true)
		stand(t.Context(), "retry 2", true)
		stand(short, "late", false)
		leave()
		time.Sleep(time.Minute)
		want := []string{
			"a <nil> 0", "gone context canceled 0", "gone ahead context canceled 0",
			"b <nil> 1", "retry 1 <nil> 2", "late context deadline exceeded 2", "retry 2 <nil> 3", "c <nil> 4",
		}
		slices.Sort(want)
		mu.Lock()
		got := slices.Sorted(slices.Values(order))
		mu.Unlock()
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		stand(t.Context(), "later", false)
		mu.Lock()
		defer mu.Unlock()
		if last := order[len(order)-1]; last != "later <nil> 60" {
			t.Errorf("the place was not given back: %s", last)
		}
	})
}

// A call that goes out after its turn, as one that has to connect first, makes room
// for its own second.
func TestTheSecondBeginsWhereTheCallGoesOut(t *testing.T) {
	for _, late := range []time.Duration{0, 50 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			const perSecond, calls = 30, 100
			p := newPacer(perSecond)
			var (
				mu      sync.Mutex
				arrived []time.Time
			)
			for i := range calls {
				isOut, err := p.wait(t.Context(), false)
				if err != nil {
					t.Fatal(err)
				}
				after := time.Duration(0)
				if i == 0 {
					after = late
				}
				time.AfterFunc(after, func() {
					mu.Lock()
					defer mu.Unlock()
					arrived = append(arrived, time.Now())
					isOut()
				})
			}
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			began := arrived[0]
			for i := perSecond; i < calls; i++ {
				if within := arrived[i].Sub(arrived[i-perSecond]); within <= time.Second {
					t.Errorf("call %d came in %s after the one %d before it", i, within, perSecond)
				}
			}
			if took, least := arrived[calls-1].Sub(began), time.Duration(calls-1)*time.Second/perSecond; took > least*11/10+late {
				t.Errorf("took %s, which the rate allows in %s", took, least)
			}
		})
	}
}

// The one whose turn comes as it leaves passes it on.
func TestATurnIsNotLost(t *testing.T) {
	p := newPacer(1)
	p.busy = true
	turn := make(chan struct{})
	p.waiting = append(p.waiting, turn)
	p.release()
	p.dequeue(turn)
	ended, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.enqueue(ended, false); err != nil {
		t.Error("nobody is at the limiter, and nobody gets there")
	}
}

// A create that lost its answer does not stand behind all the new ones again at
// each of its steps.
func TestALostAnswerGoesFirst(t *testing.T) {
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		const others = 100
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpCreate}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Refused(500)}})
		began := time.Now()
		ended := make(chan error, others)
		var took time.Duration
		go func() {
			_, err := c.CreateScript(t.Context(), "lost", secret.New(bodyCanary))
			took = time.Since(began)
			ended <- err
		}()
		synctest.Wait()
		for i := range others - 1 {
			go func() {
				_, err := c.CreateScript(t.Context(), fmt.Sprint(i), secret.New(bodyCanary))
				ended <- err
			}()
		}
		for range others {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if all := time.Since(began); took > 5*time.Second || all < 9*time.Second {
			t.Errorf("took %s, all together %s", took, all)
		}
	}, func(c *Config) { c.RequestsPerSecond = 10 })
}

// A look that is not answered is begun again soon, and in the end waited for as
// long as any call; other calls are waited for from the start.
func TestLooksAreImpatient(t *testing.T) {
	for _, tt := range []struct {
		slow time.Duration
		most time.Duration
	}{
		{800 * time.Millisecond, time.Second},
		{10 * time.Second, 2500 * time.Millisecond}, // once
	} {
		virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
			sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList, vultrsim.OpRead}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Slow(tt.slow)}})
			began := time.Now()
			if _, err := c.FindScripts(t.Context(), "n", "", began); err != nil || time.Since(began) > tt.most {
				t.Errorf("an answer after %s: %v after %s, want %s at most", tt.slow, err, time.Since(began), tt.most)
			}
			sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Times: 1, Faults: []vultrsim.Fault{vultrsim.Slow(tt.slow)}})
			began = time.Now()
			if _, err := c.ListScripts(t.Context()); err != nil || time.Since(began).Round(100*time.Millisecond) != tt.slow {
				t.Errorf("a list for the caller's sake: %v after %s, want %s", err, time.Since(began), tt.slow)
			}
		})
	}
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: []vultrsim.Fault{vultrsim.Slow(DefaultTimeout - time.Second)}})
		if _, err := c.FindScripts(t.Context(), "n", "", time.Now()); err != nil {
			t.Errorf("where all lists are slow: %v", err)
		}
	})
}

// A list that hangs holds up those who wait for it, and not the next one; and while
// the line is crowded lists are rare.
func TestOneListDoesNotHoldUpTheNext(t *testing.T) {
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		sim.SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Times: 1, Faults: []vultrsim.Fault{vultrsim.RateLimited("20")}})
		ended := make(chan error, 1)
		go func() {
			_, err := c.FindScripts(t.Context(), "n", "", time.Now())
			ended <- err
		}()
		time.Sleep(time.Millisecond)
		began := time.Now()
		if _, err := c.FindScripts(t.Context(), "n", "", began); err != nil || time.Since(began) > firstLookupTimeout+time.Second {
			t.Errorf("the next one: %v after %s", err, time.Since(began))
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 19*time.Second {
			t.Errorf("the first one did not wait for what it was asked to: %s", took)
		}
	})
	virtual(t, vultrsim.Options{}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
		const calls = 200
		id := sim.Add("n", "eA==").ID
		ended := make(chan error, calls)
		for range calls {
			go func() {
				_, err := c.GetScript(t.Context(), id)
				ended <- err
			}()
		}
		synctest.Wait()
		began := time.Now()
		for time.Since(began) < 10*time.Second {
			if _, err := c.FindScripts(t.Context(), "m", "", began); err != nil {
				t.Fatal(err)
			}
		}
		lists := 0
		for _, r := range sim.Requests() {
			if !strings.HasSuffix(r.Path, id) {
				lists++
			}
		}
		for range calls {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if most := 2 + int(10*time.Second/listGap); lists > most || lists < 3 {
			t.Errorf("%d lists in ten seconds, want 3 to %d", lists, most)
		}
	}, func(c *Config) { c.RequestsPerSecond = 10 })
}
