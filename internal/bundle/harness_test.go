package bundle_test

import (
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
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
	content, err := bundle.NewContent(entriesOf(values), bundle.Params{Format: format, Kubernetes: kubernetes, Dialect: dotenv.Compose})
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
	ciphertext, err := bundle.Seal(content, bundle.Params{Format: format, Kubernetes: kubernetes, Dialect: dotenv.Compose, Recipients: agekey.Recipients(ids)}, now)
	if err != nil {
		tb.Fatal(err)
	}
	return ciphertext
}

// Identities by the kinds of their keys.
var (
	x25519     = agekeytest.X25519
	hybrid     = agekeytest.Hybrid
	sshEd25519 = agekeytest.SSHEd25519
)

// kubernetes is what the manifests of the tests say.
var kubernetes = &bundle.Kubernetes{Name: "app", Namespace: "default"}

// isDocument reports whether the format is YAML or JSON of encrypted values.
func isDocument(format bundle.Format) bool { return !format.HasText() && format != bundle.AgeFiles }

// sourceOf opens documents as their owner does, and the rest with nothing allowed.
func sourceOf(ciphertext string) bundle.Source {
	if _, is := bundle.ReadKubernetes(ciphertext); is {
		return bundle.Source{Format: bundle.SOPSKubernetes, AllowUnauthenticated: true, Own: true}
	}
	format, _ := bundle.Detect(ciphertext)
	return bundle.Source{AllowUnauthenticated: isDocument(format), Own: true}
}

// openText opens a bundle, and returns what is inside.
func openText(ciphertext string, ids []agekey.Identity) (secret.Text, error) {
	opened, err := sourceOf(ciphertext).Open(ciphertext, ids)
	return opened.Text, err
}

// open is openText, read in the dialect.
func open(ciphertext string, dialect dotenv.Dialect, ids []agekey.Identity) (bundle.Content, error) {
	opened, err := sourceOf(ciphertext).Open(ciphertext, ids)
	if err != nil {
		return bundle.Content{}, err
	}
	return opened.Read(bundle.Params{Dialect: dialect})
}
