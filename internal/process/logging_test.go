package process_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// requestHTTP2 makes a request with a secret header to a real HTTP/2 server.
func requestHTTP2() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	req, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		os.Exit(3)
	}
	req.Header.Set("Authorization", "Bearer "+canary)
	resp, err := server.Client().Do(req)
	if err != nil || resp.ProtoMajor != 2 {
		os.Exit(4)
	}
	_ = resp.Body.Close()
}

// GODEBUG is read when the process starts, so the test needs one of its own.
func TestHTTP2DebugShowsNoHeader(t *testing.T) {
	for _, debug := range []string{"http2debug=1", "http2debug=2"} {
		for as, shown := range map[string]bool{"loud": true, "quiet": false} {
			cmd := exec.Command(os.Args[0])
			cmd.Env = []string{role + "=" + as, "GODEBUG=" + debug}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s, %s: %v\n%s", debug, as, err, out)
			}
			if strings.Contains(string(out), canary) != shown {
				t.Errorf("%s, %s: the header is shown: %v, want %v\n%s", debug, as, !shown, shown, out)
			}
		}
	}
}
