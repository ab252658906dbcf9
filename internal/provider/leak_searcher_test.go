package provider_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// leakSample are secrets of each sort, for planting.
var leakSample = []leakSecret{
	{"a PIN", "PIN-7391"},
	{"a URL with a password", "postgres://app:s3cr&t<p>@db.internal/app?sslmode=require"},
	{"an env text", "TOKEN=tok-5512\nPEM=\"-----BEGIN X-----\nabc\n\"\n"},
}

// TestLeakSearchFindsEveryForm plants each secret in each form in the middle of
// other text.
func TestLeakSearchFindsEveryForm(t *testing.T) {
	for _, secret := range leakSample {
		for _, form := range leakForms(secret.value) {
			t.Run(secret.name+"/"+form.name, func(t *testing.T) {
				s := newLeakSearch(t, leakSample)
				s.text("here", []byte(`{"@message":"x`+form.text+`y"}`))
				if len(s.found) == 0 {
					t.Error("a planted leak is not found")
				}
			})
		}
	}
}

// TestLeakSearchFindsBase64Anywhere encodes the secret with anything before and
// after it, as whole files are, broken into lines and not.
func TestLeakSearchFindsBase64Anywhere(t *testing.T) {
	for _, secret := range leakSample {
		for before := range 7 {
			for after := range 4 {
				text := strings.Repeat("p", before) + secret.value + strings.Repeat("q", after)
				for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
					encoded := encoding.EncodeToString([]byte(text))
					for _, written := range []string{encoded, leakWrapped(encoded, "\n"), leakWrapped(encoded, "\r\n"), leakWrapped(encoded, `\n`)} {
						s := newLeakSearch(t, []leakSecret{secret})
						s.text("here", []byte(written))
						if len(s.found) == 0 {
							t.Errorf("%s with %d bytes before and %d after is not found in its base64", secret.name, before, after)
						}
					}
				}
			}
		}
	}
}

// leakWrapped breaks a text into lines of seven characters.
func leakWrapped(text, lineBreak string) string {
	return regexp.MustCompile(`.{7}`).ReplaceAllString(text, "${0}"+lineBreak)
}

// TestLeakSearchFindsEveryPlace plants a secret in files such as a run leaves.
func TestLeakSearchFindsEveryPlace(t *testing.T) {
	const pin = "PIN-7391"
	digest := leakDigests(pin)
	for _, planted := range []struct {
		name, file, content string
	}{
		{"state", "terraform.tfstate", `{"attributes":{"id":"` + pin + `"}}`},
		{"state, sensitive", "terraform.tfstate", `{"sensitive_values":{"v":"` + pin + `"}}`},
		{"private state, base64", "terraform.tfstate", `{"private":"` + base64.StdEncoding.EncodeToString([]byte(`{"v":"`+pin+`"}`)) + `"}`},
		{"state, a digest", "terraform.tfstate", `{"id":"` + digest[10].text + `"}`},
		{"backup", "terraform.tfstate.backup", pin},
		{"saved plan", "tfplan", leakZip(t, "tfplan", pin)},
		{"state in a saved plan", "tfplan", leakZip(t, "tfstate-prev", `"`+pin+`"`)},
		{"zip in a zip", "tfplan", leakZip(t, "inner.zip", leakZip(t, "x", pin))},
		{"name in a zip", "tfplan", leakZip(t, pin, "x")},
		{"gzip", "state.gz", leakGzip(t, pin)},
		{"trace log", "trace.log", "2026-01-01T00:00:00Z [TRACE] provider: value=" + pin + "\n"},
		{"protocol dump", "1_ageenv_ApplyResourceChange_Request_Config.msgpack", "\x81\xa1v\xa8" + pin},
		{"data directory", ".terraform/modules/modules.json", pin},
		{"empty file's name", "dir/" + pin, ""},
	} {
		t.Run(planted.name, func(t *testing.T) {
			root := t.TempDir()
			path := filepath.Join(root, planted.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			clean := newLeakSearch(t, leakSample)
			writeFile(t, filepath.Join(root, "clean.txt"), "nothing here")
			if err := clean.tree(root, nil); err != nil || len(clean.found) > 0 || clean.files != 1 {
				t.Fatalf("before the planting: %v, %d findings, %d files", err, len(clean.found), clean.files)
			}
			writeFile(t, path, planted.content)
			s := newLeakSearch(t, leakSample)
			if err := s.tree(root, nil); err != nil {
				t.Fatal(err)
			}
			if len(s.found) == 0 {
				t.Error("a planted leak is not found")
			}
		})
	}
}

func leakZip(t *testing.T, name, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	member, err := w.Create(name) // deflated, as Terraform's are
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func leakGzip(t *testing.T, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
