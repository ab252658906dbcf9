package vultrsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fields is what POST and PATCH take; nil is a field that was left out.
type fields struct {
	Name   *string `json:"name"`
	Type   *string `json:"type"`
	Script *string `json:"script"`
}

// check checks the fields that are given. Its error is the API's answer.
func (f fields) check() error {
	if f.Name != nil && (strings.TrimSpace(*f.Name) == "" || strings.ContainsFunc(*f.Name, unicode.IsControl)) {
		return errors.New("Invalid name.") //nolint:revive,staticcheck // the API writes it like this
	}
	if f.Type != nil && *f.Type != "boot" && *f.Type != "pxe" {
		return errors.New("Invalid type.") //nolint:revive,staticcheck // as above
	}
	if f.Script != nil {
		if _, ok := decode(*f.Script); !ok {
			return errors.New("Invalid script: it must be base64 encoded.") //nolint:revive,staticcheck // as above
		}
	}
	return nil
}

// readFields reads and checks a request body. If it returns false, it has answered with
// an error.
func (s *Server) readFields(w http.ResponseWriter, r *http.Request) (fields, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		writeError(w, http.StatusBadRequest, "Content-Type must be application/json.")
		return fields{}, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		writeError(w, http.StatusRequestEntityTooLarge, "Request body is too large.")
		return fields{}, false
	case err != nil:
		writeError(w, http.StatusBadRequest, "Incomplete request body.")
		return fields{}, false
	}
	f, ok := parseFields(body)
	if !ok {
		writeError(w, http.StatusBadRequest, "Invalid JSON.")
		return fields{}, false
	}
	if err := f.check(); err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return fields{}, false
	}
	return f, true
}

// parseFields reads one object, of members that are known and there once.
// encoding/json takes the last of several, in any case, and mends what is not
// UTF-8.
func parseFields(body []byte) (f fields, ok bool) {
	if !utf8.Valid(body) {
		return f, false
	}
	from := json.NewDecoder(bytes.NewReader(body))
	var members map[string]json.RawMessage
	if from.Decode(&members) != nil || members == nil {
		return f, false
	}
	if _, err := from.Token(); !errors.Is(err, io.EOF) {
		return f, false // a second document, or garbage
	}
	for name, value := range members {
		var into **string
		switch name {
		case "name":
			into = &f.Name
		case "type":
			into = &f.Type
		case "script":
			into = &f.Script
		default:
			return f, false
		}
		if json.Unmarshal(value, into) != nil {
			return f, false
		}
	}
	return f, countMembers(body) == len(members)
}

// countMembers counts the members of an object, each time that they are there.
func countMembers(object []byte) (n int) {
	from := json.NewDecoder(bytes.NewReader(object))
	depth, isName := 0, false
	for {
		token, err := from.Token()
		if err != nil {
			return n
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			isName = depth == 1
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			isName = depth == 1
			continue
		}
		if depth == 1 {
			if isName {
				n++
			}
			isName = !isName
		}
	}
}

// readNothing checks that there is no body where none belongs; when it returns
// false the error has been answered.
func readNothing(w http.ResponseWriter, r *http.Request) bool {
	if n, err := r.Body.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		writeError(w, http.StatusBadRequest, "This call takes no body.")
		return false
	}
	return true
}

// readQuery reads a query of these parameters, each there once at most; when it
// returns false the error has been answered.
func readQuery(w http.ResponseWriter, r *http.Request, names ...string) (url.Values, bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	for name, values := range query {
		if !slices.Contains(names, name) || len(values) > 1 {
			err = errors.New("unknown or twice")
		}
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, "Invalid query.")
		return nil, false
	}
	return query, true
}
