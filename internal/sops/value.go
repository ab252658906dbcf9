package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Sizes in bytes. sops uses a nonce of 32 bytes where GCM's usual one has 12.
const (
	keySize   = 32
	nonceSize = 32
	tagSize   = 16
)

// The types of ENC values that hold env text.
const (
	typeString  = "str"
	typeComment = "comment"
	typeInt     = "int"
)

// encPattern is anchored at both ends: sops itself accepts text after the "]".
var encPattern = regexp.MustCompile(`^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]$`)

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
	parts := encPattern.FindStringSubmatch(value)
	if parts == nil {
		return secret.Text{}, "", errValue
	}
	data, err1 := base64Strict.DecodeString(parts[1])
	nonce, err2 := base64Strict.DecodeString(parts[2])
	tag, err3 := base64Strict.DecodeString(parts[3])
	if errors.Join(err1, err2, err3) != nil || len(nonce) != nonceSize || len(tag) != tagSize {
		return secret.Text{}, "", errValue
	}
	opened, err := c.gcm.Open(nil, nonce, append(data, tag...), []byte(additional))
	if err != nil {
		return secret.Text{}, "", ErrTampered
	}
	return secret.New(string(opened)), parts[4], nil
}

// isPlainInt reports whether sops reads the text as an int and prints it again
// as it stands. The type of a value is not authenticated, so a type is taken only
// where it can't change the text.
func isPlainInt(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && strconv.Itoa(n) == text
}
