package vultr

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

func TestCheckKey(t *testing.T) {
	sim, url := newSim(t)
	for range 3 {
		sim.Add("a", "IyEvYmluL3NoCg==")
	}
	c, _ := newClient(t, url)
	for range 2 {
		if err := c.CheckKey(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(sim.Requests()); got != 1 {
		t.Errorf("%d requests, expected one", got)
	}

	sim.RevokeAPIKey()
	c, _ = newClient(t, url)
	if err := c.CheckKey(t.Context()); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a revoked key: %v", err)
	}
}

// Whatever is no refusal says nothing about the key.
func TestCheckKeyLearnsNothing(t *testing.T) {
	for _, fault := range []vultrsim.Fault{vultrsim.HTML(), vultrsim.Cut(), vultrsim.Refused(http.StatusServiceUnavailable), vultrsim.RateLimited("")} {
		sim, url := newSim(t)
		sim.SetRules(vultrsim.Rule{Faults: []vultrsim.Fault{fault}})
		c, _ := newClient(t, url)
		if err := c.CheckKey(t.Context()); err == nil || errors.Is(err, ErrUnauthorized) {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

// A caller that stops is told so, and not that the API is slow.
func TestCheckKeyStopped(t *testing.T) {
	_, url := newSim(t)
	c, _ := newClient(t, url)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if err := c.CheckKey(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
