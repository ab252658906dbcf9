package bundle_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// documentValues are values that YAML, JSON and sops have each their own idea of.
var documentValues = map[string]string{
	"A": "1", "TRUE": "True", "NO": "no", "EMPTY": "", "LINES": "one\ntwo\n", "TAB": "a\n\tb", "PEM": "-----BEGIN X-----\nAA==\n-----END X-----\n",
	"JSON": `{"a": [1, "x"]}`, "HASH": "# no comment", "DATE": "2026-01-02", "a.b": "dot", "tls.crt": "\u00e9\U0001f511",
}

func documentParams(format bundle.Format, id agekey.Identity) bundle.Params {
	return bundle.Params{
		Format: format, Recipients: []agekey.Recipient{id.Recipient()},
		Kubernetes: &bundle.Kubernetes{Name: "app", Namespace: "prod", Labels: map[string]string{"app.kubernetes.io/name": "app"}, Annotations: map[string]string{"note": "two\nlines", "on": "yes"}},
	}
}

// decoded is a document, or the data of a Secret, as texts.
func decoded(t *testing.T, format bundle.Format, text string) map[string]string {
	t.Helper()
	var whole map[string]any
	read := yaml.Unmarshal
	if format == bundle.SOPSJSON {
		read = json.Unmarshal // a reader of YAML refuses some of its characters
	}
	if err := read([]byte(text), &whole); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if format == bundle.SOPSKubernetes {
		whole, _ = whole["data"].(map[string]any)
	}
	texts := map[string]string{}
	for name, value := range whole {
		text, ok := value.(string)
		if !ok {
			t.Errorf("%s is no text: %v", name, value)
		}
		if format == bundle.SOPSKubernetes {
			plain, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Errorf("%s is no base64", name)
			}
			text = string(plain)
		}
		texts[name] = text
	}
	return texts
}

// Both releases of sops open a document by the name that the docs give to the file, and
// what they change of it is read again.
func TestRealSOPSOpensDocuments(t *testing.T) {
	id := x25519(t)
	for release, variable := range map[string]string{"current": "AGEENV_TEST_SOPS", "oldest": "AGEENV_TEST_SOPS_OLDEST"} {
		for _, format := range documents {
			t.Run(release+"/"+string(format), func(t *testing.T) {
				sops := realTool(t, variable, "sops")
				sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
				p := documentParams(format, id)
				content, err := bundle.NewContent(entriesOf(documentValues), p)
				if err != nil {
					t.Fatal(err)
				}
				ciphertext, err := bundle.Seal(content, p, now)
				if err != nil {
					t.Fatal(err)
				}
				name := "app.yaml"
				if format == bundle.SOPSJSON {
					name = "app.json"
				}
				file := sops.file(t, name, ciphertext)
				if got := decoded(t, format, sops.run(t, "", "-d", file)); !maps.Equal(got, documentValues) {
					t.Errorf("sops reads %q", got)
				}
				at, value := `["A"]`, "2"
				if format == bundle.SOPSKubernetes {
					at, value = `["data"]["A"]`, base64.StdEncoding.EncodeToString([]byte("2"))
				}
				sops.run(t, "", "--set", at+` "`+value+`"`, file)
				sops.run(t, "", "-r", "-i", file)
				changed := maps.Clone(documentValues)
				changed["A"] = "2"
				read, err := open(sops.read(t, name), dotenv.Compose, []agekey.Identity{id})
				if err != nil || !read.Document.EqualEntries(entriesOf(changed)) {
					t.Errorf("after sops has changed it: %v", err)
				}
				if err := p.Weak(sops.read(t, name), keysOf(changed)); err != nil {
					t.Errorf("after sops has changed it, it is weak: %v", err)
				}
			})
		}
	}
}

// Flux hands a Secret to sops as JSON, whose keys are sorted, and has it check no MAC.
func TestFluxOpensSecrets(t *testing.T) {
	id := x25519(t)
	p := documentParams(bundle.SOPSKubernetes, id)
	content, err := bundle.NewContent(entriesOf(documentValues), p)
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, err := bundle.Seal(content, p, now)
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := yaml.Unmarshal([]byte(ciphertext), &whole); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"AGEENV_TEST_SOPS", "AGEENV_TEST_SOPS_OLDEST"} {
		sops := realTool(t, variable, "sops")
		sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
		out := sops.run(t, "", "-d", "--ignore-mac", sops.file(t, "app.json", string(asJSON)))
		if got := decoded(t, bundle.SOPSKubernetes, out); !maps.Equal(got, documentValues) {
			t.Errorf("Flux reads %q", got)
		}
		var manifest struct {
			APIVersion, Kind, Type string
			Metadata               struct {
				Name, Namespace     string
				Labels, Annotations map[string]string
			}
		}
		if err := json.Unmarshal([]byte(out), &manifest); err != nil {
			t.Fatal(err)
		}
		got := bundle.Kubernetes{Name: manifest.Metadata.Name, Namespace: manifest.Metadata.Namespace, Type: manifest.Type, Labels: manifest.Metadata.Labels, Annotations: manifest.Metadata.Annotations}
		if manifest.APIVersion != "v1" || manifest.Kind != "Secret" || !got.Equal(p.Kubernetes) {
			t.Errorf("the manifest is %+v", manifest)
		}
	}
}

