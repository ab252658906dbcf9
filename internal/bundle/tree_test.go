package bundle_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var documents = []bundle.Format{bundle.SOPSYAML, bundle.SOPSJSON, bundle.SOPSKubernetes}

// The order of a document is kept, and its comments are not.
func TestDocumentsKeepTheOrder(t *testing.T) {
	id := x25519(t)
	doc := parsed(t, "# a comment\nZ=1\nA=2\nM=3\n")
	for _, format := range documents {
		p := bundle.Params{Format: format, Kubernetes: kubernetes, Recipients: []agekey.Recipient{id.Recipient()}}
		content, err := bundle.NewContent(doc, p)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, err := bundle.Seal(content, p, now)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(ciphertext, "comment") {
			t.Errorf("%s: the comment is there", format)
		}
		opened, err := sourceOf(ciphertext).Open(ciphertext, []agekey.Identity{id})
		if err != nil {
			t.Fatal(err)
		}
		read, err := opened.Read(bundle.Params{Dialect: dotenv.Compose})
		var names []string
		for _, line := range read.Document.Lines {
			names = append(names, line.Key)
		}
		if err != nil || !slices.Equal(names, []string{"Z", "A", "M"}) {
			t.Errorf("%s: %q, %v", format, names, err)
		}
	}
}

// What a document can't hold is refused by the check that a plan makes, and what passes
// it is sealed and comes back.
func TestDocumentsHold(t *testing.T) {
	id := x25519(t)
	names := []string{
		"A", "a.b", "tls.crt", "x-y", "_", "1", "yes", "null", "~", "<<", "", "a b", "sops", "K_unencrypted", "a:b", ".", "..", "..a", ".dockercfg",
		"data", "stringData", "\u00e4", strings.Repeat("n", 253), strings.Repeat("n", 254), "metadata", "-", "---", "#", "a\nb", "_unencrypted",
	}
	values := []string{
		"", "1", "True", "null", "~", "yes", "\t", "\ta\nb", "a\n\tb", "\na", "\n\ta", "\u2028\ta\n", "a\r\n", "\xff", "\x00", "ENC[AES256_GCM,data:x]", "# no", "- a", "{}", "'", "\"", strings.Repeat("x", 200000), "\ufeff", "\u0085", "!!str x", "a: b", "|", ">", " a ", "\u00e9", "\U0001f511",
	}
	for _, format := range documents {
		p := bundle.Params{Format: format, Kubernetes: kubernetes, Recipients: []agekey.Recipient{id.Recipient()}}
		held := map[string]string{}
		for i, name := range names {
			if p.CheckEntry(name, secret.New("v")) == nil {
				held[name] = values[i%len(values)]
			}
		}
		for i, value := range values {
			held[fmt.Sprintf("V%d", i)] = value
		}
		refused := 0
		for name, value := range maps.Clone(held) {
			if err := p.CheckEntry(name, secret.New(value)); err != nil {
				var de *dotenv.Error
				if !errors.As(err, &de) || de.Key != name || len(value) > 4 && strings.Contains(err.Error(), value) {
					t.Errorf("%s, %q: %v", format, name, err)
				}
				delete(held, name)
				refused++
			}
		}
		if len(held) < 40 || format != bundle.SOPSKubernetes && refused == 0 {
			t.Errorf("%s: %d entries are held, and %d values refused", format, len(held), refused)
		}
		content, err := bundle.NewContent(entriesOf(held), p)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, err := bundle.Seal(content, p, now)
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		read, err := open(ciphertext, dotenv.Compose, []agekey.Identity{id})
		if err != nil || !read.Document.EqualEntries(entriesOf(held)) {
			t.Errorf("%s: it came back otherwise: %v", format, err)
		}
		if err := p.Weak(ciphertext, slices.Collect(maps.Keys(held))); err != nil {
			t.Errorf("%s: its own document is weak: %v", format, err)
		}
	}
}

