package provider_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// leakSecret is a text that must turn up nowhere. Its name is what a finding shows.
type leakSecret struct {
	name, value string
}

// leakForm is one way in which a secret may have been written down.
type leakForm struct {
	name, text string
}

// leakForms are the ways in which a value is searched for. Digests count: a short
// value can be guessed from one.
func leakForms(value string) []leakForm {
	forms := []leakForm{
		{"plain", value},
		{"hex", hex.EncodeToString([]byte(value))},
		{"upper-case hex", strings.ToUpper(hex.EncodeToString([]byte(value)))},
		{"query-escaped", url.QueryEscape(value)},
		{"path-escaped", url.PathEscape(value)},
		{"quoted by Go", inner(strconv.Quote(value))},
		{"quoted by Go, ASCII", inner(strconv.QuoteToASCII(value))},
		{"list of bytes", inner(fmt.Sprint([]byte(value)))},
	}
	once := jsonEscaped(value, true)
	forms = append(forms,
		leakForm{"JSON-escaped", once},
		leakForm{"JSON-escaped twice", jsonEscaped(once, true)},
		leakForm{"JSON-escaped, HTML left alone", jsonEscaped(value, false)},
	)
	for offset := range 3 {
		forms = append(forms, leakBase64(value, offset)...)
	}
	// A file's last line break, or its lack, and the line that env text has are one
	// guess away from the value.
	for _, text := range []string{value, value + "\n", strings.TrimSuffix(value, "\n")} {
		forms = append(forms, leakDigests(text)...)
	}
	return forms
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func jsonEscaped(value string, html bool) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	if err := encoder.Encode(value); err != nil {
		panic(err) // a string can always be encoded
	}
	return inner(strings.TrimSuffix(out.String(), "\n"))
}

// leakBase64 is the part of the base64 that depends on the value alone, where the
// value begins offset bytes after a group of three.
func leakBase64(value string, offset int) (forms []leakForm) {
	padded := append(make([]byte, offset), value...)
	first := (offset*8 + 5) / 6     // the first character that holds no bit of what is before
	last := offset*8 + len(value)*8 // bits
	for _, alphabet := range []struct {
		name     string
		encoding *base64.Encoding
	}{{"base64", base64.RawStdEncoding}, {"URL-safe base64", base64.RawURLEncoding}} {
		text := alphabet.encoding.EncodeToString(padded)[first : last/6]
		forms = append(forms, leakForm{fmt.Sprintf("%s at offset %d", alphabet.name, offset), text})
	}
	return forms
}

func leakDigests(text string) (forms []leakForm) {
	b := []byte(text)
	md, s1, s256, s512 := md5.Sum(b), sha1.Sum(b), sha256.Sum256(b), sha512.Sum512(b)
	for _, digest := range []struct {
		name string
		sum  []byte
	}{{"MD5", md[:]}, {"SHA-1", s1[:]}, {"SHA-256", s256[:]}, {"SHA-512", s512[:]}} {
		forms = append(forms,
			leakForm{digest.name + " in hex", hex.EncodeToString(digest.sum)},
			leakForm{digest.name + " in upper-case hex", strings.ToUpper(hex.EncodeToString(digest.sum))},
			leakForm{digest.name + " in base64", base64.RawStdEncoding.EncodeToString(digest.sum)},
			leakForm{digest.name + " in URL-safe base64", base64.RawURLEncoding.EncodeToString(digest.sum)},
			leakForm{digest.name + " as raw bytes", string(digest.sum)},
		)
	}
	return forms
}
