package bundle

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Generator says how a value is made at random: as Length characters of Charset, or
// as Bytes bytes in Encoding.
type Generator struct {
	Length   int
	Charset  string // printable ASCII; empty is DefaultCharset
	Bytes    int
	Encoding Encoding // empty is Base64
}

// DefaultCharset is letters and digits, which no reader takes for anything else.
const DefaultCharset = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Encoding is how bytes are written.
type Encoding string

// The encodings.
const (
	Base64    Encoding = "base64"
	Base64URL Encoding = "base64url" // without padding
	Hex       Encoding = "hex"
)

// Encodings lists all encodings, the default first.
func Encodings() []Encoding { return []Encoding{Base64, Base64URL, Hex} }

// MinEntropy is the least randomness of a generated value, in bits: less can be
// guessed by whoever has something to try it on.
const MinEntropy = 64

// MaxGenerated is the longest value that is generated, in characters or bytes.
const MaxGenerated = 4096

// Check returns an error if the generator makes no value, or one that can be
// guessed, or one that the format or the readers may not hold.
func (g Generator) Check(name string, p Params) error {
	bits := float64(g.Bytes) * 8
	if g.Bytes == 0 {
		set := g.charset()
		for i := range len(set) {
			if set[i] <= ' ' || set[i] > '~' {
				return errors.New("charset holds a blank or a character outside ASCII: use printable ASCII")
			}
			if strings.IndexByte(set, set[i]) != i {
				return errors.New("charset holds a character twice, which would come up more often")
			}
		}
		bits = float64(g.Length) * math.Log2(float64(len(set)))
		if err := p.CheckEntry(name, secret.New(set)); err != nil {
			return err
		}
	}
	if bits < MinEntropy {
		return fmt.Errorf("the value would have %d bits of randomness, and less than %d can be guessed: make it longer", int(bits), MinEntropy)
	}
	return p.CheckName(name)
}

// Sample is a text as long as a value that Generate makes, and one that every reader
// holds: with it a plan checks what is made only at apply. It is never empty.
func (g Generator) Sample() secret.Text {
	length := g.Length
	switch {
	case g.Bytes > 0 && g.Encoding == Hex:
		length = hex.EncodedLen(g.Bytes)
	case g.Bytes > 0 && g.Encoding == Base64URL:
		length = base64.RawURLEncoding.EncodedLen(g.Bytes)
	case g.Bytes > 0:
		length = base64.StdEncoding.EncodedLen(g.Bytes)
	}
	return secret.New(strings.Repeat("A", max(length, 1)))
}

func (g Generator) charset() string {
	if g.Charset == "" {
		return DefaultCharset
	}
	return g.Charset
}

// Generate makes a value that the format and the readers hold.
func (g Generator) Generate(name string, p Params) (secret.Text, error) {
	// Of some readers, portable among them, one value in some can't be held.
	const tries = 100
	var err error
	for range tries {
		var value secret.Text
		if value, err = g.once(); err != nil {
			return secret.Text{}, err
		}
		if err = p.CheckEntry(name, value); err == nil {
			return value, nil
		}
	}
	return secret.Text{}, err
}

func (g Generator) once() (secret.Text, error) {
	if g.Bytes > 0 {
		raw := make([]byte, g.Bytes)
		_, _ = rand.Read(raw) // never fails: it ends the program instead
		switch g.Encoding {
		case Hex:
			return secret.New(hex.EncodeToString(raw)), nil
		case Base64URL:
			return secret.New(base64.RawURLEncoding.EncodeToString(raw)), nil
		case Base64, "":
			return secret.New(base64.StdEncoding.EncodeToString(raw)), nil
		}
		return secret.Text{}, errors.New("there is no such encoding")
	}
	set := g.charset()
	size := big.NewInt(int64(len(set)))
	text := make([]byte, g.Length)
	for i := range text {
		n, err := rand.Int(rand.Reader, size)
		if err != nil {
			return secret.Text{}, errors.New("the system gave no random bytes")
		}
		text[i] = set[n.Int64()]
	}
	return secret.New(string(text)), nil
}
