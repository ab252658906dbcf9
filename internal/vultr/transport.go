package vultr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// maxAnswer is the longest body that is read, in bytes. A page of 500 scripts
// has some 100 kB.
const maxAnswer = 16 << 20

// unknownSkew is how far the server's clock may be behind this machine's before an
// answer has shown it.
const unknownSkew = 5 * time.Minute

// firstLookupTimeout bounds the first attempt of a lookup.
const firstLookupTimeout = time.Second

// transport makes every request: it applies the rate limit, adds the key, retries, and
// records how each attempt ended.
type transport struct {
	next    http.RoundTripper
	key     secret.Text
	host    string
	pace    *pacer
	retries int
	timeout time.Duration
	// How long to go on after the caller's context has ended: for the answer to a change
	// in progress, and for the lookup after a create.
	cancelGrace, cancelLookup time.Duration
	logger                    hclog.Logger
	accepted                  atomic.Bool                   // whether the API accepted the key in the last answer that shows it
	skew                      atomic.Pointer[time.Duration] // of the server's clock; nil before the first answer

	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func() float64
}

var errStopped = errors.New("vultr: the call has failed") // govultr's caller reads the exchange instead

// RoundTrip makes as many attempts as are needed and allowed. It reads the whole body
// before it returns, so that a connection that breaks halfway fails the attempt and not
// govultr's parser.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ex := exchangeOf(req.Context())
	ctx := ex.caller
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if req.URL.Host != t.host {
		return nil, fmt.Errorf("vultr: the request is for another host than the API's")
	}
	for attempt := 1; ; attempt++ {
		hasLeft, err := t.pace.wait(ctx, attempt > 1 || hasPriority(ctx)) //nolint:contextcheck // the exchange has the caller's
		if err != nil {
			// The limiter has its own error for a wait that is longer than the deadline
			// allows.
			ex.ended = context.DeadlineExceeded
			if ctx.Err() != nil {
				ex.ended = ctx.Err()
			}
			return nil, ex.ended
		}
		ex.attempts = attempt
		began := t.now()
		resp, got := t.attempt(ctx, req, body, t.attemptTimeout(ctx, req.Method, attempt), hasLeft) //nolint:contextcheck // as above
		took := t.now().Sub(began)
		ex.last = got
		ex.inDoubt = ex.inDoubt || got.mayHaveEffect()
		if got.fault != nil && ctx.Err() != nil {
			ex.ended = ctx.Err()
		}

		var pause time.Duration
		again := ex.ended == nil && attempt <= t.retries && (got.repeatable(req.Method) || t.isUnexpectedRefusal(ex, got))
		if again {
			var asked time.Duration
			if resp != nil {
				asked = retryAfter(resp.Header, t.now())
			}
			pause = wait(attempt, asked, t.jitter)
		}
		t.log(req, ex, took, again, pause)
		switch {
		case again:
			if err := t.sleep(ctx, pause); err != nil { //nolint:contextcheck // as above
				ex.ended = err
				return nil, err
			}
		case got.fault != nil:
			return nil, errStopped
		default:
			return resp, nil
		}
	}
}

// attempt sends the request once. The response is nil unless its headers came.
//
// net/http itself sends a GET again if a kept connection turns out to be dead, and a
// POST, PATCH or DELETE only if no byte of it was written.
func (t *transport) attempt(caller context.Context, req *http.Request, body []byte, timeout time.Duration, hasLeft func()) (*http.Response, answer) {
	ctx, cancel := t.attemptContext(caller, req.Method, timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteHeaders: hasLeft,
	})
	out := req.Clone(ctx)
	out.Header.Set("Authorization", "Bearer "+t.key.Reveal())
	out.Body, out.GetBody, out.ContentLength = http.NoBody, nil, int64(len(body))
	if len(body) > 0 {
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		out.Body, _ = out.GetBody()
	}

	resp, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, answer{sent: connected.Load(), fault: faultOf(err, timeout)}
	}
	got := answer{status: resp.StatusCode, sent: true, requestID: requestID(resp.Header)}
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close() // its error changes nothing
	if err == nil && len(content) > maxAnswer {
		err = errTooLong
	}
	if err != nil {
		got.fault = faultOf(err, timeout)
		return resp, got
	}
	got.apiError = got.status >= 400 && isAPIError(content)
	t.noteClock(resp.Header)
	resp.Body = io.NopCloser(bytes.NewReader(content))
	resp.ContentLength = int64(len(content))
	// govultr ignores JSON whose Content-Type has a parameter, such as a charset.
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && kind == "application/json" {
		resp.Header.Set("Content-Type", kind)
	}
	if got.status < 300 && got.status != http.StatusNoContent && !isJSON(resp.Header, content) {
		got.fault = notJSON
	}
	return resp, got
}

