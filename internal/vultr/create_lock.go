package vultr

import (
	"context"
	"sync"
)

// creates are the creates in progress, and the scripts that this client has created.
// Callers wait on channels and not on a mutex, so that each stops when its own context
// ends.
type creates struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
	own  map[string]bool // IDs
}

// lock waits until no other create with the same key is in progress. Of two at once, the
// one whose answer is lost could adopt the script of the other.
func (k *creates) lock(ctx context.Context, key string) (unlock func(), err error) {
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

// markOwn records that this client has created and returned the script.
func (k *creates) markOwn(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.own == nil {
		k.own = map[string]bool{}
	}
	k.own[id] = true
}

func (k *creates) isOwn(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.own[id]
}
