package vultrsim

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
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

// fields is what POST and PATCH take; nil is a field that was left out.
type fields struct {
	Name   *string `json:"name"`
	Type   *string `json:"type"`
	Script *string `json:"script"`
}

// fault says what is wrong with the fields that are there, "" for nothing.
func (f fields) fault() string {
	if f.Name != nil && strings.TrimSpace(*f.Name) == "" {
		return "Invalid name."
	}
	if f.Type != nil && *f.Type != "boot" && *f.Type != "pxe" {
		return "Invalid type."
	}
	if f.Script != nil {
		if _, ok := decode(*f.Script); !ok {
			return "Invalid script: it must be base64 encoded."
		}
	}
	return ""
}

func (s *Server) serveCollection(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.list(w, r)
	case http.MethodPost:
		s.create(w, r)
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
	switch r.Method {
	case http.MethodGet:
		script, ok := s.Script(id)
		if !ok {
			writeGone(w)
			return
		}
		writeJSON(w, http.StatusOK, map[string]object{"startup_script": script.whole()})
	case http.MethodPatch:
		s.patch(w, r, id)
	case http.MethodDelete:
		if !s.remove(id) {
			writeGone(w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
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
	made := s.insert(*f.Name, kind, *f.Script)
	writeJSON(w, http.StatusCreated, map[string]object{"startup_script": made.whole()})
}

func (s *Server) patch(w http.ResponseWriter, r *http.Request, id string) {
	f, ok := s.readFields(w, r)
	if !ok {
		return
	}
	changed := s.change(id, func(script *Script) {
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

// readFields reads and checks a request body; when it returns false the error
// has been answered.
func (s *Server) readFields(w http.ResponseWriter, r *http.Request) (fields, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		writeError(w, http.StatusBadRequest, "Content-Type must be application/json.")
		return fields{}, false
	}
	from := json.NewDecoder(http.MaxBytesReader(w, r.Body, s.maxBody))
	from.DisallowUnknownFields()
	var f fields
	err = from.Decode(&f)
	if err == nil {
		// Anything but the end after the object is a second document.
		if _, err = from.Token(); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("trailing data")
		}
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, "Request body is too large.")
		return fields{}, false
	case err != nil:
		writeError(w, http.StatusBadRequest, "Invalid JSON.")
		return fields{}, false
	}
	if fault := f.fault(); fault != "" {
		writeError(w, http.StatusBadRequest, fault)
		return fields{}, false
	}
	return f, true
}
