package bundle

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Kubernetes is what a Secret's manifest says beside its data, all of it in clear.
// Source: https://kubernetes.io/docs/concepts/configuration/secret/ and
// https://kubernetes.io/docs/concepts/overview/working-with-objects/.
type Kubernetes struct {
	Name        string
	Namespace   string // empty leaves it to whoever applies the manifest
	Type        string // empty is OpaqueSecret
	Labels      map[string]string
	Annotations map[string]string
}

// OpaqueSecret is the type of a Secret that says nothing of its entries.
const OpaqueSecret = "Opaque"

// What Kubernetes takes, in bytes.
const (
	MaxKubernetesData        = 1 << 20   // of all values of a Secret
	maxKubernetesAnnotations = 256 << 10 // of all annotations
)

// The names in a manifest.
const (
	kubernetesData       = "data"
	kubernetesStringData = "stringData"
)

// pathSeparator joins paths: no name of a manifest holds it.
const pathSeparator = "\x00"

// The types of which Kubernetes asks for certain entries.
const (
	typeTLS            = "kubernetes.io/tls"
	typeSSH            = "kubernetes.io/ssh-auth"
	typeBasicAuth      = "kubernetes.io/basic-auth"
	typeDockerOld      = "kubernetes.io/dockercfg"
	typeDocker         = "kubernetes.io/dockerconfigjson"
	typeServiceAccount = "kubernetes.io/service-account-token"
)

// serviceAccount is the annotation without which Kubernetes refuses typeServiceAccount.
const serviceAccount = "kubernetes.io/service-account.name"

// requiredEntries are the entries without which Kubernetes refuses a Secret of the type.
var requiredEntries = map[string][]string{
	typeTLS:       {"tls.crt", "tls.key"},
	typeSSH:       {"ssh-privatekey"},
	typeDockerOld: {".dockercfg"},
	typeDocker:    {".dockerconfigjson"},
}

var (
	subdomain  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	dnsLabel   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	labelText  = regexp.MustCompile(`^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$`)
	secretType = regexp.MustCompile(`^[-./_A-Za-z0-9]{1,253}$`)
)

// CheckKubernetesName returns an error if Kubernetes takes no Secret of that name.
func CheckKubernetesName(name string) error {
	if len(name) > 253 || !subdomain.MatchString(name) {
		return errors.New("is not a name of a Kubernetes object: use lower-case letters, digits, - and ., 253 at most, with a letter or a digit at both ends")
	}
	return nil
}

// CheckKubernetesNamespace returns an error if it is not the name of a namespace.
func CheckKubernetesNamespace(name string) error {
	if len(name) > 63 || !dnsLabel.MatchString(name) {
		return errors.New("is not a name of a Kubernetes namespace: use lower-case letters, digits and -, 63 at most, with a letter or a digit at both ends")
	}
	return nil
}

// CheckKubernetesType returns an error if it is not the type of a Secret.
func CheckKubernetesType(name string) error {
	if !secretType.MatchString(name) {
		return errors.New("is not a type of a Kubernetes Secret: use letters, digits, -, ., _ and /, 253 at most")
	}
	return nil
}

// CheckKubernetesLabel returns an error if Kubernetes takes no such label.
func CheckKubernetesLabel(key, value string) error {
	if err := checkQualified(key); err != nil {
		return err
	}
	if value != "" && (len(value) > 63 || !labelText.MatchString(value)) {
		return errors.New("the value is not one of a label: use letters, digits, -, _ and ., 63 at most, with a letter or a digit at both ends")
	}
	return nil
}

// CheckKubernetesAnnotation returns an error if Kubernetes takes no such annotation, or
// sops can't write it into YAML in clear.
func CheckKubernetesAnnotation(key, value string) error {
	qualified := key
	if prefix, name, found := strings.Cut(key, "/"); found {
		qualified = strings.ToLower(prefix) + "/" + name // as Kubernetes does for annotations alone
	}
	if err := checkQualified(qualified); err != nil {
		return err
	}
	switch {
	case len(value) > maxKubernetesAnnotations:
		return fmt.Errorf("the value is longer than %d bytes", maxKubernetesAnnotations)
	case strings.HasPrefix(value, "ENC["):
		return errors.New("the value begins with ENC[, as what sops encrypts does, and annotations are in clear")
	case sops.YAMLLoses(secret.New(value)):
		return errors.New("sops can't print a value of several lines that begins with a tab as YAML")
	}
	return nil
}

