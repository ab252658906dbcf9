package vultr

import (
	"context"
	"errors"
	"sync"
	"time"
)

// sharedLists lets calls that look something up at the same time share one list. After
// an outage, all creates of a run do.
type sharedLists struct {
	mu           sync.Mutex
	active, next *pendingList
	began        time.Time // when the last list began; read by the caller that fetches the next one
}

// listGap is the time between two lists while many calls are waiting. Then a list delays
// others, and a later one serves more callers.
const listGap = 2500 * time.Millisecond

type pendingList struct {
	done    chan struct{}
	scripts []Script
	err     error
}

// sharedList returns a list that began after the call, so that it has everything that
// was created before the call.
func (c *Client) sharedList(ctx context.Context) ([]Script, error) {
	for {
		list, before, fetches := c.lists.join()
		if fetches {
			c.fetch(ctx, list, before)
		}
		select {
		case <-list.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if isContext(list.err) && ctx.Err() == nil {
			continue // the context of the caller that fetched it has ended, not this one
		}
		return list.scripts, list.err
	}
}

// join returns the list that has not begun yet, the end of the one before it, and
// whether the caller has to fetch it.
func (l *sharedLists) join() (list *pendingList, before <-chan struct{}, fetches bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next != nil {
		return l.next, nil, false
	}
	l.next = &pendingList{done: make(chan struct{})}
	if l.active != nil {
		before = l.active.done
	}
	return l.next, before, true
}

// fetch lists for all callers that have joined.
func (c *Client) fetch(ctx context.Context, list *pendingList, before <-chan struct{}) {
	defer close(list.done)
	if before != nil {
		late := time.NewTimer(firstLookupTimeout)
		defer late.Stop()
		select {
		case <-before:
		case <-late.C: // a slow list delays its own callers only
		case <-ctx.Done():
		}
	}
	for c.transport.now().Sub(c.lists.began) < listGap && c.transport.pace.isCrowded() {
		if c.transport.sleep(ctx, listGap/10) != nil {
			break
		}
	}
	c.lists.begin(list, c.transport.now())
	list.scripts, list.err = c.ListScripts(ctx)
	c.lists.end(list)
}

// begin makes the next list the active one. Callers that join from now on get another.
func (l *sharedLists) begin(list *pendingList, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active, l.next, l.began = list, nil, now
}

func (l *sharedLists) end(list *pendingList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active == list {
		l.active = nil
	}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
