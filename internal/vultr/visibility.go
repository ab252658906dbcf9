package vultr

import (
	"context"
	"errors"
	"time"
)

// visibilityDelay is how long after its creation a script may not be found yet.
const visibilityDelay = 10 * time.Second

// WhenVisible makes a call about one script, and repeats it while it fails with ErrNotFound
// and the script is so new that it may not be visible yet. created is its DateCreated;
// a date that can't be parsed counts as old.
func (c *Client) WhenVisible(ctx context.Context, created string, call func(context.Context) error) error {
	pause := lookupDelays[0]
	began := c.transport.now()
	for {
		err := call(ctx)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		at, unreadable := time.Parse(time.RFC3339, created)
		now := c.transport.now()
		server, _ := c.transport.serverTime(now)
		// The clocks may differ: the wait is never longer than visibilityDelay.
		left := visibilityDelay - max(server.Sub(at), now.Sub(began))
		if unreadable != nil || left <= 0 {
			return err
		}
		if stopped := c.transport.sleep(ctx, min(pause, left)); stopped != nil {
			return &Error{Op: opRead, Kind: stopped, detail: "stopped while waiting for a new script to become visible"}
		}
		pause = min(2*pause, 2*time.Second)
	}
}
