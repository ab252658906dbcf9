package vultr

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacer is a rate limiter with a priority queue: retries, and lookups after a lost
// answer, go before new calls. Behind fifty new calls, each of their steps would wait
// for all fifty. They are few, so new calls are not starved.
//
// The limiter spaces the calls. The server counts the requests that arrive within a
// second, and a request can leave later than its turn, because a connection has to be
// made or the machine is busy. So the pacer also notes when each call left, and the
// call that is one second's worth of calls behind it waits for a full second from then.
type pacer struct {
	limiter *rate.Limiter
	second  time.Duration // a second and its margin
	most    int           // the calls that may leave within it

	mu      sync.Mutex
	busy    bool            // a caller is at the limiter
	urgent  []chan struct{} // callers with priority; a channel is closed at its turn
	waiting []chan struct{} // the other callers
	left    []time.Time     // when the last calls left: a ring of most elements
	oldest  int
}

func newPacer(perSecond float64) *pacer {
	return &pacer{
		limiter: rate.NewLimiter(rate.Limit(perSecond*rateMargin), 1),
		second:  time.Duration(math.Ceil(float64(time.Second) / rateMargin)),
		most:    int(math.Ceil(perSecond)),
	}
}

// wait returns when the call may leave. It fails when ctx ends, or is certain to end
// before. A caller whose request leaves later calls hasLeft then.
func (p *pacer) wait(ctx context.Context, priority bool) (hasLeft func(), err error) {
	if err := p.enqueue(ctx, priority); err != nil {
		return nil, err
	}
	defer p.release()
	if err := p.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	for {
		hasLeft, rest := p.reserve(time.Now())
		if rest <= 0 {
			return hasLeft, nil
		}
		if err := sleep(ctx, rest); err != nil {
			return nil, err
		}
	}
}

// reserve notes that a call leaves now, or returns how long to wait until one may.
func (p *pacer) reserve(now time.Time) (hasLeft func(), rest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := p.oldest
	if len(p.left) < p.most {
		place = len(p.left)
		p.left = append(p.left, now)
	} else {
		if rest := p.second - now.Sub(p.left[place]); rest > 0 {
			return nil, rest
		}
		p.left[place] = now
		p.oldest = (place + 1) % p.most
	}
	return func() {
		later := time.Now()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.left[place].Equal(now) { // a call one second later may have taken the place
			p.left[place] = later
		}
	}, 0
}

// enqueue waits until the caller is the one at the limiter.
func (p *pacer) enqueue(ctx context.Context, priority bool) error {
	p.mu.Lock()
	if !p.busy {
		p.busy = true
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if priority {
		p.urgent = append(p.urgent, turn)
	} else {
		p.waiting = append(p.waiting, turn)
	}
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		p.dequeue(turn)
		return ctx.Err()
	}
}

// release lets the next caller to the limiter.
func (p *pacer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue := &p.urgent
	if len(*queue) == 0 {
		queue = &p.waiting
	}
	p.busy = len(*queue) > 0
	if p.busy {
		close((*queue)[0])
		*queue = (*queue)[1:]
	}
}

// dequeue removes a caller that stops waiting. If its turn has come meanwhile, the next
// caller gets it.
func (p *pacer) dequeue(turn chan struct{}) {
	p.mu.Lock()
	before := len(p.urgent) + len(p.waiting)
	isTurn := func(other chan struct{}) bool { return other == turn }
	p.urgent, p.waiting = slices.DeleteFunc(p.urgent, isTurn), slices.DeleteFunc(p.waiting, isTurn)
	removed := len(p.urgent)+len(p.waiting) < before
	p.mu.Unlock()
	if !removed {
		p.release()
	}
}

// isCrowded reports whether more than a second's worth of calls is waiting.
func (p *pacer) isCrowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return float64(len(p.waiting)) > float64(p.limiter.Limit())
}

type priorityKey struct{}

// withPriority returns a context for calls that follow from a failed one.
func withPriority(ctx context.Context) context.Context {
	return context.WithValue(ctx, priorityKey{}, true)
}

func hasPriority(ctx context.Context) bool {
	priority, _ := ctx.Value(priorityKey{}).(bool)
	return priority
}
