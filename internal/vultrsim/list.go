package vultrsim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type meta struct {
	Total int   `json:"total"`
	Links links `json:"links"`
}

type links struct {
	Next string `json:"next"`
	Prev string `json:"prev"`
}

// cursor points before or after a script by its order of creation and not by
// its place, so that a script which comes or goes between two pages neither
// hides another nor shows it twice.
type cursor struct {
	before bool
	serial uint64
}

func (c cursor) String() string {
	side := "after"
	if c.before {
		side = "before"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(side + " " + strconv.FormatUint(c.serial, 10)))
}

func parseCursor(text string) (cursor, bool) {
	if text == "" {
		return cursor{}, true // after nothing: the first page
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, false
	}
	side, number, _ := strings.Cut(string(plain), " ")
	serial, err := strconv.ParseUint(number, 10, 64)
	c := cursor{before: side == "before", serial: serial}
	return c, err == nil && c.String() == text
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	query, ok := readQuery(w, r, "per_page", "cursor")
	if !ok {
		return
	}
	perPage := s.perPage
	if query.Has("per_page") {
		n, err := strconv.Atoi(query.Get("per_page"))
		if err != nil || n < 1 || n > MaxPerPage {
			writeError(w, http.StatusBadRequest, "Invalid per_page.")
			return
		}
		perPage = n
	}
	from, ok := parseCursor(query.Get("cursor"))
	if !ok {
		writeError(w, http.StatusBadRequest, "Invalid cursor.")
		return
	}
	scripts, m := s.page(from, perPage)
	writeJSON(w, http.StatusOK, struct {
		Scripts []object `json:"startup_scripts"`
		Meta    meta     `json:"meta"`
	}{scripts, m})
}

// page returns at most perPage scripts on the one side of a cursor.
func (s *Server) page(from cursor, perPage int) ([]object, meta) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()

	// Those that the API sees, and their serials.
	scripts, serials := s.scripts, s.serials
	if len(s.hidden) > 0 {
		scripts, serials = nil, nil
		for i, script := range s.scripts {
			if !s.unseen(script.ID, now) {
				scripts, serials = append(scripts, script), append(serials, s.serials[i])
			}
		}
	}
	at, found := slices.BinarySearch(serials, from.serial)
	var first, end int
	if from.before {
		first, end = max(at-perPage, 0), at
	} else {
		if found {
			at++
		}
		first, end = at, min(at+perPage, len(scripts))
	}
	page := make([]object, 0, end-first)
	for _, script := range scripts[first:end] {
		page = append(page, script.listed())
	}
	m := meta{Total: len(scripts)}
	if first < end && end < len(scripts) {
		m.Links.Next = cursor{serial: serials[end-1]}.String()
	}
	if first < end && first > 0 {
		m.Links.Prev = cursor{before: true, serial: serials[first]}.String()
	}
	return page, m
}
