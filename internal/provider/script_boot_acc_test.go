package provider_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/ageenv/terraform-provider-ageenv/internal/plaintar"
)

// sealedTar is a bundle of one file for each key.
func sealedTar(t *testing.T, files map[string]string, recipient string) string {
	t.Helper()
	var list []plaintar.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, plaintar.File{Name: name, Content: files[name]})
	}
	text, err := plaintar.Write(list)
	if err != nil {
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
	if _, err := io.WriteString(encrypted, text); err != nil {
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
		return w.config(badScript("{\n    ciphertext_wo = <<-EOT\n"+sealedTar(t, keys, box.recipient)+"EOT\n    path = \"/srv/secrets\"\n    layout = \"directory\"\n"+
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
				for _, want := range []string{`"units":["app.service"]`, `"compose":["/srv/app"]`, `"commands":["echo \"$(date)\""]`, `"block_metadata":true`} {
					if !strings.Contains(body, want) {
						t.Errorf("the script has no %s", want)
					}
				}
			})},
			{Config: follows, ConfigPlanChecks: plannedEmpty},
			{
				Config:           strings.TrimSuffix(follows, "}\n") + "  block_metadata = false\n}\n",
				ConfigPlanChecks: scriptUpdated,
				ConfigStateChecks: looks(func(attributes) {
					if _, body := onlyScript(t, w); !strings.Contains(body, `"block_metadata":false`) {
						t.Error("the script closes the metadata service, which was switched off")
					}
				}),
			},
		},
	})
}

// awayService is a box that has its identity from elsewhere.
const awayService = `
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "boot-canary" }
  recipients = ageenv_key.k.recipients
  format     = "age_dotenv"
}

resource "ageenv_vultr_startup_script" "s" {
  name          = "app"
  identity_file = "/etc/box.key"
  files         = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/run/app/.env", every_boot = true, owner = "OWNER", group = "GROUP" }]
}

data "ageenv_first_boot_script" "d" {
  name          = "app"
  identity_file = "/etc/box.key"
  files         = [{ ciphertext = ageenv_bundle.b.ciphertext, path = "/run/app/.env", every_boot = true, owner = "OWNER", group = "GROUP" }]
}
`

// The identity is in neither the script nor the account, and no operator's identity
// is needed to make it; a travelling one may take its place, and go again.
func TestAccScriptIdentityElsewhere(t *testing.T) {
	w := newWorld(t)
	text := strings.NewReplacer("OWNER", strconv.Itoa(os.Getuid()), "GROUP", strconv.Itoa(os.Getgid())).Replace(awayService)
	const dataAddress = "data.ageenv_first_boot_script.d"
	var body string
	away := func(a attributes) {
		_, body = onlyScript(t, w)
		if strings.Contains(body, "AGE-SECRET-KEY") {
			t.Error("the identity travels")
		}
		if !strings.Contains(body, `"block_metadata":false`) {
			t.Error("the script closes the metadata service, which shows no identity")
		}
		if got := a[scriptAddress]["identity_recipient"]; got != nil {
			t.Errorf("identity_recipient is %v", got)
		}
		if a.text(dataAddress, "script") != body {
			t.Error("the data source gives another script than the resource")
		}
		if !strings.HasPrefix(a.text(dataAddress, "cloud_config"), "#cloud-config\n") || !strings.HasPrefix(a.text(dataAddress, "mime"), "MIME-Version: 1.0\n") {
			t.Error("the other forms are not what they should be")
		}
		if a.text(dataAddress, "script_sha256") != sha256Hex(body) {
			t.Error("the digest is another one")
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.config(text), ConfigStateChecks: looks(away, func(a attributes) {
				root, file := bootRoot(t), filepath.Join(t.TempDir(), "script")
				writeFile(t, file, body)
				if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
					t.Fatal(err)
				}
				writeFile(t, filepath.Join(root, "etc/box.key"), keyOf(t, a, w.operator).Text().Reveal()+"\n")
				cmd := exec.Command("/bin/sh", file)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AGEENV_ROOT=" + root}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("the script failed: %v\n%s", err, out)
				}
				if got, err := os.ReadFile(filepath.Join(root, "run/app/.env")); err != nil || string(got) != "TOKEN=boot-canary\n" {
					t.Errorf("the file holds %q (%v)", got, err)
				}
			})},
			{Config: w.config(text), ConfigPlanChecks: plannedEmpty},
			{
				Config:           w.config(strings.Replace(text, "identity_file = ", "wrapped_identity_wo = ageenv_key.k.wrapped_identity # ", 1)),
				ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(scriptMatches(t, w)),
			},
			{Config: w.config(text), ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(away)},
			{Config: w.config(text), ConfigPlanChecks: plannedEmpty},
			{
				Config:           w.config(strings.ReplaceAll(text, `identity_file = "/etc/box.key"`, `identity_command = "fetch-key --box $(hostname)"`)),
				ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(away),
			},
		},
	})
}

// What an operator can open has to be what the layout drops, although the box opens it
// by itself.
func TestAccScriptLayoutElsewhere(t *testing.T) {
	w := newWorld(t)
	text := strings.NewReplacer("OWNER", "root", "GROUP", "root").Replace(awayService)
	apply := func(change, to, message string) resource.TestStep {
		step := resource.TestStep{Config: w.config(strings.ReplaceAll(text, change, to))}
		if message != "" {
			step.ExpectError = regexp.MustCompile(`(?s)The box can't drop the bundle.*` + message)
		}
		return step
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			apply("age_dotenv", "age_files", `no\s+env\s+text\s+that\s+could\s+be\s+dropped`),
			apply("every_boot", `layout = "directory", every_boot`, `does\s+not\s+hold\s+one\s+file\s+per\s+key`),
			apply("x", "x", ""),
		},
	})
}

// A hybrid bundle needs a newer age on the box than Debian has, and the plan says so.
func TestAccScriptHybridWarns(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(strings.NewReplacer(
		"OWNER", "root", "GROUP", "root",
		"ageenv_key.k.recipients", fmt.Sprintf("[%q]", hybridPerson(t).recipient),
		`format     = "age_dotenv"`, "format = \"age_dotenv\"\n  operator_recipients = []\n  content_version = \"1\"",
	).Replace(awayService)))
	cli.must("apply", "-auto-approve", "-target=ageenv_bundle.b")
	if out := cli.must("plan"); !strings.Contains(out, "The box needs age 1.3 or later") {
		t.Errorf("no warning in:\n%s", out)
	}
}
