package vultrsim

import (
	"fmt"
	"slices"
	"time"
)

// The methods here are the account's other users: they see and change scripts
// without a call to the API and without a line in the request log.

// Scripts returns all scripts in the order of their creation.
func (s *Server) Scripts() []Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.scripts)
}

// Script returns one script and whether there is one.
func (s *Server) Script(id string) (Script, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i < 0 {
		return Script{}, false
	}
	return s.scripts[i], true
}

// Add puts a boot script into the account and returns it. Nothing is checked,
// so that a script may hold what the API would refuse.
func (s *Server) Add(name, base64Script string) Script {
	return s.insert(name, "boot", base64Script, 0)
}

// Alter changes a script as f says and moves its date_modified; ID and
// date_created stay. Nothing is checked. f must not call the Server. It reports
// whether there is such a script.
func (s *Server) Alter(id string, f func(*Script)) bool { return s.change(id, f) }

// Remove deletes a script and reports whether there was one.
func (s *Server) Remove(id string) bool { return s.remove(id) }

// BootScript returns the bytes that a box which starts for the first time would
// get: the script without its base64. It fails when there is no such script, or
// when it was altered to something that is not base64.
func (s *Server) BootScript(id string) ([]byte, error) {
	script, ok := s.Script(id)
	if !ok {
		return nil, fmt.Errorf("vultrsim: no such startup script")
	}
	body, ok := decode(script.Script)
	if !ok {
		return nil, fmt.Errorf("vultrsim: startup script %s is not base64, or is empty", id)
	}
	return body, nil
}

// Age makes a script older by d, so that it no longer counts as just made.
func (s *Server) Age(id string, d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i < 0 {
		return false
	}
	at, err := time.Parse(time.RFC3339, s.scripts[i].DateCreated)
	if err != nil {
		return false
	}
	s.scripts[i].DateCreated = date(at.Add(-d))
	return true
}
