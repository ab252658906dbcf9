package bundle_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// releases are the releases of sops that are tried, by the variables that name them.
var releases = map[string]string{"current": "AGEENV_TEST_SOPS", "oldest": "AGEENV_TEST_SOPS_OLDEST"}

// documentName is a file name that tells sops the store.
func documentName(format bundle.Format) string {
	if format == bundle.SOPSJSON {
		return "app.json"
	}
	return "app.yaml"
}

func sealedDocument(t *testing.T, p bundle.Params, values map[string]string) string {
	t.Helper()
	content, err := bundle.NewContent(entriesOf(values), p)
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, err := bundle.Seal(content, p, now)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

// After each command of sops that changes a document, both releases and we read all that
// it held, and it is still one that is ours.
func TestSOPSCommandsKeepDocuments(t *testing.T) {
	id, other := x25519(t), x25519(t)
	for release, variable := range releases {
		old := release == "oldest"
		pick := func(newest, oldest []string) []string {
			if old {
				return oldest
			}
			return newest
		}
		for _, format := range documents {
			at, value := `["A"]`, "2"
			if format == bundle.SOPSKubernetes {
				at, value = `["data"]["A"]`, base64.StdEncoding.EncodeToString([]byte("2"))
			}
			for command, tt := range map[string]struct {
				args    func(file string) []string
				changes bool
			}{
				"set": {func(file string) []string {
					return pick([]string{"set", file, at, strconv.Quote(value)}, []string{"--set", at + " " + strconv.Quote(value), file})
				}, true},
				"edit":       {func(file string) []string { return pick([]string{"edit", file}, []string{file}) }, true},
				"rotate":     {func(file string) []string { return pick([]string{"rotate", "-i", file}, []string{"-r", "-i", file}) }, false},
				"updatekeys": {func(file string) []string { return []string{"updatekeys", "-y", file} }, false},
			} {
				t.Run(strings.Join([]string{release, string(format), command}, "/"), func(t *testing.T) {
					sops := realTool(t, variable, "sops")
					sops.file(t, ".sops.yaml", fmt.Sprintf("creation_rules:\n  - age: %s,%s\n", id.Recipient(), other.Recipient()))
					editor := sops.file(t, "editor", `#!/bin/sh
exec sed -i 's#^\(\s*"\{0,1\}A"\{0,1\}: \)[^,]*#\1"`+value+`"#' "$1"
`)
					if err := os.Chmod(editor, 0o700); err != nil {
						t.Fatal(err)
					}
					sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"), "EDITOR="+editor, "PATH="+os.Getenv("PATH"))
					p := documentParams(format, id)
					sops.run(t, "", tt.args(sops.file(t, documentName(format), sealedDocument(t, p, documentValues)))...)
					want := maps.Clone(documentValues)
					if tt.changes {
						want["A"] = "2"
					}
					after := sops.read(t, documentName(format))
					for _, reader := range releases {
						sops := realTool(t, reader, "sops")
						sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
						if got := decoded(t, format, sops.run(t, "", "-d", sops.file(t, documentName(format), after))); !maps.Equal(got, want) {
							t.Errorf("%s reads %q", reader, got)
						}
					}
					if read, err := open(after, dotenv.Compose, []agekey.Identity{id}); err != nil || !read.Document.EqualEntries(entriesOf(want)) {
						t.Errorf("we read it otherwise: %v", err)
					}
					if err := p.Weak(after, keysOf(want)); err != nil {
						t.Errorf("it is weak: %v", err)
					}
				})
			}
		}
	}
}

// 4,000 values at random come out of both releases as they were given.
func TestRealSOPSReadsRandomDocuments(t *testing.T) {
	id := x25519(t)
	pieces := []string{
		"\n", "\n", "\t", " ", "\r", "'", `"`, `\`, "#", ": ", "- ", "?", "|", ">", "%", "@", "&", "*", "!", "{", "}", "[", "]", ",", "<<", "$", "~",
		"a", "B", "0", "9", ".", "e", "_", "null", "True", "no", "---", "ENC[", "\x00", "\x7f", "\u0085", "\u2028", "\ufeff", "\u00e9", "\U0001f511",
	}
	for _, format := range documents {
		for release, variable := range releases {
			t.Run(string(format)+"/"+release, func(t *testing.T) {
				sops := realTool(t, variable, "sops")
				sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
				random := rand.New(rand.NewPCG(14, 2))
				p := documentParams(format, id)
				tried, held := 0, 0
				for range 8 {
					values := map[string]string{}
					for i := range 500 {
						var value strings.Builder
						for range random.IntN(12) {
							if format == bundle.SOPSKubernetes && random.IntN(8) == 0 {
								value.WriteByte(byte(random.IntN(256))) // a Secret holds any bytes
								continue
							}
							value.WriteString(pieces[random.IntN(len(pieces))])
						}
						name := fmt.Sprintf("K%d", i)
						tried++
						if text := secret.New(value.String()); p.CheckEntry(name, text) == nil && (release == "current" || p.ValueWarning(text) == "") {
							values[name] = value.String()
						}
					}
					held += len(values)
					got := decoded(t, format, sops.run(t, "", "-d", sops.file(t, documentName(format), sealedDocument(t, p, values))))
					if !maps.Equal(got, values) {
						t.Errorf("sops reads another document")
					}
				}
				if held < tried*9/10 {
					t.Errorf("%d of %d values are held", held, tried)
				}
			})
		}
	}
}

// What a manifest says is read again, and its data come back, whatever is in them; what
// the checks refuse is not sealed by mistake.
func FuzzKubernetes(f *testing.F) {
	f.Add("app", "prod", "Opaque", "team", "a", "x.io/note", "two\nlines", "A", "value")
	f.Add("true", "1", "kubernetes.io/tls", "null", "", "y", "ENC[", "..", "\xff")
	f.Add("0x1", "", "", "1e3", "1e3", "~", "\ta\n", ".", "\n")
	id := sshEd25519(f)
	f.Fuzz(func(t *testing.T, name, namespace, kind, label, labelled, annotation, annotated, key, value string) {
		k := &bundle.Kubernetes{Name: name, Namespace: namespace, Type: kind, Labels: map[string]string{label: labelled}, Annotations: map[string]string{annotation: annotated}}
		p := bundle.Params{Format: bundle.SOPSKubernetes, Kubernetes: k, Recipients: []agekey.Recipient{id.Recipient()}}
		if bundle.CheckKubernetesName(name) != nil || namespace != "" && bundle.CheckKubernetesNamespace(namespace) != nil || kind != "" && bundle.CheckKubernetesType(kind) != nil ||
			bundle.CheckKubernetesLabel(label, labelled) != nil || bundle.CheckKubernetesAnnotation(annotation, annotated) != nil || p.CheckEntry(key, secret.New(value)) != nil {
			return
		}
		if strings.ToValidUTF8(annotated, "") != annotated {
			return // Terraform has no such texts
		}
		ciphertext := sealedDocument(t, p, map[string]string{key: value})
		if got, is := bundle.ReadKubernetes(ciphertext); !is || !got.Equal(k) {
			t.Errorf("%+v is read as %+v, %t", *k, got, is)
		}
		if err := p.Weak(ciphertext, []string{key}); err != nil {
			t.Errorf("it is weak: %v", err)
		}
		read, err := open(ciphertext, dotenv.Compose, []agekey.Identity{id})
		if err != nil || !read.Document.EqualEntries(entriesOf(map[string]string{key: value})) {
			t.Errorf("it came back otherwise: %v", err)
		}
	})
}
