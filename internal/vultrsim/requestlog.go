package vultrsim

import (
	"slices"
	"time"
)

// Request is a line of the request log. It has no body, no header and no query:
// scripts and keys travel in those.
type Request struct {
	Method string
	Path   string
	Status int       // 0 if the connection was cut before an answer
	Time   time.Time // when it came in, by the server's clock
	Fault  string    // the fault that struck it; empty: none
}

// Requests returns the calls that were answered, in the order of the answers,
// refused ones too. The log is kept until ClearRequests.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ClearRequests empties the request log.
func (s *Server) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func (s *Server) note(line Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, line)
}
