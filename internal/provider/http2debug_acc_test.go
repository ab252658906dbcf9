package provider_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// With GODEBUG=http2debug and a log at DEBUG, Go's libraries write the headers of
// requests and the frames of calls to the log of whatever process they are in. The
// provider's adds nothing to it: not the API key, which only that process has.
func TestAccHTTP2DebugShowsNoAPIKey(t *testing.T) {
	for _, debug := range []string{"http2debug=1", "http2debug=2"} {
		t.Run(debug, func(t *testing.T) {
			w := newWorld(t)
			sim := w.simulator()
			var http2 atomic.Bool
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor == 2 {
					http2.Store(true)
				}
				sim.ServeHTTP(rw, r)
			}))
			server.EnableHTTP2 = true
			server.StartTLS()
			t.Cleanup(server.Close)
			roots, log := filepath.Join(t.TempDir(), "roots.pem"), filepath.Join(t.TempDir(), "debug.log")
			writeFile(t, roots, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
			w.env["VULTR_API_URL"], w.env["SSL_CERT_FILE"] = server.URL, roots
			w.env["GODEBUG"], w.env["TF_LOG"], w.env["TF_LOG_PATH"] = debug, "DEBUG", log

			c := newCLI(t, w)
			c.write(w.config(`
resource "ageenv_key" "k" {}
resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "x" }
  recipients = ageenv_key.k.recipients
}
resource "ageenv_vultr_startup_script" "s" {
  name             = "s"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/run/x" }]
}
`))
			c.must("apply", "-auto-approve")
			if !http2.Load() {
				t.Fatal("no request came over HTTP/2")
			}
			content, err := os.ReadFile(log)
			if err != nil || !strings.Contains(string(content), "vultr request") {
				t.Fatalf("the provider's log is not there: %v", err)
			}
			for line := range strings.SplitSeq(string(content), "\n") {
				if strings.Contains(line, simKey) {
					t.Errorf("the API key is logged: %s", line)
				}
				if strings.Contains(line, "provider.terraform-provider-ageenv") && strings.Contains(line, "http2:") {
					t.Errorf("the provider logs its calls: %s", line)
				}
			}
			t.Logf("%d lines of http2 are from elsewhere", strings.Count(string(content), "http2:"))
		})
	}
}
