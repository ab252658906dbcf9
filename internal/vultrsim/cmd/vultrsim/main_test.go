package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const key = "KEYCANARY"

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestServesUntilSignalled(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			urlFile := filepath.Join(t.TempDir(), "sim.url")
			messages, ended := make(lines, 10), make(chan error, 1)
			go func() { ended <- run([]string{"-url-file", urlFile}, key, messages) }()
			var said string
			select {
			case said = <-messages:
			case err := <-ended:
				t.Fatalf("ended at once: %v", err)
			}
			content, err := os.ReadFile(urlFile)
			if err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSpace(string(content))
			if !strings.HasPrefix(base, "http://127.0.0.1:") || !strings.Contains(said, base) || strings.Contains(said, key) {
				t.Errorf("URL file %q, message %q", content, said)
			}
			checkServing(t, base)

			if err := syscall.Kill(os.Getpid(), signal); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("did not stop")
			}
			if left, err := os.ReadDir(filepath.Dir(urlFile)); err != nil || len(left) != 0 {
				t.Errorf("files left: %v, %v", left, err)
			}
		})
	}
}

// checkServing makes a script over the API and reads it as a box would.
func checkServing(t *testing.T, base string) {
	t.Helper()
	ask := func(method, path, body, auth string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if auth != "" {
			req.Header.Set("Authorization", "Bearer "+auth)
		}
		req.Close = true // no kept connection for the shutdown to wait for
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(got)
	}
	const collection = "/v2/startup-scripts"
	if resp, _ := ask("GET", collection, "", ""); resp.StatusCode != 401 {
		t.Errorf("without a key: status %d", resp.StatusCode)
	}
	resp, got := ask("POST", collection, `{"name":"n","script":"ZWNobyBoaQ=="}`, key)
	_, id, _ := strings.Cut(got, `"id":"`)
	if resp.StatusCode != 201 || len(id) < 36 {
		t.Fatalf("created %d %s", resp.StatusCode, got)
	}
	id = id[:36]
	resp, got = ask("GET", "/box/"+id, "", "")
	if resp.StatusCode != 200 || got != "echo hi" || resp.Header.Get("Content-Type") != "text/x-shellscript" {
		t.Errorf("a box gets %d %q as %s", resp.StatusCode, got, resp.Header.Get("Content-Type"))
	}
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/box/", 404},
		{"GET", "/box/00000000-0000-4000-8000-000000000000", 404},
		{"DELETE", "/box/" + id, 405},
		{"POST", "/box/" + id, 405},
		{"GET", "/v2/box/" + id, 401},
	} {
		if resp, got := ask(tt.method, tt.path, "", ""); resp.StatusCode != tt.status || strings.Contains(got, "echo hi") {
			t.Errorf("%s %s: status %d, want %d: %s", tt.method, tt.path, resp.StatusCode, tt.status, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "such", "folder")
	for _, tt := range []struct {
		name  string
		args  []string
		key   string
		fault string
	}{
		{"no key", nil, "", keyVariable},
		{"key as an argument", []string{key}, key, "no arguments"},
		{"all addresses", []string{"-listen", "0.0.0.0:0"}, key, "loopback"},
		{"all addresses, short", []string{"-listen", ":0"}, key, "loopback"},
		{"all addresses, IPv6", []string{"-listen", "[::]:0"}, key, "loopback"},
		{"another address", []string{"-listen", "192.0.2.1:0"}, key, "loopback"},
		{"a name", []string{"-listen", "localhost:0"}, key, "loopback"},
		{"no port", []string{"-listen", "127.0.0.1"}, key, "port"},
		{"unknown flag", []string{"-api-key", "x"}, key, "not defined"},
		{"URL file that cannot be", []string{"-url-file", missing}, key, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan error, 1)
			go func() { ended <- run(tt.args, tt.key, io.Discard) }()
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), key) {
					t.Errorf("got %v, want it to say %q", err, tt.fault)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("it serves")
			}
		})
	}
}