// attemptContext returns the context of one attempt. It ends with the timeout, and for a
// read also with the caller. A change in progress can't be recalled, so its answer is
// awaited a little longer than the caller waits.
func (t *transport) attemptContext(caller context.Context, method string, timeout time.Duration) (context.Context, context.CancelFunc) {
	if method == http.MethodGet {
		return context.WithTimeout(caller, timeout)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), timeout)
	stop := context.AfterFunc(caller, func() {
		_ = sleep(ctx, t.cancelGrace)
		cancel()
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// isUnexpectedRefusal reports whether an answer refuses a call for the first time,
// although key and URL have worked in this run: a gateway restart answers a few calls
// with 401. Such a call had no effect and is made once more. A second refusal is
// believed, for the other calls too, until one succeeds again.
func (t *transport) isUnexpectedRefusal(ex *exchange, got answer) bool {
	kind, _ := got.kind()
	switch {
	case got.fault == nil && got.status >= 200 && got.status < 300:
		t.accepted.Store(true)
	case kind != ErrUnauthorized && kind != ErrRedirect: //nolint:errorlint // kinds are compared as they are
	case ex.refused:
		t.accepted.Store(false)
	default:
		ex.refused = true
		return t.accepted.Load()
	}
	return false
}

// attemptTimeout returns how long an attempt may take. A lookup delays one create or
// many, so its first attempts are short; its last one gets the full timeout.
func (t *transport) attemptTimeout(ctx context.Context, method string, attempt int) time.Duration {
	if method != http.MethodGet || !hasPriority(ctx) || attempt > t.retries || attempt > 10 {
		return t.timeout
	}
	return min(firstLookupTimeout<<(attempt-1), t.timeout)
}

// noteClock records how far the server's clock is ahead of this machine's: the dates of
// scripts are the server's. A Date header is exact to a second.
func (t *transport) noteClock(h http.Header) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		skew := date.Sub(t.now())
		t.skew.Store(&skew)
	}
}

// serverTime converts a time of this machine to the server's clock. The duration is how
// much too late the result may be.
func (t *transport) serverTime(at time.Time) (time.Time, time.Duration) {
	if skew := t.skew.Load(); skew != nil {
		return at.Add(*skew), 2 * time.Second
	}
	return at, unknownSkew
}

// earliest returns the earliest that serverTime may be.
func (t *transport) earliest(at time.Time) time.Time {
	server, late := t.serverTime(at)
	return server.Add(-late)
}

// isJSON reports whether an answer is JSON and its Content-Type says so.
func isJSON(h http.Header, content []byte) bool {
	return h.Get("Content-Type") == "application/json" && json.Valid(content)
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	return body, errors.Join(err, req.Body.Close())
}

// isAPIError reports whether a body is an object with the API's error member.
// It does not look at the member's text.
func isAPIError(content []byte) bool {
	var form struct {
		Error *string `json:"error"`
	}
	return json.Unmarshal(content, &form) == nil && form.Error != nil
}

// log writes the attempt's one line. The path has no query: cursors stay out.
func (t *transport) log(req *http.Request, ex *exchange, took time.Duration, again bool, pause time.Duration) {
	if !t.logger.IsDebug() {
		return
	}
	fields := []any{
		"method", req.Method,
		"path", req.URL.Path,
		"status", ex.last.status,
		"attempt", strconv.Itoa(ex.attempts) + "/" + strconv.Itoa(t.retries+1),
		"duration_ms", took.Milliseconds(),
	}
	if ex.last.requestID != "" {
		fields = append(fields, "request_id", ex.last.requestID)
	}
	if ex.ended != nil {
		fields = append(fields, "fault", ex.ended.Error())
	} else if ex.last.fault != nil {
		fields = append(fields, "fault", ex.last.fault.reason)
	}
	if again {
		fields = append(fields, "retry_in_ms", pause.Milliseconds())
	}
	t.logger.Debug("vultr request", fields...)
}

var requestIDForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`) })

// requestID returns the ID to quote to Vultr's support, if the answer has one in a form
// that cannot be anything else.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Cf-Ray"} {
		if id := h.Get(name); requestIDForm().MatchString(id) {
			return id
		}
	}
	return ""
}
