package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// canary needs quoting in every notation.
const canary = "can<ary \"1\"\n-----BEGIN X-----\nthe-second-line-of-it ü\n&$x"

func TestEveryFormIsFound(t *testing.T) {
	asJSON, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(canary))
	for name, text := range map[string]string{
		"plain":           canary,
		"JSON":            string(asJSON),
		"Go":              fmt.Sprintf("%q", canary),
		"env text":        `A="can<ary \"1\"\n-----BEGIN X-----\nthe-second-line-of-it ü\n&\$x"`,
		"one line":        "| the-second-line-of-it ü |",
		"hex":             hex.EncodeToString([]byte(canary)),
		"base64":          base64.StdEncoding.EncodeToString([]byte(canary)),
		"base64 later":    base64.StdEncoding.EncodeToString([]byte("y" + canary + "z")),
		"base64 latest":   base64.StdEncoding.EncodeToString([]byte("yy" + canary + "zz")),
		"base64url":       base64.URLEncoding.EncodeToString([]byte("\xff\xfe" + canary)),
		"SHA-256":         hex.EncodeToString(sum[:]),
		"SHA-256, base64": base64.StdEncoding.EncodeToString(sum[:]),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHaystack()
			h.add("CANARY", secret.New(canary))
			found := h.search("here", []byte(strings.Repeat("noise ", 100)+text+" noise"))
			if len(found) == 0 {
				t.Fatal("not found")
			}
			if said := fmt.Sprint(found); strings.Contains(said, "ary") || !strings.Contains(said, "CANARY") || !strings.Contains(said, "in here") {
				t.Errorf("the finding says %q", said)
			}
		})
	}
}

func TestNothingElseIsFound(t *testing.T) {
	h := newHaystack()
	h.add("CANARY", secret.New(canary))
	for _, text := range []string{"", "can<ary", canary[:len(canary)-1][:10], "-----BEGIN X-----", strings.Repeat("A", 1000)} {
		if found := h.search("here", []byte(text)); len(found) > 0 {
			t.Errorf("%q: found %v", text, found)
		}
	}
}

func TestShortValuesByTheirDigest(t *testing.T) {
	h := newHaystack()
	if h.add("PIN", secret.New("1234567")) {
		t.Error("7 bytes are said to be long enough")
	}
	if found := h.search("here", []byte("id=1234567")); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	sum := sha256.Sum256([]byte("1234567"))
	if found := h.search("here", []byte(hex.EncodeToString(sum[:]))); len(found) != 1 {
		t.Errorf("its digest: found %v", found)
	}
}

func TestPlansAreUnzipped(t *testing.T) {
	var plan bytes.Buffer
	w := zip.NewWriter(&plan)
	member, err := w.Create("tfplan")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Write([]byte(strings.Repeat("noise ", 100) + canary)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	h := newHaystack()
	h.add("CANARY", secret.New(canary))
	if len(h.search("raw", plan.Bytes())) > 0 {
		t.Fatal("the plan is not compressed, so this shows nothing")
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"a/b/first.tfplan": plan.Bytes(), "a/log": []byte("x")} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := h.searchTree(dir)
	if err != nil || len(found) == 0 || found[0].where != "a/b/first.tfplan:tfplan" {
		t.Errorf("found %v, %v", found, err)
	}
	if h.files != 1+2+1 {
		t.Errorf("%d files searched, want the raw text, the two files and the member", h.files)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.tfplan"), plan.Bytes()[:50], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.searchTree(dir); err == nil || !strings.Contains(err.Error(), "broken.tfplan can't be unzipped") {
		t.Errorf("a broken plan: %v", err)
	}
}

func TestASearchThatMissesIsNoticed(t *testing.T) {
	entries := map[string]secret.Text{"A": secret.New(canary), "B": secret.New(base64.StdEncoding.EncodeToString([]byte(canary))), "C": secret.New("x")}
	h := newHaystack()
	for name, value := range entries {
		h.add(name, value)
	}
	if err := tryOut(h, entries); err != nil {
		t.Error(err)
	}
	if err := tryOut(newHaystack(), entries); err == nil {
		t.Error("an empty search passes for one that works")
	}
}

func TestMissingLogIsNoticed(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"terraform.tfstate": `{"serial": 1}`, planFile: "PK", planJSON: `{"planned_values": {}}`, traceLog: "x [TRACE] y"}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := checkThere(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, traceLog), []byte("x [INFO] y"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkThere(dir); err == nil || !strings.Contains(err.Error(), traceLog) {
		t.Errorf("a log that is not at TRACE: %v", err)
	}
}
