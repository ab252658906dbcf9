package vultrsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
)

// Transport reaches the server without a network. It is for tests whose time is
// virtual (testing/synctest), where a real connection would stop the clock.
func (s *Server) Transport() http.RoundTripper { return roundTripper{s} }

type roundTripper struct{ server *Server }

var errCut = errors.New("vultrsim: the connection was cut")

// RoundTrip runs the call in a goroutine of its own: the caller may go, as with a
// real server, before the call has ended.
func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		read, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		body = read
	}
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	inner := req.Clone(context.WithoutCancel(ctx))
	inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	sent := &memory{reply: reply{header: http.Header{}}}
	ended := make(chan bool, 1)
	go func() {
		cut := true
		defer func() { _ = recover(); ended <- cut }()
		t.server.ServeHTTP(sent, inner)
		cut = false
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case cut := <-ended:
		if cut && sent.status == 0 {
			return nil, errCut
		}
		return sent.response(req, cut, t.server), nil
	}
}

// memory is what of an answer was written.
type memory struct{ reply }

// FlushError lets a half answer be flushed, which changes nothing here.
func (*memory) FlushError() error { return nil }

func (m *memory) response(req *http.Request, cut bool, s *Server) *http.Response {
	m.header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	body := io.Reader(bytes.NewReader(m.body))
	if cut {
		body = io.MultiReader(body, broken{})
	}
	return &http.Response{
		Status: strconv.Itoa(m.status) + " " + http.StatusText(m.status), StatusCode: m.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: m.header, Body: io.NopCloser(body), ContentLength: -1, Request: req,
	}
}

// broken is the end of a body whose connection was cut.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func announceLength(h http.Header, n int) { h.Set("Content-Length", strconv.Itoa(n)) }
