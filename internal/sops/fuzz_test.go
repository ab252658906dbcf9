package sops_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// The key is the same in all of the fuzzer's processes, so that its changes are
// made to a file that opens.
func FuzzDecrypt(f *testing.F) {
	id := sshEd25519(f)
	file := encrypt(f, edited, id)
	f.Add(file)
	f.Add(encrypt(f, "", id))
	f.Add(encrypt(f, "A=1\n", x25519(f), id))
	for _, tt := range edits {
		if changed := tt.change(f, file); len(changed) < 1<<16 {
			f.Add(changed)
		}
	}
	f.Fuzz(func(t *testing.T, file string) {
		_, _ = sops.ReadMetadata(file)
		plain, err := sops.Decrypt(file, []agekey.Identity{id}, sops.Options{Store: sops.Dotenv})
		text, meta := plain.Text, plain.Metadata
		if err != nil {
			if !text.IsEmpty() {
				t.Fatal("plain text came back beside an error")
			}
			return
		}
		if len(meta.Recipients) == 0 || meta.Version == "" || meta.LastModified.IsZero() {
			t.Error("the metadata is not complete")
		}
		if got, err := decrypt(t, encrypt(t, text.Reveal(), id), id); err != nil || got != text.Reveal() {
			t.Errorf("encrypted again, it gives %q, %v, want %q", got, err, text.Reveal())
		}
	})
}

// What EncryptDotenv takes comes back as it was, but for its empty lines.
func FuzzEncryptDotenv(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	id := x25519(f)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := sops.EncryptDotenv(secret.New(text), recipientsOf(id), now)
		if err != nil {
			return
		}
		var want strings.Builder
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" {
				want.WriteString(line + "\n")
			}
		}
		if got, err := decrypt(t, file, id); err != nil || got != want.String() {
			t.Errorf("got %q, %v, want %q", got, err, want.String())
		}
	})
}