// A document that is too large is refused before it is sealed, and one that is not is
// sealed, whoever may open it.
func TestDocumentsAreBounded(t *testing.T) {
	ids := []agekey.Identity{x25519(t), hybrid(t), sshEd25519(t), x25519(t), hybrid(t)}
	for _, format := range documents {
		p := bundle.Params{Format: format, Kubernetes: kubernetes, Recipients: agekey.Recipients(ids)}
		for _, shape := range []struct{ count, size int }{{1, 1}, {1, 1_000_000}, {1, 1_048_576}, {1, 1_048_577}, {1, 1_500_000}, {1, 1_600_000}, {9000, 1}, {11000, 1}, {15000, 0}, {2000, 500}, {2000, 800}} {
			values := map[string]string{}
			for i := range shape.count {
				values[fmt.Sprintf("KEY_%d", i)] = strings.Repeat("x", shape.size)
			}
			content, err := bundle.NewContent(entriesOf(values), p)
			if err != nil {
				if shape.count*shape.size < 1_000_000 && shape.count < 10_000 {
					t.Errorf("%s, %v: %v", format, shape, err)
				}
				continue
			}
			if _, err := bundle.Seal(content, p, now); err != nil {
				t.Errorf("%s, %v: it was checked, and is not sealed: %v", format, shape, err)
			}
		}
	}
}

// What is not as Seal leaves it is seen without opening the document.
func TestDocumentsThatWereChanged(t *testing.T) {
	id := x25519(t)
	k := &bundle.Kubernetes{Name: "app", Labels: map[string]string{"team": "a"}, Annotations: map[string]string{"x.io/note": "b"}}
	names := []string{"A", "EMPTY"}
	for _, tt := range []struct {
		format   bundle.Format
		from, to string
	}{
		{bundle.SOPSYAML, `EMPTY: ""`, `EMPTY: now`},
		{bundle.SOPSYAML, `EMPTY: ""`, `EMPTY: null`},
		{bundle.SOPSYAML, `EMPTY: ""`, "EMPTY: \"\"\nOTHER: \"\""},
		{bundle.SOPSYAML, `EMPTY: ""`, `OTHER: ""`},
		{bundle.SOPSYAML, `EMPTY: ""` + "\n", ""},
		{bundle.SOPSYAML, `EMPTY: ""`, `EMPTY: []`},
		{bundle.SOPSYAML, `EMPTY: ""`, "EMPTY:\n    X: \"\""},
		{bundle.SOPSYAML, `EMPTY: ""`, "# a comment\nEMPTY: \"\""},
		{bundle.SOPSYAML, `type:str]`, `type:bool]`},
		{bundle.SOPSYAML, `type:str]`, `type:int]`},
		{bundle.SOPSYAML, "A: ", "B: "},
		{bundle.SOPSYAML, "sops:", "---\nA: x\n---\nsops:"},
		{bundle.SOPSYAML, "    lastmodified:", "    mac_only_encrypted: true\n    lastmodified:"},
		{bundle.SOPSJSON, `"EMPTY": ""`, `"EMPTY": "now"`},
		{bundle.SOPSJSON, `"EMPTY": ""`, `"EMPTY": false`},
		{bundle.SOPSJSON, `"EMPTY": ""`, `"EMPTY": {}`},
		{bundle.SOPSJSON, `type:str]`, `type:float]`},
		{bundle.SOPSKubernetes, "name: app", "name: other"},
		{bundle.SOPSKubernetes, "kind: Secret", "kind: ConfigMap"},
		{bundle.SOPSKubernetes, "type: Opaque", "type: kubernetes.io/tls"},
		{bundle.SOPSKubernetes, "team: a", "team: b"},
		{bundle.SOPSKubernetes, "team: a", "team: a\n        more: a"},
		{bundle.SOPSKubernetes, "x.io/note: b", "x.io/note: c"},
		{bundle.SOPSKubernetes, "type: Opaque", "type: Opaque\nimmutable: true"},
		{bundle.SOPSKubernetes, `EMPTY: ""`, `EMPTY: bm93`},
		{bundle.SOPSKubernetes, "data:", "stringData:"},
		{bundle.SOPSKubernetes, "    name: app", "    name: app\n    namespace: kube-system"},
	} {
		p := bundle.Params{Format: tt.format, Kubernetes: k, Recipients: []agekey.Recipient{id.Recipient()}}
		content, err := bundle.NewContent(entriesOf(map[string]string{"A": "1", "EMPTY": ""}), p)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, err := bundle.Seal(content, p, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Weak(ciphertext, names); err != nil {
			t.Fatalf("%s: unchanged: %v", tt.format, err)
		}
		changed := strings.Replace(ciphertext, tt.from, tt.to, 1)
		if changed == ciphertext {
			t.Fatalf("%s: there is no %q in\n%s", tt.format, tt.from, ciphertext)
		}
		if err := p.Weak(changed, names); err == nil {
			t.Errorf("%s: %q for %q is not seen", tt.format, tt.to, tt.from)
		}
	}
}

// What is no document of a bundle is told by its name.
func TestWeakNamesWhatDiffers(t *testing.T) {
	id := x25519(t)
	k := &bundle.Kubernetes{Name: "app"}
	for _, tt := range []struct {
		format         bundle.Format
		from, to, says string
	}{
		{bundle.SOPSYAML, "A: ", "B: 1\nA: ", "the value of B is not a text"},
		{bundle.SOPSYAML, "A: ", "N:\n    A: ", "the value of N.A is under a name inside another name"},
		{bundle.SOPSKubernetes, "\ndata:", "\nstringData:", "the value of stringData.A is in stringData"},
		{bundle.SOPSKubernetes, "type: Opaque", "# why\ntype: Opaque", "there is a comment"},
		{bundle.SOPSKubernetes, "type: Opaque", "type: Opaque\nimmutable: \"x\"", "what it has in clear is not what a bundle writes there"},
	} {
		p := bundle.Params{Format: tt.format, Kubernetes: k, Recipients: []agekey.Recipient{id.Recipient()}}
		content, err := bundle.NewContent(entriesOf(map[string]string{"A": "1"}), p)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, err := bundle.Seal(content, p, now)
		if err != nil {
			t.Fatal(err)
		}
		err = p.Weak(strings.Replace(ciphertext, tt.from, tt.to, 1), []string{"A"})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %q for %q: %v, want %q in it", tt.format, tt.to, tt.from, err, tt.says)
		}
	}
}

