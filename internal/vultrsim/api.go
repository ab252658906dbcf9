package vultrsim

import (
	"net/http"
	"time"
)

// object is a script on the wire. Script is nil in lists, which leave it out.
type object struct {
	ID           string  `json:"id"`
	DateCreated  string  `json:"date_created"`
	DateModified string  `json:"date_modified"`
	Name         string  `json:"name"`
	Type         string  `json:"type"`
	Script       *string `json:"script,omitempty"`
}

func (s Script) listed() object {
	return object{ID: s.ID, DateCreated: s.DateCreated, DateModified: s.DateModified, Name: s.Name, Type: s.Type}
}

func (s Script) whole() object {
	o := s.listed()
	o.Script = &s.Script
	return o
}

func (s *Server) serveCollection(w http.ResponseWriter, r *http.Request, hide time.Duration) {
	switch r.Method {
	case http.MethodGet:
		if readNothing(w, r) {
			s.list(w, r)
		}
	case http.MethodPost:
		s.create(w, r, hide)
	default:
		writeNotAllowed(w, http.MethodGet, http.MethodPost)
	}
}

func (s *Server) serveOne(w http.ResponseWriter, r *http.Request, id string) {
	switch r.Method {
	case http.MethodGet, http.MethodPatch, http.MethodDelete:
	default:
		writeNotAllowed(w, http.MethodGet, http.MethodPatch, http.MethodDelete)
		return
	}
	if !uuid.MatchString(id) {
		writeError(w, http.StatusBadRequest, "Invalid startup script ID.")
		return
	}
	if _, ok := readQuery(w, r); !ok {
		return
	}
	if r.Method != http.MethodPatch && !readNothing(w, r) {
		return
	}
	switch r.Method {
	case http.MethodGet:
		script, ok := s.Script(id)
		if !ok || !s.sees(id) {
			writeGone(w)
			return
		}
		writeJSON(w, http.StatusOK, map[string]object{"startup_script": script.whole()})
	case http.MethodPatch:
		s.patch(w, r, id)
	case http.MethodDelete:
		if !s.sees(id) || !s.remove(id) {
			writeGone(w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, hide time.Duration) {
	if _, ok := readQuery(w, r); !ok {
		return
	}
	f, ok := s.readFields(w, r)
	if !ok {
		return
	}
	if f.Name == nil || f.Script == nil {
		writeError(w, http.StatusBadRequest, "Name and script are required.")
		return
	}
	kind := "boot"
	if f.Type != nil {
		kind = *f.Type
	}
	made := s.insert(*f.Name, kind, *f.Script, hide)
	writeJSON(w, http.StatusCreated, map[string]object{"startup_script": made.whole()})
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request, id string) {
	f, ok := s.readFields(w, r)
	if !ok {
		return
	}
	changed := s.sees(id) && s.change(id, func(script *Script) {
		if f.Name != nil {
			script.Name = *f.Name
		}
		if f.Type != nil {
			script.Type = *f.Type
		}
		if f.Script != nil {
			script.Script = *f.Script
		}
	})
	if !changed {
		writeGone(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
