package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ageenv/terraform-provider-ageenv/internal/charset"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// The rules are those of k8s.io/apimachinery/pkg/util/validation, and of ValidateSecret
// in k8s.io/kubernetes/pkg/apis/core/validation.

// What Kubernetes takes, in bytes.
const (
	MaxKubernetesData        = 1 << 20   // of all values of a Secret
	maxKubernetesAnnotations = 256 << 10 // of all annotations
)

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

// They are compiled when they are first used: most bundles are no Secrets.
var (
	subdomain = compiled(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	dnsLabel  = compiled(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	labelText = compiled(`^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$`)
)

func compiled(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

var typeCharacters = charset.New(charset.Upper + charset.Lower + charset.Digit + "-./_")

// CheckKubernetesName returns an error if Kubernetes takes no Secret of that name.
func CheckKubernetesName(name string) error {
	if len(name) > 253 || !subdomain().MatchString(name) {
		return errors.New("is not a name of a Kubernetes object: use lower-case letters, digits, - and ., 253 at most, with a letter or a digit at both ends")
	}
	return nil
}

// CheckKubernetesNamespace returns an error if it is not the name of a namespace.
func CheckKubernetesNamespace(name string) error {
	if len(name) > 63 || !dnsLabel().MatchString(name) {
		return errors.New("is not a name of a Kubernetes namespace: use lower-case letters, digits and -, 63 at most, with a letter or a digit at both ends")
	}
	return nil
}

// CheckKubernetesType returns an error if it is not the type of a Secret.
func CheckKubernetesType(name string) error {
	if name == "" || len(name) > 253 || !typeCharacters.Holds(name) {
		return errors.New("is not a type of a Kubernetes Secret: use letters, digits, -, ., _ and /, 253 at most")
	}
	return nil
}

// CheckKubernetesLabel returns an error if Kubernetes takes no such label.
func CheckKubernetesLabel(key, value string) error {
	if err := checkQualified(key); err != nil {
		return err
	}
	if value != "" && (len(value) > 63 || !labelText().MatchString(value)) {
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
	case len(name) > 63 || !labelText().MatchString(name) || found && CheckKubernetesName(prefix) != nil:
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