// checkQualified checks the key of a label or an annotation: a name, and before it an
// optional domain and a slash.
func checkQualified(key string) error {
	prefix, name, found := strings.Cut(key, "/")
	if !found {
		prefix, name = "", key
	}
	switch {
	case key == kubernetesData || key == kubernetesStringData:
		return errors.New("sops encrypts what is under this key, as it does the entries: choose another")
	case strings.HasSuffix(key, "_unencrypted"):
		return errors.New("the key ends in _unencrypted, which has a meaning to sops: choose another")
	case len(name) > 63 || !labelText.MatchString(name) || found && CheckKubernetesName(prefix) != nil:
		return errors.New("the key is not one of a label or an annotation: use letters, digits, -, _ and ., 63 at most, with a letter or a digit at both ends, and before it a domain and a / if you like")
	}
	return nil
}

// Missing returns the entries that Kubernetes asks of the type and that are not among
// the names.
func (k Kubernetes) Missing(names []string) []string {
	if k.Type == typeBasicAuth && !slices.Contains(names, "username") && !slices.Contains(names, "password") {
		return []string{"username or password"}
	}
	return slices.DeleteFunc(slices.Clone(requiredEntries[k.Type]), func(name string) bool { return slices.Contains(names, name) })
}

// checkValue returns an error, which names no value, if Kubernetes refuses the value in
// a Secret of the type.
func (k Kubernetes) checkValue(key string, value secret.Text) error {
	if !slices.Contains(requiredEntries[k.Type], key) {
		return nil
	}
	switch k.Type {
	case typeSSH:
		if value.IsEmpty() {
			return errors.New("the value is empty, and Kubernetes refuses that in a Secret of type " + typeSSH)
		}
	case typeDocker, typeDockerOld:
		var object map[string]any
		if json.Unmarshal([]byte(value.Reveal()), &object) != nil {
			return errors.New("the value is not a JSON object, and Kubernetes refuses anything else in a Secret of type " + k.Type)
		}
	}
	return nil
}

// CheckAnnotations returns an error if Kubernetes takes fewer annotations, or other ones
// with the type.
func (k Kubernetes) CheckAnnotations() error {
	if k.Type == typeServiceAccount && k.Annotations[serviceAccount] == "" {
		return fmt.Errorf("a Secret of type %s needs the annotation %s: without it Kubernetes refuses the Secret", typeServiceAccount, serviceAccount)
	}
	size := 0
	for key, value := range k.Annotations {
		size += len(key) + len(value)
	}
	if size > maxKubernetesAnnotations {
		return fmt.Errorf("the annotations are %d bytes long together, and Kubernetes takes %d", size, maxKubernetesAnnotations)
	}
	return nil
}

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

// ReadKubernetes reads what a Secret's manifest says beside its data. It reports false if
// the text is no such manifest that sops encrypted, or says more than Kubernetes holds.
func ReadKubernetes(ciphertext string) (Kubernetes, bool) {
	leaves, err := sops.ReadLeaves(ciphertext, sops.YAML)
	if err != nil || leaves.Documents != 1 {
		return Kubernetes{}, false
	}
	k := Kubernetes{Labels: map[string]string{}, Annotations: map[string]string{}}
	texts := map[string]string{}
	for _, l := range leaves.All {
		if l.IsComment || len(l.Path) > 0 && (l.Path[0] == kubernetesData || l.Path[0] == kubernetesStringData) {
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

// unusedByKubernetes reports whether no entry is under the path.
func unusedByKubernetes(path []string) bool {
	return len(path) == 0 || path[0] != kubernetesData && path[0] != kubernetesStringData
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
