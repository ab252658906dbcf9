package vultrsim

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Script is a startup script as the account holds it.
type Script struct {
	ID           string
	Name         string
	Type         string // boot or pxe
	Script       string // base64, exactly as it was sent
	DateCreated  string
	DateModified string
}

// dateLayout is RFC 3339 in UTC the way the API writes it. It is used with UTC
// times only, hence the offset can be literal.
const dateLayout = "2006-01-02T15:04:05+00:00"

func date(t time.Time) string { return t.UTC().Format(dateLayout) }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// newID returns a random UUID, version 4 of RFC 9562.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// decode reads base64 in its one canonical form. encoding/base64 skips line
// breaks even when strict, so that these are refused first.
func decode(text string) ([]byte, bool) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return b, err == nil && len(b) > 0
}

// insert adds a script, hidden for a while, and returns it with its ID and dates.
func (s *Server) insert(name, kind, script string, hide time.Duration) Script {
	at := s.now()
	now := date(at)
	made := Script{ID: newID(), Name: name, Type: kind, Script: script, DateCreated: now, DateModified: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	if hide > 0 {
		s.hidden[made.ID] = at.Add(hide)
	}
	s.serial++
	s.scripts = append(s.scripts, made)
	s.serials = append(s.serials, s.serial)
	return made
}

// change applies f to a script, but for what the account alone decides, and
// reports whether there was one.
func (s *Server) change(id string, f func(*Script)) bool {
	now := date(s.now())
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i < 0 {
		return false
	}
	altered := s.scripts[i]
	f(&altered)
	altered.ID, altered.DateCreated, altered.DateModified = id, s.scripts[i].DateCreated, now
	s.scripts[i] = altered
	return true
}

func (s *Server) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i < 0 {
		return false
	}
	s.scripts = slices.Delete(s.scripts, i, i+1)
	s.serials = slices.Delete(s.serials, i, i+1)
	return true
}

// index finds a script; the caller holds the lock.
func (s *Server) index(id string) int {
	return slices.IndexFunc(s.scripts, func(have Script) bool { return have.ID == id })
}

// unseen reports whether a script is hidden from the API; the caller holds the
// lock.
func (s *Server) unseen(id string, now time.Time) bool {
	until, hidden := s.hidden[id]
	return hidden && now.Before(until)
}

// sees reports whether the API knows of such a script.
func (s *Server) sees(id string) bool {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index(id) >= 0 && !s.unseen(id, now)
}
