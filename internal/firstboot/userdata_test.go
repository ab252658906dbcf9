package firstboot

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
)

// What comes out of either form is the script; that cloud-init takes it so is
// shown where it is booted.
func TestUserDataForms(t *testing.T) {
	identity := newIdentity(t)
	script := Params{Name: "schön", Files: []File{fileOf(t, identity, "/f", canary)}, IdentityFile: "/k"}.mustRender(t)
	t.Run("MIME", func(t *testing.T) {
		message, err := mail.ReadMessage(strings.NewReader(MIME(script).Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
		if err != nil || kind != "multipart/mixed" {
			t.Fatalf("%s, %v", kind, err)
		}
		parts := multipart.NewReader(message.Body, params["boundary"])
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil || string(text) != script.Reveal() || !strings.HasPrefix(part.Header.Get("Content-Type"), "text/x-shellscript;") {
			t.Errorf("%d bytes of %s (%v)", len(text), part.Header, err)
		}
		if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
			t.Errorf("another part: %v", err)
		}
	})
	t.Run("cloud-config", func(t *testing.T) {
		config, err := CloudConfig(script)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(config.Reveal(), "content: ")
		content, _, _ := strings.Cut(rest, "\n")
		packed, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); err != nil || string(text) != script.Reveal() {
			t.Errorf("%d bytes (%v)", len(text), err)
		}
		if again, err := CloudConfig(script); err != nil || !again.Equal(config) {
			t.Errorf("another text the second time (%v)", err)
		}
	})
}
