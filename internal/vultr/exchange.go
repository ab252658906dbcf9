package vultr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

const (
	opCreate = "create"
	opRead   = "read"
	opUpdate = "update"
	opDelete = "delete"
	opList   = "list"
)

// exchange is what the transport found out about one call. It travels in the
// request's context, because govultr returns neither the response nor a typed
// error when a call fails.
type exchange struct {
	op     string
	script string
	// caller is the caller's context. govultr gets one that does not end: it would
	// throw away an answer that comes after the caller has stopped waiting.
	caller   context.Context
	attempts int
	last     answer
	// inDoubt is whether any attempt may have had an effect without an answer
	// that says so.
	inDoubt bool
	// refused is whether an attempt was refused for good, as it seemed.
	refused bool
	// ended is the error of the caller's context, if that is what ended the call.
	ended error
}

type exchangeKey struct{}

func newExchange(ctx context.Context, op, script string) (context.Context, *exchange) {
	ex := &exchange{op: op, script: script, caller: ctx}
	return context.WithValue(context.WithoutCancel(ctx), exchangeKey{}, ex), ex
}

// exchangeOf returns the call's exchange, and one that nobody reads for a
// request that has none.
func exchangeOf(ctx context.Context) *exchange {
	if ex, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return ex
	}
	return &exchange{caller: ctx}
}

// failure returns nil if the call was answered with the wanted status.
func (ex *exchange) failure(wanted int) *Error {
	if ex.ended != nil {
		return ex.fail(ex.ended, "stopped before it was done")
	}
	if ex.last.fault == nil && ex.last.status == wanted {
		return nil
	}
	kind, detail := ex.last.kind()
	if errors.Is(kind, ErrNotFound) && (ex.op == opCreate || ex.op == opList) {
		detail = "the API does not know its own startup scripts: check that the API URL is Vultr's"
	}
	return ex.fail(kind, detail)
}

// unusable is a failure of a call whose status was right and whose content was
// not.
func (ex *exchange) unusable(what string) *Error {
	return ex.fail(ErrBadResponse, what+": check that the API URL is Vultr's, and that no proxy or portal answers in its place")
}

// fail makes the error. A create that may have had an effect becomes
// ErrOutcomeUnknown, whatever it failed with. Updates and deletes can simply be
// done again, and their errors say that they may have taken effect.
func (ex *exchange) fail(kind error, detail string) *Error {
	e := &Error{
		Op: ex.op, Script: ex.script, Status: ex.last.status, Attempts: ex.attempts, Kind: kind,
		detail: detail, inDoubt: ex.inDoubt, unanswered: ex.last.unanswered(),
	}
	switch {
	case !ex.inDoubt:
	case ex.op == opUpdate, ex.op == opDelete:
		e.detail += "; it may have taken effect"
	case ex.op == opCreate:
		e.Kind, e.Cause = ErrOutcomeUnknown, kind
		e.detail = fmt.Sprintf("%s: %s", kind, detail)
	}
	return e
}

// answer is how one attempt ended.
type answer struct {
	status int
	// sent is false only if no connection was made, so that the server cannot
	// have seen the request.
	sent bool
	// apiError is whether the body has the form of the API's errors.
	apiError bool
	// fault is why there is no complete answer.
	fault     *fault
	requestID string
}

// unsettled reports whether the request went out and the answer does not rule
// out that it had an effect. Redirects and 4xx rule it out.
func (a answer) mayHaveEffect() bool {
	return a.sent && (a.status < 300 || a.status >= 500)
}

// unanswered reports whether the server may still be at work on the request: no
// answer came from it, or only a gateway's before it.
func (a answer) unanswered() bool {
	return a.sent && (a.fault != nil && a.status == 0 || a.status == http.StatusBadGateway || a.status >= http.StatusGatewayTimeout)
}

// kind maps an answer that was not wanted to a kind and to what an operator can
// do.
func (a answer) kind() (error, string) { //nolint:revive,staticcheck // a kind and its explanation, not a result and an error
	// A status whose body was cut off still tells, but for those that mean
	// something only with their body.
	if a.fault != nil && (a.status < 300 || a.status == http.StatusNotFound) {
		return a.fault.kind, a.fault.reason
	}
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return ErrUnauthorized, "the API key is wrong or was revoked, or the address of this machine is not allowed by the account's access control " +
			"(Vultr console: Account, API)"
	case a.status == http.StatusNotFound && a.apiError:
		return ErrNotFound, "the account has no such startup script"
	case a.status == http.StatusNotFound:
		return ErrBadResponse, "a 404 that is not in the API's form says nothing about the script: check that the API URL is Vultr's"
	case a.status == http.StatusTooManyRequests:
		return ErrRateLimited, "Vultr counts the requests of all programs behind one address: lower the requests per second, or try again later"
	case a.status >= 500:
		return ErrUnavailable, "Vultr could not handle the request: try again later"
	case a.status >= 400:
		return ErrInvalid, "Vultr refused the request: check the script's name, its size and its ID"
	case a.status >= 300:
		return ErrRedirect, "the API key is not sent to another address: set the API URL to the one that answers itself"
	case a.status == 0:
		return ErrUnavailable, "the request was not sent"
	}
	return ErrBadResponse, "this call is not answered with this status by Vultr: check that the API URL is Vultr's, and that no proxy or portal answers in its place"
}
