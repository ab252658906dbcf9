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
	f.Add("export A=1\n A=2\nA =3\n=4\na.b-c=5\n" + file)
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
		if sops.CheckDotenv(text) != nil {
			return // sops takes more names and empty values than we write
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

// Trees come from parsers that are others'. What is read strictly is read alike
// where more is allowed, every name is there once, and an error gives nothing.
func FuzzDecryptTree(f *testing.F) {
	id := sshEd25519(f)
	ids := []agekey.Identity{id}
	binary, err := sops.EncryptBinary(secret.New("A=1\n"), recipientsOf(id), now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(binary)
	for _, file := range []string{
		`{"A":"x","L":["",null,1.5,true],"sops":{"age":[{"enc":"x","recipient":"x"}],"lastmodified":"2026-01-02T03:04:05Z","mac":"x","version":"3.13.3"}}`,
		"A: x # c\nL: [1, {a: b}]\nsops:\n    mac: x\n    lastmodified: \"2026-01-02T03:04:05Z\"\n    version: 3.13.3\n    age:\n        - enc: |\n            x\n          recipient: x\n",
		"top = 1\n[a]\n; c\nb = c\n[sops]\nmac = x\nage__list_0__map_enc = x\\n\n",
		"; a\n; block\n[a]\n;\n# of lines\n;\nb = True\n" + strings.NewReplacer("sops:", "[sops]", ": ", " = ").Replace("sops:\nmac: x\nlastmodified: 2026-01-02T03:04:05Z\nversion: 3.13.3\n"),
		"b: &b {A: x, \"\": y}\nc:\n    <<: [*b, {A: z}]\n    l: [*b]\n*b : x" + yamlMetadata,
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		store, ok := sops.Detect(file)
		if !ok || store == sops.Dotenv {
			return
		}
		_, _ = sops.ReadMetadata(file)
		_ = sops.Unauthenticated(file)
		strict, err := sops.Decrypt(file, ids, sops.Options{})
		if err != nil && (!strict.Text.IsEmpty() || len(strict.Entries) > 0) {
			t.Fatal("something came back beside an error")
		}
		allowed, allowedErr := sops.Decrypt(file, ids, sops.Options{AllowUnauthenticated: true})
		if err != nil {
			return
		}
		if allowedErr != nil || allowed.Text.Reveal() != strict.Text.Reveal() {
			t.Fatalf("with more allowed it reads otherwise: %v", allowedErr)
		}
		seen := map[string]bool{}
		for _, entry := range strict.Entries {
			if seen[entry.Name] {
				t.Fatal("a name is there twice")
			}
			seen[entry.Name] = true
		}
	})
}
