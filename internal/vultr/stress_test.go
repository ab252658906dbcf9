package vultr

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// stressSeeds is a flag, so that a change can be measured with more of them.
var stressSeeds = flag.Int("seeds", 10, "runs of the stress test")

// What one run of the stress test is made of.
const (
	stressScripts   = 1000
	stressParallel  = 50
	stressPerSecond = 30
	stressChance    = 0.05
	stressLatency   = 120 * time.Millisecond
	// The shortest time that the limit allows, where nothing goes wrong.
	stressLeast      = (stressScripts - 1) * time.Second / stressPerSecond
	stressWithin     = 1.3 // of it, in each seed
	stressRunsAtMost = 5
)

// slowly adds the way to a real server and back.
type slowly struct{ next http.RoundTripper }

func (s slowly) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := sleep(req.Context(), stressLatency); err != nil {
		return nil, err
	}
	return s.next.RoundTrip(req)
}

// stressRun creates what is not there yet, so many at a time, as a run of Terraform
// does. It notes what it made and returns what it could not make.
func stressRun(t *testing.T, c *Client, todo []string, made map[string]Script) (failed map[string]error) {
	t.Helper()
	type result struct {
		name   string
		script Script
		err    error
	}
	names, results := make(chan string), make(chan result)
	for range stressParallel {
		go func() {
			for name := range names {
				script, err := c.CreateScript(t.Context(), name, secret.New("#!/bin/sh\n# "+name+"\n"))
				results <- result{name, script, err}
			}
		}()
	}
	go func() {
		defer close(names)
		for _, name := range todo {
			names <- name
		}
	}()
	failed = map[string]error{}
	for range todo {
		if r := <-results; r.err != nil {
			failed[r.name] = r.err
		} else {
			made[r.name] = r.script
		}
	}
	return failed
}

// A thousand scripts, fifty at a time, at the limit, while one call in twenty goes
// wrong in one of all the ways there are. What fails for good (a create
// that is refused twice, a look that is) is created by a next run, as an operator
// would; its time counts too.
func TestStress(t *testing.T) {
	var (
		mu     sync.Mutex
		struck = map[string]int{}
	)
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(*stressSeeds) {
			t.Run(fmt.Sprint(seed+1), func(t *testing.T) {
				t.Parallel()
				virtual(t, vultrsim.Options{RequestsPerSecond: stressPerSecond, Seed: seed + 1}, func(t *testing.T, sim *vultrsim.Server, c *Client) {
					c.transport.jitter = stressJitter(seed)
					stressSeed(t, sim, c)
					mu.Lock()
					defer mu.Unlock()
					for _, r := range sim.Requests() {
						struck[r.Fault]++
					}
				}, func(c *Config) {
					c.RequestsPerSecond, c.Transport = stressPerSecond, slowly{c.Transport}
				})
			})
		}
	})
	for _, fault := range vultrsim.Kinds() {
		if struck[fault.String()] == 0 {
			t.Errorf("%s never struck", fault)
		}
	}
}

// stressJitter is jitter by a seed: where the faults strike depends on when calls are
// repeated, and one seed is to be one run.
func stressJitter(seed uint64) func() float64 {
	var mu sync.Mutex
	by := rand.New(rand.NewPCG(seed, 1))
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return by.Float64()
	}
}

// stressSeed creates all scripts, in as many runs as it takes.
func stressSeed(t *testing.T, sim *vultrsim.Server, c *Client) {
	t.Helper()
	sim.SetRules(vultrsim.Rule{Chance: stressChance, Faults: vultrsim.Kinds()})
	var todo []string
	for i := range stressScripts {
		todo = append(todo, fmt.Sprintf("script %d", i+1))
	}
	made := map[string]Script{}
	began, runs := time.Now(), 0
	for ; len(todo) > 0 && runs < stressRunsAtMost; runs++ {
		failed := stressRun(t, c, todo, made)
		todo = nil
		for name, err := range failed {
			if !errors.Is(err, ErrUnauthorized) && !errors.Is(err, ErrRedirect) && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			stressForget(t, c, err, name)
			todo = append(todo, name)
		}
		if len(failed) > stressScripts/50 {
			t.Errorf("%d creates failed", len(failed))
		}
	}
	took, requests := time.Since(began), len(sim.Requests())
	for _, r := range sim.Requests() {
		if r.Status == http.StatusTooManyRequests && r.Fault == "" {
			t.Error("the client went over the limit")
		}
	}
	t.Logf("%s for %d scripts, %.3f of the least; %d runs; %d requests, %d POSTs", took, len(made), float64(took)/float64(stressLeast),
		runs, requests, calledOf(sim, http.MethodPost))
	if float64(took) > stressWithin*float64(stressLeast) {
		t.Errorf("took %s, want at most %.1f of %s", took, stressWithin, stressLeast)
	}
	if float64(requests) > stressWithin*stressScripts {
		t.Errorf("%d requests for %d scripts: a retry storm", requests, stressScripts)
	}
	time.Sleep(time.Minute) // what is late comes now
	stressCopies(t, c, made)
	time.Sleep(time.Minute)
	stressEqual(t, sim, made)
}

// stressForget deletes what a create of unknown outcome has left, as the
// resource's next refresh and apply do.
func stressForget(t *testing.T, c *Client, err error, name string) {
	t.Helper()
	var e *Error
	if !errors.Is(err, ErrOutcomeUnknown) || !errors.As(err, &e) {
		return
	}
	stressDelete(t, c, name, e.Since)
}

// stressDelete deletes scripts that were made since and never returned.
func stressDelete(t *testing.T, c *Client, name string, since time.Time) {
	t.Helper()
	var err error
	for range 4 { // faults strike here too
		var found []Script
		found, err = c.FindScripts(t.Context(), name, Digest(secret.New("#!/bin/sh\n# "+name+"\n")), since)
		for _, script := range found {
			if gone := c.DeleteScript(t.Context(), script.ID); !errors.Is(gone, ErrNotFound) {
				err = errors.Join(err, gone)
			}
		}
		if err == nil {
			return
		}
	}
	t.Error(err)
}

// stressCopies does what the resource's next refresh and apply do.
func stressCopies(t *testing.T, c *Client, made map[string]Script) {
	t.Helper()
	for name, script := range made {
		if !script.CopiesSince.IsZero() {
			stressDelete(t, c, name, script.CopiesSince)
		}
	}
}

// stressEqual fails unless the account holds what was made, all of it and no more.
func stressEqual(t *testing.T, sim *vultrsim.Server, made map[string]Script) {
	t.Helper()
	scripts := sim.Scripts()
	if len(scripts) != stressScripts || len(made) != stressScripts {
		t.Errorf("%d scripts in the account, %d made, want %d", len(scripts), len(made), stressScripts)
	}
	for _, held := range scripts {
		ours := made[held.Name]
		body, err := sim.BootScript(held.ID)
		if err != nil || ours.ID != held.ID || ours.Body.Reveal() != string(body) || ours.DateCreated != held.DateCreated {
			t.Errorf("%s: the account holds %s, and %s was made (%v)", held.Name, held.ID, ours.ID, err)
		}
	}
}
