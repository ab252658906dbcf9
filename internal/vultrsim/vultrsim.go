// Package vultrsim is Vultr's v2 startup-script API to run against: a
// [http.Handler] that keeps scripts in memory and is as strict as the real API
// may be.
//
// What it does comes from three sources, and a test that leans on a guess
// proves nothing about the real API.
//
// Documented by Vultr:
//   - Bearer authentication on every call under /v2.
//   - POST /v2/startup-scripts answers 201 with the object; name and script
//     (base64) are required; type is boot (the default) or pxe.
//   - GET on the collection answers 200, without the scripts' bodies; per_page
//     is 100 unless given and at most 500; cursors are opaque; links to a page
//     that does not exist are empty.
//   - GET on one answers 200 with the object; PATCH and DELETE answer 204
//     without a body. A field that PATCH leaves out keeps its value.
//   - Dates are RFC 3339 in UTC, with +00:00 and not Z.
//   - Errors are 400, 401 and 404.
//
// Seen live, as quoted by users of the API:
//   - The shape of errors, {"error":"…","status":N}, and the text
//     "Invalid API token." for a wrong key; "rate limit exceeded" for a 429.
//   - Something that was just made may not be found for some seconds. This was
//     seen with instances; see [Hidden].
//
// Guesses:
//   - A missing key is answered like a wrong one, before anything else is
//     looked at.
//   - Names need not be unique.
//   - Base64 that is not the standard alphabet with padding and without line
//     breaks, or that decodes to nothing, is a 400; so are a missing or empty
//     name, a type other than boot and pxe, a JSON member that the API does not
//     know, a content type other than application/json, an ID that is not a
//     UUID in lower case, a per_page outside 1 to 500 and a cursor that was not
//     handed out.
//   - A base64 text is given back as it was sent, not normalised.
//   - PATCH moves date_modified even where it changes nothing.
//   - A script that is in use can be deleted, with 204.
//   - A trailing slash on the collection is the collection; any other path is a
//     404, any other method a 405 with Allow, a body over the limit a 413. The
//     wording of every error but "Invalid API token.".
//   - The list is in the order of creation.
//   - A query parameter that the API does not know or that is there twice, a
//     query where the call takes none, a body where it takes none, a JSON member
//     that is there twice, text that is not UTF-8 and a name with a control
//     character are a 400.
//   - Calls over the limit are answered 429 with {"error":"rate limit
//     exceeded"}, without a Retry-After, whether the key is right or not, and do
//     not count. The limit is over any span of one second.
//   - All that is in fault.go: which faults occur, and how they look.
//
// The files:
//   - vultrsim.go, start.go, transport.go: the server, on a port or as a transport
//   - api.go, list.go: the calls
//   - request.go, answer.go, reply.go: what they read and write
//   - script.go, backdoor.go: the scripts, and changing them without a call
//   - fault.go: what goes wrong on request
//   - requestlog.go: which calls were made
package vultrsim

