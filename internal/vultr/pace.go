package vultr

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacer is the limiter, with a line before it that has two doors. A call that
// follows from another, a repeated attempt or a look for what a lost answer was
// about, goes before the new ones: behind a run of fifty it would wait for as long
// as all of them, at each of its steps. Such calls are few and bounded, so that the
// others get their turn.
//
// The limiter spaces the turns. What the server counts is what comes in within a
// second, and a call whose connection has to be made, or on a busy machine any, goes
// out later than its turn: the one that is a second's worth of calls behind it waits
// for a second from then.
type pacer struct {
	limiter *rate.Limiter
	second  time.Duration // with its margin
	most    int           // calls within it

	mu      sync.Mutex
	busy    bool            // somebody is at the limiter
	ahead   []chan struct{} // those that go first; each is closed at its turn
	waiting []chan struct{}
	out     []time.Time // when the last ones went out, in a ring
	oldest  int
}

func newPacer(perSecond float64) *pacer {
	return &pacer{
		limiter: rate.NewLimiter(rate.Limit(perSecond*pacing), 1),
		second:  time.Duration(math.Ceil(float64(time.Second) / pacing)),
		most:    int(math.Ceil(perSecond)),
	}
}

// wait returns at the caller's turn, or with an error when ctx ends or is certain
// to end before. The caller says when its call is out, if that is later.
func (p *pacer) wait(ctx context.Context, ahead bool) (isOut func(), err error) {
	if err := p.stand(ctx, ahead); err != nil {
		return nil, err
	}
	defer p.next()
	if err := p.limiter.Wait(ctx); err != nil {
		return nil, err
	}
	for {
		isOut, rest := p.room(time.Now())
		if rest <= 0 {
			return isOut, nil
		}
		if err := sleep(ctx, rest); err != nil {
			return nil, err
		}
	}
}

// room notes that a call goes out now, or says how long the second has no room for it.
func (p *pacer) room(now time.Time) (isOut func(), rest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := p.oldest
	if len(p.out) < p.most {
		place = len(p.out)
		p.out = append(p.out, now)
	} else {
		if rest := p.second - now.Sub(p.out[place]); rest > 0 {
			return nil, rest
		}
		p.out[place] = now
		p.oldest = (place + 1) % p.most
	}
	return func() {
		later := time.Now()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.out[place].Equal(now) { // and not that of a later call, a second on
			p.out[place] = later
		}
	}, 0
}

// stand waits for the place at the limiter.
func (p *pacer) stand(ctx context.Context, ahead bool) error {
	p.mu.Lock()
	if !p.busy {
		p.busy = true
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if ahead {
		p.ahead = append(p.ahead, turn)
	} else {
		p.waiting = append(p.waiting, turn)
	}
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		p.leave(turn)
		return ctx.Err()
	}
}

// next lets the next one to the limiter.
func (p *pacer) next() {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := &p.ahead
	if len(*line) == 0 {
		line = &p.waiting
	}
	if p.busy = len(*line) > 0; p.busy {
		close((*line)[0])
		*line = (*line)[1:]
	}
}

// leave takes one out of the line. It may have got its turn meanwhile.
func (p *pacer) leave(turn chan struct{}) {
	p.mu.Lock()
	before := len(p.ahead) + len(p.waiting)
	is := func(other chan struct{}) bool { return other == turn }
	p.ahead, p.waiting = slices.DeleteFunc(p.ahead, is), slices.DeleteFunc(p.waiting, is)
	gone := len(p.ahead)+len(p.waiting) < before
	p.mu.Unlock()
	if !gone {
		p.next()
	}
}

// crowded reports whether those who wait have more than a second before them.
func (p *pacer) crowded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return float64(len(p.waiting)) > float64(p.limiter.Limit())
}

type aheadKey struct{}

// ahead is a context for calls that follow from one that went wrong.
func ahead(ctx context.Context) context.Context { return context.WithValue(ctx, aheadKey{}, true) }

func isAhead(ctx context.Context) bool {
	is, _ := ctx.Value(aheadKey{}).(bool)
	return is
}
