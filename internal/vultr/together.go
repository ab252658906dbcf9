package vultr

import (
	"context"
	"errors"
	"sync"
	"time"
)

// What calls of one client have to know of each other. They wait on channels and
// not on mutexes, so that each can stop when its own context ends.

// creates are the creates under way, and the scripts that came of them.
type creates struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
	mine map[string]bool // IDs
}

// alone waits until no other create of the key is under way. Two of them at once,
// and the one whose answer was lost could adopt what the other has made.
func (k *creates) alone(ctx context.Context, key string) (done func(), err error) {
	for {
		k.mu.Lock()
		other, busy := k.busy[key]
		if !busy {
			if k.busy == nil {
				k.busy = map[string]chan struct{}{}
			}
			ended := make(chan struct{})
			k.busy[key] = ended
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				delete(k.busy, key)
				k.mu.Unlock()
				close(ended)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (k *creates) claim(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mine == nil {
		k.mine = map[string]bool{}
	}
	k.mine[id] = true
}

func (k *creates) claimed(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mine[id]
}

// lists lets calls that look at the same time share one list: after an outage
// all the creates of a run do.
type lists struct {
	mu           sync.Mutex
	active, next *listRun
	began        time.Time // the last one; only the one who leads the next looks at it
}

// listGap is from one list to the next while the line is crowded: there a list costs
// others their time, and one that comes later serves more.
const listGap = 2500 * time.Millisecond

type listRun struct {
	done    chan struct{}
	scripts []Script
	err     error
}

// sharedList is a list that was begun after the call, so that it has all that was
// made before the call.
func (c *Client) sharedList(ctx context.Context) ([]Script, error) {
	for {
		run, before, leads := c.lists.join()
		if leads {
			c.lead(ctx, run, before)
		}
		select {
		case <-run.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if isContext(run.err) && ctx.Err() == nil {
			continue // the context of the one who listed has ended, and not ours
		}
		return run.scripts, run.err
	}
}

// join returns the run that has not begun yet, what it has to wait for, and
// whether the caller is the one to begin it.
func (l *lists) join() (run *listRun, before <-chan struct{}, leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next != nil {
		return l.next, nil, false
	}
	l.next = &listRun{done: make(chan struct{})}
	if l.active != nil {
		before = l.active.done
	}
	return l.next, before, true
}

// lead lists for all who have joined.
func (c *Client) lead(ctx context.Context, run *listRun, before <-chan struct{}) {
	defer close(run.done)
	if before != nil {
		late := time.NewTimer(patience)
		defer late.Stop()
		select {
		case <-before:
		case <-late.C: // the one before holds up those who wait for it, and no others
		case <-ctx.Done():
		}
	}
	for c.wire.now().Sub(c.lists.began) < listGap && c.wire.pace.crowded() {
		if c.wire.sleep(ctx, listGap/10) != nil {
			break
		}
	}
	c.lists.begin(run, c.wire.now())
	run.scripts, run.err = c.ListScripts(ctx)
	c.lists.end(run)
}

// begin makes the next run the active one. Whoever comes from now on needs another.
func (l *lists) begin(run *listRun, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active, l.next, l.began = run, nil, now
}

func (l *lists) end(run *listRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active == run {
		l.active = nil
	}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