import (
	"bytes"
	"context"
	"crypto/subtle"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The defaults of [Options], and the API's largest page.
const (
	DefaultPerPage = 100
	MaxPerPage     = 500
	DefaultMaxBody = 4 << 20
)

// Options says what a [Server] accepts.
type Options struct {
	// APIKey is the one key that is accepted. Required.
	APIKey string
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
	// PerPage is the length of a page for callers that do not ask for one, from
	// 1 to MaxPerPage; 0 means DefaultPerPage.
	PerPage int
	// RequestsPerSecond is how many calls any second has room for; 0 is no limit.
	RequestsPerSecond int
	// Seed decides what rules leave to chance.
	Seed uint64
	// MaxBody is the largest request body in bytes; 0 means DefaultMaxBody.
	MaxBody int64
}

// Server is a simulated API with one account. Its methods may be called at any
// time, from any goroutine, while it serves.
type Server struct {
	now     func() time.Time
	perPage int
	maxBody int64
	limit   int

	mu       sync.Mutex
	key      string // empty: revoked, nothing is accepted
	scripts  []Script
	serials  []uint64 // serials[i] is the order of creation of scripts[i]
	serial   uint64
	requests []Request
	late     sync.WaitGroup
	hidden   map[string]time.Time // until when a script is not to be seen
	admitted []time.Time          // the calls of the last second
	rules    []*ruleState
	chance   *rand.Rand
}

// New returns a Server without scripts. It panics when the options make no
// sense, since that is a fault of the test that wrote them.
func New(o Options) *Server {
	if o.APIKey == "" {
		panic("vultrsim: Options.APIKey is required")
	}
	if o.PerPage < 0 || o.PerPage > MaxPerPage || o.MaxBody < 0 || o.RequestsPerSecond < 0 {
		panic("vultrsim: Options.PerPage, Options.MaxBody or Options.RequestsPerSecond is out of range")
	}
	s := &Server{now: o.Now, perPage: o.PerPage, maxBody: o.MaxBody, limit: o.RequestsPerSecond, key: o.APIKey, hidden: map[string]time.Time{}, chance: newChance(o.Seed)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.perPage == 0 {
		s.perPage = DefaultPerPage
	}
	if s.maxBody == 0 {
		s.maxBody = DefaultMaxBody
	}
	return s
}

// SetAPIKey makes key the only one that is accepted from now on.
func (s *Server) SetAPIKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// RevokeAPIKey makes every call fail with 401 until SetAPIKey.
func (s *Server) RevokeAPIKey() { s.SetAPIKey("") }

const (
	keyText       = "Invalid API token."
	rateLimitText = "rate limit exceeded"
)

// collection is the path of the one resource that is simulated.
const collection = "/v2/startup-scripts"

// ServeHTTP answers one call, or lets it go wrong, and notes it in the request log.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	line := Request{Method: r.Method, Path: r.URL.Path, Time: s.now()}
	defer func() { s.note(line) }()
	answer := newReply()
	if !s.admit(line.Time) {
		writeError(answer, http.StatusTooManyRequests, rateLimitText)
		line.Status = answer.status
		answer.send(w, cutNothing)
		return
	}
	fault, struck := s.strike(opOf(r))
	if struck {
		line.Fault = fault.name
		if fault.cut == cutAll && fault.delay > 0 {
			s.later(r, fault)
			answer.send(w, cutAll)
		}
		pause(r.Context(), fault.delay)
	}
	if !struck || fault.effect {
		s.serve(answer, r, fault.hide)
	}
	if fault.answer != nil {
		*answer = fault.answer(*answer)
	}
	if fault.cut != cutAll {
		line.Status = answer.status
	}
	answer.send(w, fault.cut)
}

// later lets a call have its effect when its connection is long gone.
func (s *Server) later(r *http.Request, fault Fault) {
	body, _ := io.ReadAll(r.Body) // the body goes with the connection
	again := r.Clone(context.WithoutCancel(r.Context()))
	again.Body = io.NopCloser(bytes.NewReader(body))
	s.late.Go(func() { //nolint:contextcheck // the connection's has ended
		pause(again.Context(), fault.delay)
		s.serve(newReply(), again, fault.hide)
	})
}

// serve is the API as it is when nothing goes wrong. What is made is hidden for a
// while.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, hide time.Duration) {
	if !s.authorized(r) {
		writeError(w, http.StatusUnauthorized, keyText)
		return
	}
	// The path is taken as sent: a mux would clean it, and answer a client that
	// forgot to check an ID with a redirect that the real API does not give.
	path := r.URL.Path
	switch {
	case path == collection || path == collection+"/":
		s.serveCollection(w, r, hide)
	case strings.HasPrefix(path, collection+"/"):
		s.serveOne(w, r, strings.TrimPrefix(path, collection+"/"))
	default:
		writeError(w, http.StatusNotFound, "Invalid API path.")
	}
}

// opOf is the call that a request makes, or would make if it were right.
func opOf(r *http.Request) Op {
	switch r.Method {
	case http.MethodPost:
		return OpCreate
	case http.MethodPatch:
		return OpUpdate
	case http.MethodDelete:
		return OpDelete
	}
	if strings.TrimSuffix(r.URL.Path, "/") == collection {
		return OpList
	}
	return OpRead
}

// admit reports whether the limit leaves room for a call now.
func (s *Server) admit(now time.Time) bool {
	if s.limit == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admitted = slices.DeleteFunc(s.admitted, func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if len(s.admitted) >= s.limit {
		return false
	}
	s.admitted = append(s.admitted, now)
	return true
}

func (s *Server) authorized(r *http.Request) bool {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	return bearer && s.key != "" && subtle.ConstantTimeCompare([]byte(given), []byte(s.key)) == 1
}
