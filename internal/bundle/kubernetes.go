package bundle

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Kubernetes is what a Secret's manifest says in addition to its data, all of it in clear.
// Source: https://kubernetes.io/docs/concepts/configuration/secret/ and
// https://kubernetes.io/docs/concepts/overview/working-with-objects/.
type Kubernetes struct {
	Name        string
	Namespace   string // empty leaves it to the command that applies the manifest
	Type        string // empty is OpaqueSecret
	Labels      map[string]string
	Annotations map[string]string
}

// OpaqueSecret is the type of a Secret that says nothing of its entries.
const OpaqueSecret = "Opaque"

// The names in a manifest.
const (
	kubernetesData       = "data"
	kubernetesStringData = "stringData"
)

// pathSeparator joins paths: no name of a manifest holds it.
const pathSeparator = "\x00"

// Equal reports whether both say the same; nil says nothing.
func (k *Kubernetes) Equal(other *Kubernetes) bool {
	if k == nil || other == nil {
		return k == other
	}
	return k.Name == other.Name && k.Namespace == other.Namespace && k.kind() == other.kind() &&
		maps.Equal(k.Labels, other.Labels) && maps.Equal(k.Annotations, other.Annotations)
}

func (k Kubernetes) kind() string {
	if k.Type == "" {
		return OpaqueSecret
	}
	return k.Type
}

// manifest is a Secret with these entries. data holds base64, so that no value depends
// on YAML; stringData would keep keys that were removed (kubernetes#108008).
func (k *Kubernetes) manifest(entries []sops.Field) []sops.Field {
	for i, entry := range entries {
		entries[i].Value = secret.New(base64.StdEncoding.EncodeToString([]byte(entry.Value.Reveal())))
	}
	if len(entries) == 0 {
		return k.clearFields()
	}
	return append(k.clearFields(), sops.Field{Name: kubernetesData, Mapping: true, Fields: entries})
}

// clearFields are all fields but the data.
func (k *Kubernetes) clearFields() []sops.Field {
	text := func(name, value string) sops.Field { return sops.Field{Name: name, Value: secret.New(value)} }
	meta := []sops.Field{text("name", k.Name)}
	if k.Namespace != "" {
		meta = append(meta, text("namespace", k.Namespace))
	}
	for _, of := range []struct {
		name  string
		texts map[string]string
	}{{"labels", k.Labels}, {"annotations", k.Annotations}} {
		if len(of.texts) == 0 {
			continue
		}
		field := sops.Field{Name: of.name, Mapping: true}
		for _, key := range slices.Sorted(maps.Keys(of.texts)) {
			field.Fields = append(field.Fields, text(key, of.texts[key]))
		}
		meta = append(meta, field)
	}
	return []sops.Field{
		text("apiVersion", "v1"), text("kind", "Secret"), {Name: "metadata", Mapping: true, Fields: meta}, text("type", k.kind()),
	}
}

// clearIs reports whether the texts by path are those of the manifest.
func (k *Kubernetes) clearIs(texts map[string]string) bool {
	want := map[string]string{}
	var walk func(fields []sops.Field, path string)
	walk = func(fields []sops.Field, path string) {
		for _, f := range fields {
			if f.Mapping {
				walk(f.Fields, path+f.Name+pathSeparator)
			} else {
				want[path+f.Name] = f.Value.Reveal()
			}
		}
	}
	walk(k.clearFields(), "")
	return maps.Equal(want, texts)
}

// ReadKubernetes reads what a Secret's manifest says in addition to its data. It reports
// false if the text is no such manifest in YAML that sops encrypted, or says more than
// Kubernetes holds.
func ReadKubernetes(ciphertext string) (Kubernetes, bool) {
	if store, _ := sops.Detect(ciphertext); store != sops.YAML {
		return Kubernetes{}, false // JSON is YAML too, and would be written as another text
	}
	leaves, err := sops.ReadLeaves(ciphertext, sops.YAML)
	if err != nil || leaves.Documents != 1 {
		return Kubernetes{}, false
	}
	k := Kubernetes{Labels: map[string]string{}, Annotations: map[string]string{}}
	texts := map[string]string{}
	for _, l := range leaves.All {
		if l.IsComment || !unusedByKubernetes(l.Path) || saysNothing(l) {
			continue
		}
		texts[strings.Join(l.Path, pathSeparator)] = l.Clear.Reveal()
		switch value := l.Clear.Reveal(); {
		case slices.Equal(l.Path, []string{"metadata", "name"}):
			k.Name = value
		case slices.Equal(l.Path, []string{"metadata", "namespace"}):
			k.Namespace = value
		case slices.Equal(l.Path, []string{"type"}):
			k.Type = value
		case len(l.Path) == 3 && l.Path[0] == "metadata" && l.Path[1] == "labels":
			k.Labels[l.Path[2]] = value
		case len(l.Path) == 3 && l.Path[0] == "metadata" && l.Path[1] == "annotations":
			k.Annotations[l.Path[2]] = value
		}
	}
	if k.Type == "" {
		texts["type"] = OpaqueSecret // Kubernetes' own default
	}
	return k, CheckKubernetesName(k.Name) == nil && k.clearIs(texts)
}

// saysNothing reports whether a value is one that kubectl writes into any manifest: an
// empty creationTimestamp, or no labels or annotations.
func saysNothing(l sops.Leaf) bool {
	return !l.IsText && !l.Encrypted && !l.InList && len(l.Path) == 2 && l.Path[0] == "metadata" &&
		slices.Contains([]string{"creationTimestamp", "labels", "annotations"}, l.Path[1])
}

// unusedByKubernetes reports whether no entry is under the path.
func unusedByKubernetes(path []string) bool {
	return len(path) == 0 || path[0] != kubernetesData && path[0] != kubernetesStringData
}

// kubernetesKeys are the names of the entries among the flattened names of a manifest.
func kubernetesKeys(names []string) []string {
	keys, seen := []string{}, make(map[string]bool, len(names))
	for _, name := range names {
		for _, of := range []string{kubernetesData, kubernetesStringData} {
			if key, found := strings.CutPrefix(name, of+"."); found && !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// kubernetesEntries are the entries of an opened manifest. What stringData has wins, as
// in Kubernetes.
func kubernetesEntries(entries []sops.Entry) (doc dotenv.Document, err error) {
	given := map[string]secret.Text{}
	for _, entry := range entries {
		if key, found := strings.CutPrefix(entry.Name, kubernetesStringData+"."); found {
			given[key] = entry.Value
			continue
		}
		key, found := strings.CutPrefix(entry.Name, kubernetesData+".")
		if !found {
			continue
		}
		plain, err := base64.StdEncoding.DecodeString(entry.Value.Reveal())
		if err != nil {
			return dotenv.Document{}, &dotenv.Error{Key: key, Problem: "the value in data is not base64"}
		}
		doc.Lines = append(doc.Lines, dotenv.Line{Key: key, Value: secret.New(string(plain))})
	}
	return doc.Overlay(given), nil
}
