package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Sizes in bytes. sops uses a nonce of 32 bytes where GCM's usual one has 12.
const (
	keySize   = 32
	nonceSize = 32
	tagSize   = 16
)

// The types of ENC values.
const (
	typeString  = "str"
	typeInt     = "int"
	typeFloat   = "float"
	typeBool    = "bool"
	typeTime    = "time"
	typeComment = "comment"
)

// strict base64 refuses stray bits, which would let one value be written in
// several ways.
var base64Strict = base64.StdEncoding.Strict()

var errValue = errors.New("the encrypted value is malformed")

// valueCipher encrypts and decrypts the values of one file.
type valueCipher struct {
	gcm cipher.AEAD
}

func newValueCipher(dataKey []byte) (valueCipher, error) {
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return valueCipher{}, errors.New("the data key has a wrong length")
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		return valueCipher{}, errors.New("the cipher can't be set up")
	}
	return valueCipher{gcm}, nil
}

// encrypt writes ENC[…]; additional is authenticated with it.
func (c valueCipher) encrypt(plain secret.Text, additional, kind string) string {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails: it ends the program instead
	sealed := c.gcm.Seal(nil, nonce, []byte(plain.Reveal()), []byte(additional))
	data, tag := sealed[:len(sealed)-tagSize], sealed[len(sealed)-tagSize:]
	b64 := base64.StdEncoding.EncodeToString
	return "ENC[AES256_GCM,data:" + b64(data) + ",iv:" + b64(nonce) + ",tag:" + b64(tag) + ",type:" + kind + "]"
}

// decrypt reads ENC[…]. Errors are errValue and ErrTampered.
func (c valueCipher) decrypt(value, additional string) (plain secret.Text, kind string, err error) {
	p, ok := cutEncrypted(value)
	if !ok {
		return secret.Text{}, "", errValue
	}
	data, err1 := base64Strict.DecodeString(p.data)
	nonce, err2 := base64Strict.DecodeString(p.nonce)
	tag, err3 := base64Strict.DecodeString(p.tag)
	if errors.Join(err1, err2, err3) != nil || len(nonce) != nonceSize || len(tag) != tagSize {
		return secret.Text{}, "", errValue
	}
	opened, err := c.gcm.Open(nil, nonce, append(data, tag...), []byte(additional))
	if err != nil {
		return secret.Text{}, "", ErrTampered
	}
	return secret.New(string(opened)), p.kind, nil
}

// isEncrypted reports whether a text claims to be an encrypted value.
func isEncrypted(text string) bool { return strings.HasPrefix(text, "ENC[") }

// isEncryptedComment reports whether a text claims to be an encrypted comment. The
// claim can be seen without the key, and the MAC, which leaves comments out, fails
// where it was altered.
func isEncryptedComment(text string) bool {
	return isEncrypted(text) && strings.HasSuffix(text, ",type:"+typeComment+"]")
}

// typed is the value that a text of some type stands for. It reports false unless
// the text is the one that sops writes for it: the type is not authenticated, and
// the text is.
func typed(text, kind string) (value any, ok bool) {
	switch kind {
	case typeString:
		return text, true
	case typeInt:
		n, err := strconv.Atoi(text)
		return n, err == nil && strconv.Itoa(n) == text
	case typeFloat:
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil && plainText(f) == text
	case typeBool:
		return text == "True", text == "True" || text == "False"
	case typeTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		written, ok := timeText(t)
		return t, err == nil && ok && written == text
	}
	return nil, false
}

// plainText is the text that sops encrypts, and hashes, for a value.
func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		if v {
			return "True"
		}
		return "False"
	case time.Time:
		text, _ := timeText(v)
		return text
	}
	return ""
}

// entryText is the text of a flattened value: what sops authenticates, but for
// truth values, which are written true and false, and nothing, which is null.
func entryText(value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case nil:
		return "null"
	}
	return plainText(value)
}

// dotenvText is the text that sops writes for a value into a dotenv or INI file.
func dotenvText(value any) string {
	switch v := value.(type) {
	case float64:
		text := strconv.FormatFloat(v, 'G', -1, 64)
		if !strings.ContainsAny(text, ".E") {
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		return text
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.Format(time.RFC3339)
	case string:
		return v
	}
	return fmt.Sprint(value)
}
