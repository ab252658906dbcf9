package vultrsim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// writeJSON answers with v. The content type is bare, without a charset: the
// Go client library for the API ignores an answer that has anything else.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of strings always marshal
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is its own affair
}

func writeError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, struct {
		Error  string `json:"error"`
		Status int    `json:"status"`
	}{text, status})
}

func writeGone(w http.ResponseWriter) {
	writeError(w, http.StatusNotFound, "startup script not found")
}

func writeNotAllowed(w http.ResponseWriter, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeError(w, http.StatusMethodNotAllowed, "Method not allowed.")
}
