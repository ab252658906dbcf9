package vultrsim

import "net/http"

// reply is an answer before it is sent: what a fault may still change.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newReply() *reply { return &reply{header: http.Header{}} }

func (r *reply) Header() http.Header { return r.header }

func (r *reply) WriteHeader(status int) { r.status = status }

func (r *reply) Write(p []byte) (int, error) {
	r.body = append(r.body, p...)
	return len(p), nil
}

// send writes the answer, or what a cut leaves of it.
func (r *reply) send(w http.ResponseWriter, lost cut) {
	half := len(r.body) / 2
	if lost == cutAll || lost == cutHalf && half == 0 {
		panic(http.ErrAbortHandler) // net/http ends the connection without a word
	}
	for name, values := range r.header {
		w.Header()[name] = values
	}
	if lost == cutNothing {
		w.WriteHeader(r.status)
		_, _ = w.Write(r.body) // a client that has gone is its own affair
		return
	}
	announceLength(w.Header(), len(r.body))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body[:half])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
