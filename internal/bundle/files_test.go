package bundle_test

import (
	"archive/tar"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// files are contents that no env text could hold.
var files = map[string]string{
	"tls.crt":   "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
	"EMPTY":     "",
	"no-LF":     "no newline is added",
	"bytes":     "\x00\xff\r\n",
	"LD_x":      "any name of a file",
	"a_.b-c.9":  "$X \\ \"",
	"large.bin": strings.Repeat("0123456789", 2000),
}

func filesContent(t *testing.T) bundle.Content {
	t.Helper()
	return contentOf(t, bundle.AgeFiles, files)
}

// The same entries always give the same tar, whatever their order.
func TestFilesAreDeterministic(t *testing.T) {
	first := filesContent(t).Text.Reveal()
	doc := entriesOf(files)
	for i, j := 0, len(doc.Lines)-1; i < j; i, j = i+1, j-1 {
		doc.Lines[i], doc.Lines[j] = doc.Lines[j], doc.Lines[i]
	}
	doc.Lines = append(doc.Lines, dotenv.Line{Value: secret.New(" a comment has no place")})
	again, err := bundle.NewContent(doc, bundle.Params{Format: bundle.AgeFiles})
	if err != nil || again.Text.Reveal() != first {
		t.Errorf("the tar differs: %v", err)
	}
}

func TestFilesRoundTrip(t *testing.T) {
	id := x25519(t)
	got, err := open(sealed(t, filesContent(t), bundle.AgeFiles, id), dotenv.Compose, []agekey.Identity{id})
	if err != nil || !got.Document.EqualEntries(entriesOf(files)) {
		t.Errorf("got %v, %v", got.Document.Keys(), err)
	}
}

// The tools that everybody has take the files out, byte for byte, and what they
// pack is read here.
func TestFilesWithRealAgeAndTar(t *testing.T) {
	age := realTool(t, "AGEENV_TEST_AGE", "age")
	tarPath, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("no tar to compare with: install one")
	}
	packer := tool{path: tarPath, dir: age.dir, env: age.env}
	id := x25519(t)
	key := age.file(t, "identity", id.Text().Reveal())
	text := age.run(t, sealed(t, filesContent(t), bundle.AgeFiles, id), "-d", "-i", key)
	for name, content := range files {
		if got := packer.run(t, text, "-xOf", "-", name); got != content {
			t.Errorf("%s: tar gives %.80q", name, got)
		}
	}
	args := []string{"-cf", "-"}
	for name, content := range files {
		packer.file(t, name, content)
		args = append(args, name)
	}
	for _, format := range []string{"--format=gnu", "--format=pax", "--format=ustar"} {
		theirs := age.run(t, packer.run(t, "", append(args, format)...), "-r", id.Recipient().String())
		got, err := open(theirs, dotenv.Compose, []agekey.Identity{id})
		if err != nil || !got.Document.EqualEntries(entriesOf(files)) {
			t.Errorf("%s: got %v, %v", format, got.Document.Keys(), err)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"A": true, "tls.crt": true, "9": true, "_": true, strings.Repeat("x", 100): true,
		"": false, ".": false, "..": false, ".env": false, "-rf": false, "a/b": false, "a b": false, "a\n": false, "ä": false, strings.Repeat("x", 101): false,
	} {
		err := bundle.Params{Format: bundle.AgeFiles}.CheckEntry(name, secret.New("canary"))
		if (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: the error holds the value", name)
		}
	}
}

// What is no regular file with a plain name is not taken out of a tar.
func TestHostileTars(t *testing.T) {
	id := x25519(t)
	made := func(headers ...tar.Header) string {
		var out strings.Builder
		w := tar.NewWriter(&out)
		for _, h := range headers {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, h.Size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	regular := tar.Header{Typeflag: tar.TypeReg, Name: "A", Size: 1}
	whole := made(regular)
	for name, text := range map[string]string{
		"directory":     made(tar.Header{Typeflag: tar.TypeDir, Name: "A"}),
		"symbolic link": made(tar.Header{Typeflag: tar.TypeSymlink, Name: "A", Linkname: "/etc/passwd"}),
		"hard link":     made(regular, tar.Header{Typeflag: tar.TypeLink, Name: "B", Linkname: "A"}),
		"device":        made(tar.Header{Typeflag: tar.TypeChar, Name: "A"}),
		"fifo":          made(tar.Header{Typeflag: tar.TypeFifo, Name: "A"}),
		"upwards":       made(tar.Header{Typeflag: tar.TypeReg, Name: "../A", Size: 1}),
		"absolute":      made(tar.Header{Typeflag: tar.TypeReg, Name: "/A", Size: 1}),
		"dot":           made(tar.Header{Typeflag: tar.TypeReg, Name: "./A", Size: 1}),
		"option":        made(tar.Header{Typeflag: tar.TypeReg, Name: "-A", Size: 1}),
		"twice":         made(regular, regular),
		"cut off":       whole[:512],
		"sum changed":   "B" + whole[1:],
	} {
		t.Run(name, func(t *testing.T) {
			ciphertext, err := agekey.SealArmored(secret.New(text), []agekey.Recipient{id.Recipient()})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := open(ciphertext, dotenv.Compose, []agekey.Identity{id}); !errors.Is(err, bundle.ErrNotFiles) || len(got.Document.Lines) > 0 {
				t.Errorf("got %v, %v", got.Document.Keys(), err)
			}
		})
	}
}

// An empty tar is one too: not an env text of zeros.
func TestNoFiles(t *testing.T) {
	id := x25519(t)
	ciphertext := sealed(t, contentOf(t, bundle.AgeFiles, nil), bundle.AgeFiles, id)
	opened, err := bundle.Source{}.Open(ciphertext, []agekey.Identity{id})
	if err != nil || opened.Format != bundle.AgeFiles {
		t.Fatalf("opened as %q, %v", opened.Format, err)
	}
	if got, err := opened.Read(bundle.Params{Dialect: dotenv.Compose}); err != nil || len(got.Document.Lines) > 0 {
		t.Errorf("got %v, %v", got.Document.Keys(), err)
	}
}
