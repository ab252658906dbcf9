package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReach(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	if err := reach(t.Context(), server.URL); err != nil {
		t.Errorf("a server that answers: %v", err)
	}
	server.Close()
	start := time.Now()
	if err := reach(t.Context(), server.URL); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("a closed port: %v", err)
	}
	if took := time.Since(start); took > reachTimeout+time.Second {
		t.Errorf("took %s, want at most %s", took, reachTimeout)
	}
}

func TestBuildOpenTofu(t *testing.T) {
	root := t.TempDir()
	fake(t, filepath.Join(root, ".ci"), "build-cli", `[ "$*" = tofu ] || exit 3; echo progress >&2; echo /built/tofu`)
	var progress strings.Builder
	path, err := buildOpenTofu(t.Context(), root, &progress)
	if err != nil || path != "/built/tofu" || progress.String() != "progress\n" {
		t.Fatalf("got %q, progress %q, error %v", path, progress.String(), err)
	}

	fake(t, filepath.Join(root, ".ci"), "build-cli", "exit 1")
	if path, err := buildOpenTofu(t.Context(), root, io.Discard); err == nil {
		t.Fatalf("got %q from a script that failed", path)
	}
}
