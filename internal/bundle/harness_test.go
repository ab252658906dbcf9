package bundle_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// awkward has values that readers of env text get wrong first.
var awkward = map[string]string{
	"ACCENTS": "grüße 日本 🔑",
	"DOLLAR":  "a$b${C}$$d $1",
	"EMPTY":   "",
	"HASH":    "a # b",
	"LINES":   "one\ntwo\r\n\nthree\n",
	"QUOTES":  `it's "quoted" \ and \n`,
	"SPACES":  "  around  ",
	"URL":     "postgres://u:p%40s@db.internal:5432/app?x=1",
}

func entriesOf(values map[string]string) dotenv.Document {
	entries := map[string]secret.Text{}
	for key, value := range values {
		entries[key] = secret.New(value)
	}
	return dotenv.FromMap(entries)
}

func contentOf(tb testing.TB, format bundle.Format, values map[string]string) bundle.Content {
	tb.Helper()
	content, err := bundle.NewContent(entriesOf(values), bundle.Params{Format: format, Dialect: dotenv.Compose})
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func parsed(tb testing.TB, text string) dotenv.Document {
	tb.Helper()
	doc, err := dotenv.Parse(secret.New(text), dotenv.Compose)
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

func sealed(tb testing.TB, content bundle.Content, format bundle.Format, ids ...agekey.Identity) string {
	tb.Helper()
	ciphertext, err := bundle.Seal(content, bundle.Params{Format: format, Dialect: dotenv.Compose, Recipients: agekey.Recipients(ids)}, now)
	if err != nil {
		tb.Fatal(err)
	}
	return ciphertext
}

func x25519(tb testing.TB) agekey.Identity {
	tb.Helper()
	id, err := agekey.GenerateX25519()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func hybrid(tb testing.TB) agekey.Identity {
	tb.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		tb.Fatal(err)
	}
	return identity(tb, id.String())
}

func sshEd25519(tb testing.TB) agekey.Identity {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return sshIdentity(tb, key)
}

func sshRSA(tb testing.TB) agekey.Identity {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return sshIdentity(tb, key)
}

func sshIdentity(tb testing.TB, key any) agekey.Identity {
	tb.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		tb.Fatal(err)
	}
	return identity(tb, string(pem.EncodeToMemory(block)))
}

func identity(tb testing.TB, text string) agekey.Identity {
	tb.Helper()
	ids, err := agekey.ParseIdentities(secret.New(text))
	if err != nil {
		tb.Fatal(err)
	}
	return ids[0]
}

// openText opens a bundle with nothing allowed, and returns what is inside.
func openText(ciphertext string, ids []agekey.Identity) (secret.Text, error) {
	opened, err := bundle.Source{}.Open(ciphertext, ids)
	return opened.Text, err
}

// open is openText, read in the dialect.
func open(ciphertext string, dialect dotenv.Dialect, ids []agekey.Identity) (bundle.Content, error) {
	opened, err := bundle.Source{}.Open(ciphertext, ids)
	if err != nil {
		return bundle.Content{}, err
	}
	return opened.Read(dialect)
}
