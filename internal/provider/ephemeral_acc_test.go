package provider_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// echoed is a configuration that copies an ephemeral resource's result into the
// state, where a test can see it.
func echoed(address string) string {
	return fmt.Sprintf("\nprovider \"echo\" {\n  data = %s\n}\n\nresource \"echo\" \"result\" {}\n", address)
}

// echoResult looks at what echoed copied.
func echoResult(t *testing.T, look func(result map[string]any)) after {
	return func(a attributes) {
		result, ok := a["echo.result"]["data"].(map[string]any)
		if !ok {
			t.Fatal("nothing was echoed")
		}
		look(result)
	}
}

// echoContent is an error unless the result is this content.
func echoContent(t *testing.T, text string, entries map[string]string, keys string) after {
	return echoResult(t, func(result map[string]any) {
		if got := fmt.Sprint(result["dotenv"]); got != text {
			t.Errorf("dotenv is %q, expected %q", got, text)
		}
		got := map[string]string{}
		values, _ := result["entries"].(map[string]any)
		for key, value := range values {
			got[key] = fmt.Sprint(value)
		}
		if !maps.Equal(got, entries) {
			t.Errorf("entries are %q, expected %q", got, entries)
		}
		if got := fmt.Sprint(result["keys"]); got != keys {
			t.Errorf("keys are %s, expected %s", got, keys)
		}
	})
}

// ephemeralText is an env text with its entries and its names.
const (
	ephemeralText = "# a comment\nB=\"x \\$y\"\nA='1'\n"
	ephemeralKeys = "[A B]"
)

var ephemeralEntries = map[string]string{"A": "1", "B": "x $y"}

func TestAccEphemeralIdentity(t *testing.T) {
	box := newPerson(t)
	keyFile := "# created: 2026-01-01T00:00:00Z\n# public key: " + box.recipient + "\n" + box.identity + "\n"
	w := newWorld(t)
	wrapped, err := agekey.SealArmored(secret.New(keyFile), agekey.Recipients(w.operator.identities(t)))
	if err != nil {
		t.Fatal(err)
	}
	of := func(source string) string {
		return w.config("resource \"ageenv_key\" \"k\" {}\n\nephemeral \"ageenv_identity\" \"i\" {\n  wrapped_identity = "+source+"\n}\n") + echoed("ephemeral.ageenv_identity.i")
	}
	t.Run("of a key that is there", func(t *testing.T) {
		resource.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: w.factories(),
			Steps: []resource.TestStep{
				{Config: w.config("resource \"ageenv_key\" \"k\" {}\n")},
				{Config: of("ageenv_key.k.wrapped_identity"), ConfigStateChecks: looks(func(a attributes) {
					echoResult(t, func(result map[string]any) {
						if got := fmt.Sprint(result["identity"]); got != keyOf(t, a, w.operator).Text().Reveal() {
							t.Error("the identity is another one than the key's")
						}
						if got := fmt.Sprint(result["recipient"]); got != a.text(keyAddress, "recipient") {
							t.Errorf("recipient is %s", got)
						}
					})(a)
				})},
			},
		})
	})
	t.Run("of a key file that age encrypted", func(t *testing.T) {
		resource.Test(t, resource.TestCase{
			ProtoV6ProviderFactories: w.factories(),
			Steps: []resource.TestStep{{Config: of(fmt.Sprintf("%q", wrapped)), ConfigStateChecks: looks(echoResult(t, func(result map[string]any) {
				if result["identity"] != box.identity || result["recipient"] != box.recipient {
					t.Error("the identity is another one than the file's")
				}
			}))}},
		})
	})
}

