package provider_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// sealedTar is a bundle of one file for each key.
func sealedTar(t *testing.T, files map[string]string, recipient string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	var sealed strings.Builder
	armored := armor.NewWriter(&sealed)
	encrypted, err := age.Encrypt(armored, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encrypted.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(encrypted.Close(), armored.Close()); err != nil {
		t.Fatal(err)
	}
	return sealed.String()
}

// A directory of files, and what is to follow.
func TestAccScriptDirectory(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	keys := map[string]string{"TOKEN": "boot-canary", "tls.key": "line\nline\n"}
	config := func(rest string) string {
		return w.config(badScript("{\n    ciphertext = <<-EOT\n"+sealedTar(t, keys, box.recipient)+"EOT\n    path = \"/srv/secrets\"\n    layout = \"directory\"\n"+
			"    owner = \""+strconv.Itoa(os.Getuid())+"\"\n    group = \""+strconv.Itoa(os.Getgid())+"\"\n  }", "identity_wo = \""+box.identity+"\"\n"+rest))
	}
	plain := config("")
	follows := strings.TrimSuffix(strings.TrimSpace(plain), "}") +
		"  restart_units = [\"app.service\"]\n  recreate_compose = [\"/srv/app\"]\n  run_after = [\"echo \\\"$(date)\\\"\"]\n}\n"
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: plain, ConfigStateChecks: looks(func(attributes) {
				root := scriptBoots(t, w)
				for name, want := range keys {
					if text, err := os.ReadFile(filepath.Join(root, "srv/secrets", name)); err != nil || string(text) != want {
						t.Errorf("%s holds %q, expected %q (%v)", name, text, want, err)
					}
				}
			})},
			{Config: plain, ConfigPlanChecks: plannedEmpty},
			{Config: follows, ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(func(attributes) {
				_, body := onlyScript(t, w)
				for _, want := range []string{`"$1" 'app.service'`, `"$1" '/srv/app'`, `"$1" 'echo "$(date)"'`} {
					if !strings.Contains(body, want) {
						t.Errorf("the script has no %s", want)
					}
				}
			})},
			{Config: follows, ConfigPlanChecks: plannedEmpty},
		},
	})
}
