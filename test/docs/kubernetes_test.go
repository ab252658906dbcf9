package docs_test

import (
	"encoding/base64"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const kubernetes = "docs/guides/kubernetes.md"

// kubectlCommand plays a cluster: what is applied is in a file for each namespace and name. The
// real kubectl makes the Secret where there is one.
const kubectlCommand = `#!/bin/sh
case $1 in
create)
	[ -z "$KUBECTL" ] || exec "$KUBECTL" "$@"
	[ "$*" = "create secret generic sops-age --namespace=flux-system --from-file=age.agekey=/dev/stdin --dry-run=client -o yaml" ] || exit 1
	printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: sops-age\n  namespace: flux-system\ndata:\n  age.agekey: %s\n' "$(base64 -w0)"
	;;
apply)
	cat >"$HOME/manifest"
	mv "$HOME/manifest" "$HOME/$(sed -n 's/^ *namespace: //p' "$HOME/manifest").$(sed -n 's/^ *name: //p' "$HOME/manifest").yaml"
	;;
esac
`

// secretManifest is what the tests read of a Secret.
type secretManifest struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		Labels    map[string]string `yaml:"labels"`
	} `yaml:"metadata"`
	Data map[string]string `yaml:"data"`
	SOPS any               `yaml:"sops"`
}

// value is an entry of data, decoded.
func (m secretManifest) value(t *testing.T, name string) string {
	t.Helper()
	value, err := base64.StdEncoding.DecodeString(m.Data[name])
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func readManifest(t *testing.T, text string) (m secretManifest) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAccKubernetesGuide follows "Kubernetes". sops decrypts the manifest with the identity that
// the Secret sops-age has, as Flux does.
func TestAccKubernetesGuide(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.installed()
	s.command("age", tool(t, "age"), "")
	installed, _ := exec.LookPath("kubectl") // empty if there is none
	s.command("kubectl", "", kubectlCommand)
	s.must(`export KUBECTL=` + installed + ` TF_VAR_token=s3cret-first
mkdir -p ~/.config/sops/age && age-keygen -o ~/.config/sops/age/keys.txt
export TF_VAR_operator=$(age-keygen -y ~/.config/sops/age/keys.txt)`)
	dir := s.example("kubernetes")
	sameBlocks(t, blockOf(t, kubernetes, "Make the manifest", "terraform"), readFile(t, filepath.Join(dir, "main.tf")))
	s.must("git init -q . && git config user.email ada@example.org && git config user.name Ada && terraform init")

	publish, identity := blockOf(t, kubernetes, "Make the manifest", "sh"), blockOf(t, kubernetes, "Flux", "sh")
	s.must(publish)
	s.must(identity)

	var kustomization struct {
		Kind     string
		Metadata struct{ Namespace string }
		Spec     struct {
			Decryption struct {
				Provider  string
				SecretRef struct{ Name string } `yaml:"secretRef"`
			}
		}
	}
	if err := yaml.Unmarshal([]byte(blockOf(t, kubernetes, "Flux", "yaml")), &kustomization); err != nil {
		t.Fatal(err)
	}
	if kustomization.Kind != "Kustomization" || kustomization.Spec.Decryption.Provider != "sops" {
		t.Errorf("the Kustomization is %+v", kustomization)
	}
	keys := filepath.Join(s.home, kustomization.Metadata.Namespace+"."+kustomization.Spec.Decryption.SecretRef.Name+".yaml")

	// flux decrypts the committed manifest. Unlike sops, it ignores the MAC.
	flux := func() (text string, ok bool) {
		t.Helper()
		writeFile(t, filepath.Join(s.home, "flux.txt"), readManifest(t, readFile(t, keys)).value(t, "age.agekey"), 0o600)
		out, code := s.run(`git show HEAD:app.enc.yaml >~/flux.yaml
(cd ~ && HOME=/nonexistent SOPS_AGE_KEY_FILE=flux.txt sops decrypt --ignore-mac flux.yaml)`)
		return out, code == 0
	}
	delivers := func(token, when string) {
		t.Helper()
		out, ok := flux()
		if !ok {
			t.Fatalf("%s, Flux can't decrypt: %s", when, out)
		}
		m := readManifest(t, out)
		if m.Kind != "Secret" || m.Metadata.Name != "app" || m.Metadata.Namespace != "production" || m.SOPS != nil ||
			!maps.Equal(m.Metadata.Labels, map[string]string{"app.kubernetes.io/name": "app"}) {
			t.Errorf("%s, the Secret is %+v", when, m)
		}
		if m.value(t, "TOKEN") != token {
			t.Errorf("%s, the Secret has another value", when)
		}
	}
	delivers("s3cret-first", "after the first apply")
	if state := s.must("cat terraform.tfstate*; git grep -h . HEAD"); strings.Contains(state, "s3cret") || strings.Contains(state, "AGE-SECRET-KEY-") {
		t.Error("a value or the identity is in the state or in git")
	}

	s.must("export TF_VAR_token=s3cret-second")
	s.must(publish)
	delivers("s3cret-second", "with another value")

	without := blockOf(t, kubernetes, "Without Flux", "sh")
	s.must(without)
	if applied := readManifest(t, readFile(t, filepath.Join(s.home, "production.app.yaml"))); applied.value(t, "TOKEN") != "s3cret-second" {
		t.Error("kubectl gets another Secret")
	}

	// Anybody who can write the manifest can move it: Flux accepts that, and sops refuses it.
	s.must(`cp app.enc.yaml ~/kept && sed -i 's/namespace: production/namespace: elsewhere/' app.enc.yaml && git commit -q -a -m moved`)
	if out, ok := flux(); !ok || !strings.Contains(out, "namespace: elsewhere") {
		t.Errorf("without the MAC: %s", out)
	}
	if out, code := s.run("set -o pipefail; " + without); code == 0 || !strings.Contains(out, "MAC mismatch") {
		t.Errorf("sops takes a manifest that was changed: %s", out)
	}
	s.must(`set +o pipefail; cp ~/kept app.enc.yaml && git commit -q -a -m back`)

	// Another key: the order of the steps counts.
	rotation, _, found := strings.Cut(page(t, kubernetes), "`, or `rotation_days` for a schedule.")
	if !found {
		t.Fatal("the page has no first step of a rotation")
	}
	s.must(rotation[strings.LastIndex(rotation, "`")+1:])
	delivers("s3cret-second", "before sops-age is made again")
	s.must(identity)
	if out, ok := flux(); ok {
		t.Errorf("the new identity opens the old manifest: %s", out)
	}
	s.must(publish)
	delivers("s3cret-second", "after the rotation")
}
