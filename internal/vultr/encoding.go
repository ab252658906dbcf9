package vultr

import (
	"encoding/base64"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func encodeBody(body secret.Text) string {
	return base64.StdEncoding.EncodeToString([]byte(body.Reveal()))
}

// decodeBody reads what the account holds. Others may have written it, by hand
// or with another tool, so that line breaks, spaces around them and missing
// padding are accepted: equivalent texts are the same script. What is not
// base64 at all is returned as it is, with false: even if it reads like a script
// that was sent from here, it is none, and can be repaired.
func decodeBody(sent string) (body secret.Text, ok bool) {
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, sent)
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return secret.New(sent), false
	}
	return secret.New(string(b)), true
}