func TestAccEphemeralBundle(t *testing.T) {
	box := newPerson(t)
	for name, c := range map[string]struct {
		made   func(t *testing.T, w *world, file string)
		text   string
		format bundle.Format
	}{
		"ours, sops": {
			func(t *testing.T, w *world, file string) {
				writeFile(t, file, sealedFile(t, bundle.SOPSDotenv, ephemeralText, w.operator.recipient, box.recipient))
			},
			"# a comment\nB='x $y'\nA=1\n", bundle.SOPSDotenv,
		},
		"ours, age": {
			func(t *testing.T, w *world, file string) {
				writeFile(t, file, sealedFile(t, bundle.AgeDotenv, ephemeralText, w.operator.recipient, box.recipient))
			},
			"# a comment\nB='x $y'\nA=1\n", bundle.AgeDotenv,
		},
		"real sops": {
			func(t *testing.T, w *world, file string) {
				encryptedBy(t, "AGEENV_TEST_SOPS", file, "encrypt", "--input-type", "dotenv", "--output-type", "dotenv", "--age", box.recipient+","+w.operator.recipient, "--output", file)
			},
			ephemeralText, bundle.SOPSDotenv,
		},
		"real age, armored": {
			func(t *testing.T, w *world, file string) {
				encryptedBy(t, "AGEENV_TEST_AGE", file, "-a", "-r", box.recipient, "-r", w.operator.recipient, "-o", file)
			},
			ephemeralText, bundle.AgeDotenv,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := filepath.Join(t.TempDir(), "app.enc.env")
			c.made(t, w, file)
			config := func(arguments string) string {
				return w.config("ephemeral \"ageenv_bundle\" \"e\" {\n"+arguments+"\n}\n") + echoed("ephemeral.ageenv_bundle.e")
			}
			content := []after{echoContent(t, c.text, ephemeralEntries, ephemeralKeys), echoResult(t, func(result map[string]any) {
				if got := fmt.Sprint(result["format"]); got != string(c.format) {
					t.Errorf("format is %s, expected %s", got, c.format)
				}
			})}
			byPath := config(fmt.Sprintf("path = %q", file))
			byText := config(fmt.Sprintf("ciphertext = file(%q)", file))
			byIdentity := config(fmt.Sprintf("path = %q\n  identity = %q", file, box.identity))
			for how, c := range map[string]struct {
				config   string
				operator bool // whether the operator's key is at hand
			}{"path": {byPath, true}, "text": {byText, true}, "identity": {byIdentity, false}} {
				t.Run(how, func(t *testing.T) {
					if !c.operator {
						w.env["SOPS_AGE_KEY_FILE"] = newPerson(t).keyFile
					} else {
						w.env["SOPS_AGE_KEY_FILE"] = w.operator.keyFile
					}
					resource.Test(t, resource.TestCase{
						ProtoV6ProviderFactories: w.factories(),
						Steps:                    []resource.TestStep{{Config: c.config, ConfigStateChecks: looks(content...)}},
					})
				})
			}
		})
	}
}

// encryptedBy has a real tool encrypt ephemeralText; the plain file is the last
// argument.
func encryptedBy(t *testing.T, variable, file string, args ...string) {
	t.Helper()
	tool := os.Getenv(variable)
	if tool == "" {
		t.Skipf("%s names no binary: make test builds one", variable)
	}
	plain := filepath.Join(filepath.Dir(file), "plain.env")
	writeFile(t, plain, ephemeralText)
	if out, err := exec.Command(tool, append(args, plain)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
}

func TestAccEphemeralDotenv(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plain.env")
	writeFile(t, file, ephemeralText)
	for name, argument := range map[string]string{
		"path": fmt.Sprintf("path = %q", file),
		"text": fmt.Sprintf("text = %q", ephemeralText),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{{
					Config:            "ephemeral \"ageenv_dotenv\" \"e\" {\n  " + argument + "\n}\n" + echoed("ephemeral.ageenv_dotenv.e"),
					ConfigStateChecks: looks(echoContent(t, ephemeralText, ephemeralEntries, ephemeralKeys)),
				}},
			})
		})
	}
}

// What an apply encrypts is read again in the same apply, with the identity that
// the same apply made.
func TestAccEphemeralBundleInSameApply(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	config := func(token string) string {
		return w.config(fmt.Sprintf(`
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "source" {
  entries_wo = { TOKEN = %q, OTHER = "x" }
  recipients = ageenv_key.k.recipients
}

ephemeral "ageenv_identity" "k" {
  wrapped_identity = ageenv_key.k.wrapped_identity
}

ephemeral "ageenv_bundle" "source" {
  ciphertext = ageenv_bundle.source.ciphertext
  identity   = ephemeral.ageenv_identity.k.identity
}

resource "ageenv_bundle" "b" {
  entries_wo = { COPY = ephemeral.ageenv_bundle.source.entries["TOKEN"] }
  recipients = [%q]
}
`, token, box.recipient))
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("first"), ConfigStateChecks: looks(stateOpens(t, "COPY=first\n", box, w.operator))},
			{Config: config("first"), ConfigPlanChecks: plannedEmpty},
			{Config: config("second"), ConfigStateChecks: looks(stateOpens(t, "COPY=second\n", box, w.operator))},
			{Config: config("second"), ConfigPlanChecks: plannedEmpty},
		},
	})
}

// Nothing of an ephemeral resource is in the state unless it is put there.
func TestAccEphemeralNotInState(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	const value = "ephemeral-canary-value"
	file := filepath.Join(t.TempDir(), "plain.env")
	writeFile(t, file, "TOKEN="+value+"\n")
	cli.write(w.config(fmt.Sprintf(`
ephemeral "ageenv_dotenv" "e" {
  path = %q
}

resource "ageenv_bundle" "b" {
  dotenv_wo  = ephemeral.ageenv_dotenv.e.dotenv
  recipients = []
}
`, file)))
	out := cli.must("apply", "-auto-approve")
	stateOpens(t, "TOKEN="+value+"\n", w.operator)(stateOf(t, cli))
	if strings.Contains(string(cli.state()), value) || strings.Contains(out, value) {
		t.Error("the value is in the state or was printed")
	}
}
