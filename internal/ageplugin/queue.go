package ageplugin

import (
	"sync"
	"time"
)

// maxTimeouts is how often a plugin is waited for in vain, to wrap and to unwrap each.
// With forty bundles, a key that is not plugged in would otherwise cost forty minutes.
const maxTimeouts = 2

// queue lets a plugin be asked once at a time: a key can be used by one process, and a
// person can touch one.
type queue struct {
	place chan struct{} // with one place

	// Only the request in that place reads or changes these.
	wrapTimeouts, unwrapTimeouts int
}

// queues are the queues by the plugins' names.
var queues sync.Map

func queueOf(name string) *queue {
	q, _ := queues.LoadOrStore(name, &queue{place: make(chan struct{}, 1)})
	named, _ := q.(*queue) // it stores no other
	return named
}

// timeoutsOf is the count for requests of this kind. To wrap takes no key, so that a key
// that is not there says nothing about it.
func (q *queue) timeoutsOf(r request) *int {
	if r.Recipient != "" {
		return &q.wrapTimeouts
	}
	return &q.unwrapTimeouts
}

// timeout is how long a plugin may take for an answer, as a key command may: a person
// may have to find the key and touch it.
var (
	timeoutMutex sync.Mutex
	timeout      = time.Minute
)

func currentTimeout() time.Duration {
	timeoutMutex.Lock()
	defer timeoutMutex.Unlock()
	return timeout
}

// SetTimeout sets how long a plugin may take, for tests, and returns what it was. All
// plugins are asked again, those that timed out too.
func SetTimeout(d time.Duration) (before time.Duration) {
	queues.Clear()
	timeoutMutex.Lock()
	defer timeoutMutex.Unlock()
	before, timeout = timeout, d
	return before
}
