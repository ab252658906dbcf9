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

// unknownSkew is how much the server's clock may be behind this machine's while
// nothing is known of it.
const unknownSkew = 5 * time.Minute

// patience is for how long the first attempt of a look is waited for.
const patience = time.Second

// transport is where every request passes: limiter, key, attempts, statuses.
type transport struct {
	next    http.RoundTripper
	key     secret.Text
	host    string
	pace    *pacer
	retries int
	timeout time.Duration
	// When the caller stops waiting: for the answer to a change that is under way,
	// and for finding what a create has made.
	grace, stopLook time.Duration
	logger          hclog.Logger
	accepted        atomic.Bool                   // the key, by the last answer that tells
	skew            atomic.Pointer[time.Duration] // of the server's clock; nil: no answer has told it

	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func() float64
}

var errStopped = errors.New("vultr: the call has failed") // govultr's caller reads the exchange instead

// RoundTrip makes as many attempts as are needed and allowed. The body of the
// response it returns has been read whole: a connection cut halfway is a fault
// of the attempt, and not an error in govultr.
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
		isOut, err := t.pace.wait(ctx, attempt > 1 || isAhead(ctx)) //nolint:contextcheck // the exchange has the caller's
		if err != nil {
			// The limiter also refuses, with an error of its own, a wait that
			// would outlast the deadline.
			ex.ended = context.DeadlineExceeded
			if ctx.Err() != nil {
				ex.ended = ctx.Err()
			}
			return nil, ex.ended
		}
		ex.attempts = attempt
		began := t.now()
		resp, got := t.attempt(ctx, req, body, t.patience(ctx, req.Method, attempt), isOut) //nolint:contextcheck // as above
		took := t.now().Sub(began)
		ex.last = got
		ex.inDoubt = ex.inDoubt || got.unsettled()
		if got.fault != nil && ctx.Err() != nil {
			ex.ended = ctx.Err()
		}

		var pause time.Duration
		again := ex.ended == nil && attempt <= t.retries && (got.repeatable(req.Method) || t.surprising(ex, got))
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
// net/http itself sends a GET again, unseen from here, if a kept connection
// turns out to be dead; a POST, PATCH or DELETE only if not a byte of it was
// written.
func (t *transport) attempt(caller context.Context, req *http.Request, body []byte, timeout time.Duration, isOut func()) (*http.Response, answer) {
	ctx, cancel := t.span(caller, req.Method, timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteHeaders: isOut,
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
	_ = resp.Body.Close() // what it could still say changes nothing
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
	// govultr silently ignores JSON that is announced with a parameter, such as
	// a charset.
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && kind == "application/json" {
		resp.Header.Set("Content-Type", kind)
	}
	if got.status < 300 && got.status != http.StatusNoContent && !isJSON(resp.Header, content) {
		got.fault = notJSON
	}
	return resp, got
}

// span is how long an attempt may take: the timeout, and for a read no longer
// than its caller waits. What changes something is not recalled by going away, so
// that its answer is waited for a little longer: it says what there is now.
func (t *transport) span(caller context.Context, method string, timeout time.Duration) (context.Context, context.CancelFunc) {
	if method == http.MethodGet {
		return context.WithTimeout(caller, timeout)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), timeout)
	stop := context.AfterFunc(caller, func() {
		_ = sleep(ctx, t.grace)
		cancel()
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// surprising reports whether an answer refuses a call, for the first time, in the
// midst of a run whose key and URL were right until now. Such a call has had no
// effect, and is made once more: of a thousand scripts not one shall be left to the
// next run because a gateway was restarted. A refusal that stays is believed, by
// the other calls too, until one succeeds again.
func (t *transport) surprising(ex *exchange, got answer) bool {
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

// patience is the longest that an attempt may take. A look for what a lost answer
// was about holds up a create, or many: it is asked for again soon, then later, and
// its last attempt gets as long as any other.
func (t *transport) patience(ctx context.Context, method string, attempt int) time.Duration {
	if method != http.MethodGet || !isAhead(ctx) || attempt > t.retries || attempt > 10 {
		return t.timeout
	}
	return min(patience<<(attempt-1), t.timeout)
}

// noteClock remembers how far the server's clock is ahead of this machine's: the
// dates of scripts are by the server's. A Date is exact to a second.
func (t *transport) noteClock(h http.Header) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		skew := date.Sub(t.now())
		t.skew.Store(&skew)
	}
}

// serverTime is a time of this machine by the server's clock, and how much it may
// be too late.
func (t *transport) serverTime(at time.Time) (time.Time, time.Duration) {
	if skew := t.skew.Load(); skew != nil {
		return at.Add(*skew), 2 * time.Second
	}
	return at, unknownSkew
}

// earliest is serverTime, as early as it may be.
func (t *transport) earliest(at time.Time) time.Time {
	server, late := t.serverTime(at)
	return server.Add(-late)
}

// isJSON reports whether an answer is JSON and is announced as that.
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
// What the member says is not looked at.
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

// requestID is what to quote to Vultr's support, if the answer has it in a form
// that cannot be anything else.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Cf-Ray"} {
		if id := h.Get(name); requestIDForm().MatchString(id) {
			return id
		}
	}
	return ""
}