// Whatever a document holds, sops reads it as it was given, and so do we.
func TestDocumentsRandom(t *testing.T) {
	id := x25519(t)
	random := rand.New(rand.NewPCG(14, 1))
	alphabet := []rune("ab1 \t\n\r'\"\\#:-?[]{}!|>&*%@`,~=$\u00e9\u2028\u2029\u0085\ufeff\x00\x1b\U0001f511")
	for _, format := range documents {
		p := bundle.Params{Format: format, Kubernetes: kubernetes, Recipients: []agekey.Recipient{id.Recipient()}}
		values := map[string]string{}
		for i := range 4000 {
			text := make([]rune, random.IntN(12))
			for j := range text {
				text[j] = alphabet[random.IntN(len(alphabet))]
			}
			if p.CheckEntry("K", secret.New(string(text))) == nil {
				values[fmt.Sprintf("K%d", i)] = string(text)
			}
		}
		if len(values) < 3600 {
			t.Errorf("%s holds %d of 4000 values", format, len(values))
		}
		content, err := bundle.NewContent(entriesOf(values), p)
		if err != nil {
			t.Fatal(err)
		}
		ciphertext, err := bundle.Seal(content, p, now)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := open(ciphertext, dotenv.Compose, []agekey.Identity{id}); err != nil || !read.Document.EqualEntries(entriesOf(values)) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// A Secret is what its manifest says again, and what is no such manifest is none.
func TestReadKubernetes(t *testing.T) {
	id := x25519(t)
	for _, k := range []bundle.Kubernetes{
		{Name: "app"},
		{Name: "app", Namespace: "prod", Type: "kubernetes.io/tls"},
		{Name: "app", Labels: map[string]string{"app.kubernetes.io/name": "app", "empty": ""}, Annotations: map[string]string{"note": "several\nlines: \"quoted\"", "t": "true", "n": "1"}},
	} {
		p := bundle.Params{Format: bundle.SOPSKubernetes, Kubernetes: &k, Recipients: []agekey.Recipient{id.Recipient()}}
		for _, values := range []map[string]string{{}, {"A": "1"}} {
			content, err := bundle.NewContent(entriesOf(values), p)
			if err != nil {
				t.Fatal(err)
			}
			ciphertext, err := bundle.Seal(content, p, now)
			if err != nil {
				t.Fatal(err)
			}
			if got, is := bundle.ReadKubernetes(ciphertext); !is || !got.Equal(&k) {
				t.Errorf("%+v is read as %+v, %t from\n%s", k, got, is, ciphertext)
			}
			if is := strings.Contains(ciphertext, "encrypted_regex: ^(data|stringData)$"); !is {
				t.Error("there is no rule")
			}
		}
	}
	plain := sealed(t, contentOf(t, bundle.SOPSYAML, map[string]string{"A": "1"}), bundle.SOPSYAML, id)
	for name, text := range map[string]string{"another document": plain, "nothing": "", "no YAML": "\x00{"} {
		if _, is := bundle.ReadKubernetes(text); is {
			t.Errorf("%s is taken for a Secret", name)
		}
	}
}

// What Kubernetes' own checks say of names, labels and annotations. They were compared
// on 400,000 random texts with k8s.io/apimachinery v0.37.2, which is no dependency.
func TestKubernetesNames(t *testing.T) {
	domain := strings.Repeat("a", 250)
	for name, tt := range map[string]struct {
		good, bad []string
		check     func(string) error
	}{
		"name":       {[]string{"a", "app", "app-1.x", domain + "abc"}, []string{"", "A", "-a", "a-", "a..b", ".a", "a_b", domain + "abcd", "a\n"}, bundle.CheckKubernetesName},
		"namespace":  {[]string{"a", "prod-1", strings.Repeat("a", 63)}, []string{"", "a.b", "A", "-a", strings.Repeat("a", 64)}, bundle.CheckKubernetesNamespace},
		"type":       {[]string{"Opaque", "kubernetes.io/tls"}, []string{"", "a b", "a\n"}, bundle.CheckKubernetesType},
		"label":      {[]string{"", "a", "A_b.c-d", strings.Repeat("a", 63)}, []string{"a b", "-a", "a-", strings.Repeat("a", 64)}, func(value string) error { return bundle.CheckKubernetesLabel("k", value) }},
		"label key":  {[]string{"a", "A_b", "x.io/A_b"}, []string{"", "/a", "x.io/", "X.io/a", "a/b/c", "x.io/" + strings.Repeat("a", 64), "data", "stringData", "a_unencrypted"}, func(key string) error { return bundle.CheckKubernetesLabel(key, "") }},
		"annotation": {[]string{"", "a b\n", "{}"}, []string{"ENC[", "\ta\nb", strings.Repeat("a", 256<<10+1)}, func(value string) error { return bundle.CheckKubernetesAnnotation("k", value) }},
		"its key":    {[]string{"a", "X.io/a"}, []string{"", "data", "x y"}, func(key string) error { return bundle.CheckKubernetesAnnotation(key, "") }},
	} {
		for _, text := range tt.good {
			if err := tt.check(text); err != nil {
				t.Errorf("%s: %q: %v", name, text, err)
			}
		}
		for _, text := range tt.bad {
			if err := tt.check(text); err == nil {
				t.Errorf("%s: %.80q is taken", name, text)
			}
		}
	}
}
