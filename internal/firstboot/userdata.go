package firstboot

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// CloudConfig returns a script as a #cloud-config part: cloud-init writes it to a
// file of root's, and runs it where it runs scripts of user data.
func CloudConfig(script secret.Text) (secret.Text, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return secret.Text{}, fmt.Errorf("packing the script: %w", err)
	}
	if _, err := w.Write([]byte(script.Reveal())); err != nil {
		return secret.Text{}, fmt.Errorf("packing the script: %w", err)
	}
	if err := w.Close(); err != nil {
		return secret.Text{}, fmt.Errorf("packing the script: %w", err)
	}
	return secret.New(`#cloud-config
write_files:
  - path: /var/lib/ageenv/first-boot
    permissions: "0600"
    owner: root:root
    encoding: gz+b64
    content: ` + base64.StdEncoding.EncodeToString(packed.Bytes()) + `
runcmd:
  - [chmod, "0700", /var/lib/ageenv]
  - [/bin/sh, /var/lib/ageenv/first-boot]
`), nil
}

// MIME returns a script as a multi-part message with one part, which other parts
// may be put beside.
func MIME(script secret.Text) secret.Text {
	// Nothing in base64 begins with two dashes.
	const boundary = "ageenv-first-boot"
	var out strings.Builder
	out.WriteString("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"" + boundary + "\"\n\n--" + boundary + "\n" +
		"Content-Type: text/x-shellscript; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n" +
		"Content-Disposition: attachment; filename=\"ageenv-first-boot\"\n\n")
	text := base64.StdEncoding.EncodeToString([]byte(script.Reveal()))
	for len(text) > 76 {
		out.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	out.WriteString(text + "\n\n--" + boundary + "--\n")
	return secret.New(out.String())
}