// What the docs say of Flux: without the MAC, whoever can write the manifest can change
// all of it but the values that are encrypted, and move none of these to another name.
func TestFluxDoesNotNotice(t *testing.T) {
	id := x25519(t)
	sops := realTool(t, "AGEENV_TEST_SOPS", "sops")
	sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
	ciphertext := sealedDocument(t, documentParams(bundle.SOPSKubernetes, id), map[string]string{"A": "1", "B": "2"})
	under := func(whole map[string]any, name string) map[string]any {
		inner, _ := whole[name].(map[string]any)
		return inner
	}
	data := func(whole map[string]any) map[string]any { return under(whole, "data") }
	for name, tt := range map[string]struct {
		change  func(whole map[string]any)
		want    map[string]string
		noticed bool
	}{
		"another namespace": {func(whole map[string]any) { under(whole, "metadata")["namespace"] = "theirs" }, map[string]string{"A": "1", "B": "2"}, false},
		"an entry less":     {func(whole map[string]any) { delete(data(whole), "A") }, map[string]string{"B": "2"}, false},
		"an empty entry":    {func(whole map[string]any) { data(whole)["A"] = "" }, map[string]string{"A": "", "B": "2"}, false},
		"another value": {func(whole map[string]any) {
			data(whole)["A"] = base64.StdEncoding.EncodeToString([]byte("theirs"))
			under(whole, "sops")["encrypted_regex"] = "^B$"
		}, map[string]string{"A": "theirs", "B": "2"}, false},
		"a value in clear":   {func(whole map[string]any) { data(whole)["A"] = "MQ==" }, nil, true},
		"values that change": {func(whole map[string]any) { data(whole)["A"], data(whole)["B"] = data(whole)["B"], data(whole)["A"] }, nil, true},
	} {
		var whole map[string]any
		if err := yaml.Unmarshal([]byte(ciphertext), &whole); err != nil {
			t.Fatal(err)
		}
		tt.change(whole)
		asJSON, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		file := sops.file(t, "app.json", string(asJSON))
		out, err := sops.try("-d", "--ignore-mac", file)
		if (err != nil) != tt.noticed {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && !maps.Equal(decoded(t, bundle.SOPSKubernetes, out), tt.want) {
			t.Errorf("%s: Flux reads %s", name, out)
		}
		if _, err := sops.try("-d", file); err == nil {
			t.Errorf("%s: sops does not notice", name)
		}
	}
}

// A value of several lines that begins with a line
// break is what an old sops changes, and a warning says so.
func TestOldSOPSChangesWhatTheWarningNames(t *testing.T) {
	id := x25519(t)
	p := documentParams(bundle.SOPSYAML, id)
	sops := realTool(t, "AGEENV_TEST_SOPS_OLDEST", "sops")
	sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
	for _, value := range []string{"\na\nb", "\n\na", "a\nb", "\n", " \na", "a\n\nb\n\n"} {
		content, err := bundle.NewContent(entriesOf(map[string]string{"K": value}), p)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, err := bundle.Seal(content, p, now)
		if err != nil {
			t.Fatal(err)
		}
		got := decoded(t, bundle.SOPSYAML, sops.run(t, "", "-d", sops.file(t, "app.yaml", ciphertext)))
		if warned := p.ValueWarning(secret.New(value)) != ""; !warned && got["K"] != value {
			t.Errorf("%q is read as %q without a warning", value, got["K"])
		}
	}
	if p.ValueWarning(secret.New("\na\nb")) == "" || strings.Contains(p.ValueWarning(secret.New("\ncanary\nb")), "canary") {
		t.Error("no warning, or one with the value")
	}
}

func keysOf(values map[string]string) (keys []string) {
	for key := range values {
		keys = append(keys, key)
	}
	return keys
}

// read returns a file that sops has changed.
func (c tool) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
