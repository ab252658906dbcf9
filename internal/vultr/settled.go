package vultr

import (
	"context"
	"errors"
	"time"
)

// youth is for how long after its creation a script that is not found may be one
// that is not seen yet.
const youth = 10 * time.Second

// Settled makes a call about one script, again and again while it fails with
// ErrNotFound and the script is so young that it may not be seen yet. created is
// its DateCreated; one that can't be read is an old one.
func (c *Client) Settled(ctx context.Context, created string, call func(context.Context) error) error {
	pause := looks[0]
	began := c.wire.now()
	for {
		err := call(ctx)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		at, unreadable := time.Parse(time.RFC3339, created)
		now := c.wire.now()
		server, _ := c.wire.serverTime(now)
		// The clocks may be far apart: it is never waited for longer than the youth.
		left := youth - max(server.Sub(at), now.Sub(began))
		if unreadable != nil || left <= 0 {
			return err
		}
		if stopped := c.wire.sleep(ctx, min(pause, left)); stopped != nil {
			return &Error{Op: opRead, Kind: stopped, detail: "stopped while waiting for a script that was just made to be seen"}
		}
		pause = min(2*pause, 2*time.Second)
	}
}
