package vultr

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstBackoff = 500 * time.Millisecond // doubled for each further attempt
	maxBackoff   = 15 * time.Second
	maxWait      = 60 * time.Second // the longest Retry-After that is honoured in full
)

// repeatable reports whether another attempt may help and cannot do harm.
//
// A POST that reached the server may have made a script even if the answer was
// lost or is a 5xx, so that it is repeated only after a 429, which is given
// before any effect, or when no connection was made. CreateScript repeats it
// after it has looked for what it made.
func (a answer) repeatable(method string) bool {
	switch {
	case a.status == http.StatusTooManyRequests:
		return true
	case a.fault != nil && a.fault.permanent:
		return false
	case method == http.MethodPost:
		return !a.sent
	case a.fault != nil && (a.status < 300 || a.status == http.StatusNotFound):
		return true
	}
	switch a.status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// wait is the time before the attempt that follows the given one (from 1). What
// the server asks for is a minimum, up to maxWait. The back-off is a random part
// of its upper half, so that calls which failed together do not return together.
func wait(attempt int, asked time.Duration, jitter func() float64) time.Duration {
	backoff := maxBackoff
	if shift := attempt - 1; shift < 5 {
		backoff = firstBackoff << shift
	}
	backoff = backoff/2 + time.Duration(jitter()*float64(backoff/2))
	return min(max(backoff, asked), maxWait)
}

// retryAfter reads the header in both forms of RFC 9110, section 10.2.3: seconds
// and a date. Whatever else it holds is 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxWait)
}

// jitter is a random number from 0 up to 1.
func jitter() float64 { return rand.Float64() } //nolint:gosec // spreads retries, guards nothing

// sleep waits for d, or until the context ends and then returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
