package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
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

// valueCipher encrypts and decrypts the values of one file, one after the other: its
// buffers are those of the value before.
type valueCipher struct {
	gcm        cipher.AEAD
	nonce      [nonceSize]byte
	buffer     []byte
	additional []byte
}

func newValueCipher(dataKey []byte) (*valueCipher, error) {
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, errors.New("the data key has a wrong length")
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		return nil, errors.New("the cipher can't be set up")
	}
	return &valueCipher{gcm: gcm}, nil
}

// encrypt appends ENC[…]; additional is authenticated with it. If sum is not nil, the
// plain text is added to it.
func (c *valueCipher) encrypt(to []byte, plain, additional, kind string, sum *mac) []byte {
	c.buffer = append(slices.Grow(c.buffer[:0], len(plain)+tagSize), plain...)
	if sum != nil {
		sum.add(c.buffer)
	}
	_, _ = rand.Read(c.nonce[:]) // never fails: it ends the program instead
	c.additional = append(c.additional[:0], additional...)
	sealed := c.gcm.Seal(c.buffer[:0], c.nonce[:], c.buffer, c.additional)
	data, tag := sealed[:len(sealed)-tagSize], sealed[len(sealed)-tagSize:]
	b64 := base64.StdEncoding.AppendEncode
	to = b64(append(to, encOpens...), data)
	to = b64(append(to, ","+encNonce...), c.nonce[:])
	to = b64(append(to, ","+encTag...), tag)
	to = append(append(to, ","+encKind...), kind...)
	return append(to, encEnds...)
}

// encryptedSize is at least as long as ENC[…] of a plain text, for a kind of this package.
func encryptedSize(plain int) int {
	b64 := base64.StdEncoding.EncodedLen
	return b64(plain) + b64(nonceSize) + b64(tagSize) + len(encOpens+encNonce+encTag+encKind+encEnds+typeComment) + len(",,,")
}

// decrypt reads ENC[…]. What it returns is overwritten by the next call. Errors are
// errValue and ErrTampered.
func (c *valueCipher) decrypt(value, additional string) (plain []byte, kind string, err error) {
	p, ok := cutEncrypted(value)
	if !ok || len(p.nonce) != base64.StdEncoding.EncodedLen(nonceSize) || len(p.tag) != base64.StdEncoding.EncodedLen(tagSize) {
		return nil, "", errValue
	}
	c.buffer = slices.Grow(c.buffer[:0], len(p.data)+len(p.nonce)+len(p.tag))
	nonce, err1 := base64Strict.AppendDecode(c.buffer, []byte(p.nonce))
	sealed, err2 := base64Strict.AppendDecode(nonce[len(nonce):], []byte(p.data))
	size := len(sealed)
	sealed, err3 := base64Strict.AppendDecode(sealed, []byte(p.tag))
	if errors.Join(err1, err2, err3) != nil || len(nonce) != nonceSize || len(sealed)-size != tagSize {
		return nil, "", errValue
	}
	c.additional = append(c.additional[:0], additional...)
	opened, err := c.gcm.Open(sealed[:0], nonce, sealed, c.additional)
	if err != nil {
		return nil, "", ErrTampered
	}
	return opened, p.kind, nil
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
