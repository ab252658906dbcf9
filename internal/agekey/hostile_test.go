package agekey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// age writes a file with more recipients than it reads: nobody could open it.
func TestTooManyRecipients(t *testing.T) {
	recipients := make([]agekey.Recipient, 1025)
	var last agekey.Identity
	for i := range recipients {
		id, err := agekey.GenerateX25519()
		if err != nil {
			t.Fatal(err)
		}
		recipients[i], last = id.Recipient(), id
	}
	if _, err := agekey.Seal(secret.New("x"), recipients); !errors.Is(err, agekey.ErrTooManyRecipients) {
		t.Errorf("sealed to one too many: %v", err)
	}
	sealed, err := agekey.Seal(secret.New("x"), recipients[1:])
	if err != nil {
		t.Fatal(err)
	}
	if text, err := agekey.Open(string(sealed), []agekey.Identity{last}); err != nil || text.Reveal() != "x" {
		t.Errorf("as many as there may be: %v", err)
	}
}

// checkTime fails if a call takes more than fifty times as long as an ordinary one. Other
// work on the machine can lengthen a measurement: the shortest of a few counts.
func checkTime(t *testing.T, ordinary time.Duration, call func()) {
	t.Helper()
	took := timeOf(call)
	for range 4 {
		if took > 50*ordinary {
			took = min(took, timeOf(call))
		}
	}
	if took > 50*ordinary {
		t.Errorf("it took %v, and an ordinary file %v", took, ordinary)
	}
}

func timeOf(call func()) time.Duration {
	start := time.Now()
	call()
	return time.Since(start)
}

// Other people may write to the repository that a file comes from. No content makes
// reading take much longer than a file with as many recipients as there may be.
func TestHostileFilesTakeNoTime(t *testing.T) {
	const size = 10 << 20
	id, err := agekey.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	const intro = "age-encryption.org/v1\n"
	// A stranger's stanza, which only a key agreement can tell to be one.
	stranger, err := agekey.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := agekey.Seal(secret.New("x"), []agekey.Recipient{stranger.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(foreign), "--- ")
	stanza := strings.TrimPrefix(header, intro)
	share := strings.Repeat("B", 42) + "A"
	mac := "--- " + share + "\n"
	crowded := intro + strings.Repeat(stanza, 1024) + mac
	ordinary := timeOf(func() { _, _ = agekey.Open(crowded, []agekey.Identity{id}) })
	for name, sealed := range map[string]string{
		"stanzas":              intro + strings.Repeat(stanza, size/len(stanza)) + mac,
		"as many as are tried": crowded,
		"arguments":            intro + "-> " + strings.Repeat("a ", size/2) + "\n" + share + "\n" + mac,
		"body":                 intro + "-> a\n" + strings.Repeat(strings.Repeat("B", 64)+"\n", size/65) + "\n" + mac,
		"no end":               intro + strings.Repeat("-> a\n\n", size/6),
		"one line":             intro + strings.Repeat("x", size),
		"armor, blank lines":   "-----BEGIN AGE ENCRYPTED FILE-----\n" + strings.Repeat("\n", size),
		"armor, lines":         "-----BEGIN AGE ENCRYPTED FILE-----\n" + strings.Repeat(strings.Repeat("A", 64)+"\n", size/65) + "-----END AGE ENCRYPTED FILE-----\n",
		"armor, one line":      "-----BEGIN AGE ENCRYPTED FILE-----\n" + strings.Repeat("A", size),
		"blanks before":        strings.Repeat(" ", size) + "-----BEGIN AGE ENCRYPTED FILE-----\n",
		"nothing":              "",
		"too large":            strings.Repeat("x", 2*agekey.MaxSize),
	} {
		t.Run(name, func(t *testing.T) {
			checkTime(t, ordinary, func() {
				text, err := agekey.Open(sealed, []agekey.Identity{id})
				_ = agekey.CheckHeader(sealed) // takes time too
				if err == nil || !text.IsEmpty() {
					t.Error("it was opened")
				}
			})
		})
	}
	for name, keys := range map[string]string{
		"comments":  strings.Repeat("#\n", 1<<19),
		"one line":  "AGE-SECRET-KEY-1" + strings.Repeat("Q", 1<<20),
		"not keys":  strings.Repeat("x\n", 1<<19),
		"PEM":       "-----BEGIN OPENSSH PRIVATE KEY-----\n" + strings.Repeat("AAAA\n", 1<<18),
		"recipient": "age1" + strings.Repeat("q", 1<<20),
	} {
		t.Run("keys, "+name, func(t *testing.T) {
			checkTime(t, ordinary, func() {
				_, err := agekey.ParseIdentities(secret.New(keys))
				_, recipientErr := agekey.ParseRecipient(keys)
				if err == nil || recipientErr == nil {
					t.Error("it was read")
				}
			})
		})
	}
}
