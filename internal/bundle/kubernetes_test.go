package bundle_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What Kubernetes asks of a Secret of some types: ValidateSecret in its source.
func TestKubernetesTypes(t *testing.T) {
	for _, tt := range []struct {
		kind    string
		names   []string
		missing []string
	}{
		{"", nil, nil},
		{"kubernetes.io/tls", []string{"tls.crt", "ca.crt"}, []string{"tls.key"}},
		{"kubernetes.io/ssh-auth", nil, []string{"ssh-privatekey"}},
		{"kubernetes.io/dockercfg", nil, []string{".dockercfg"}},
		{"kubernetes.io/dockerconfigjson", []string{".dockerconfigjson"}, nil},
		{"kubernetes.io/basic-auth", []string{"user"}, []string{"username or password"}},
		{"kubernetes.io/basic-auth", []string{"password"}, nil},
		{"example.com/own", nil, nil},
	} {
		if got := (bundle.Kubernetes{Name: "a", Type: tt.kind}).Missing(tt.names); !slices.Equal(got, tt.missing) {
			t.Errorf("%s with %q: %q is missing, want %q", tt.kind, tt.names, got, tt.missing)
		}
	}
	for _, tt := range []struct {
		kind, key, value string
		taken            bool
	}{
		{"kubernetes.io/ssh-auth", "ssh-privatekey", "", false},
		{"kubernetes.io/ssh-auth", "ssh-privatekey", "canary", true},
		{"kubernetes.io/ssh-auth", "other", "", true},
		{"kubernetes.io/tls", "tls.key", "", true},
		{"kubernetes.io/dockerconfigjson", ".dockerconfigjson", "canary", false},
		{"kubernetes.io/dockerconfigjson", ".dockerconfigjson", `["canary"]`, false},
		{"kubernetes.io/dockerconfigjson", ".dockerconfigjson", `{"auths": {}}`, true},
		{"kubernetes.io/dockercfg", ".dockercfg", "", false},
		{"kubernetes.io/dockercfg", "other", "canary", true},
	} {
		p := bundle.Params{Format: bundle.SOPSKubernetes, Kubernetes: &bundle.Kubernetes{Name: "a", Type: tt.kind}}
		if err := p.CheckEntry(tt.key, secret.New(tt.value)); (err == nil) != tt.taken || err != nil && (strings.Contains(err.Error(), "canary") || !strings.HasPrefix(err.Error(), tt.key+": ")) {
			t.Errorf("%s, %s = %q: %v", tt.kind, tt.key, tt.value, err)
		}
	}
	k := bundle.Kubernetes{Name: "a", Type: "kubernetes.io/service-account-token"}
	if err := k.CheckAnnotations(); err == nil {
		t.Error("a token of no service account is taken")
	}
	k.Annotations = map[string]string{"kubernetes.io/service-account.name": "robot"}
	if err := k.CheckAnnotations(); err != nil {
		t.Error(err)
	}
	half := strings.Repeat("x", 128<<10)
	if k.Annotations["a"], k.Annotations["b"] = half, half; k.CheckAnnotations() == nil {
		t.Error("annotations that are too long together are taken")
	}
}
