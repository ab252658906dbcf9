package bundle_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	composego "github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// tool is another program that reads and writes what bundles are made of, in a
// directory of its own.
type tool struct {
	path, dir string
	env       []string
}

// realTool is the program that the environment variable names.
func realTool(t *testing.T, variable, program string) tool {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("no %s to compare with: set %s to one", program, variable)
	}
	dir := t.TempDir()
	return tool{path: path, dir: dir, env: []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir}}
}

func (c tool) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run returns what the program prints on its standard output.
func (c tool) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.path, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = c.dir, c.env, strings.NewReader(input)
	var out, report bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &report
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(c.path), strings.Join(args, " "), err, report.String())
	}
	return out.String()
}

// try returns what the program prints, or how it fails.
func (c tool) try(args ...string) (string, error) {
	cmd := exec.Command(c.path, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	out, err := cmd.Output()
	return string(out), err
}

// readByCompose is what docker compose makes of an env text.
func readByCompose(t *testing.T, text string) map[string]string {
	t.Helper()
	got, err := composego.ParseWithLookup(strings.NewReader(text), nil)
	if err != nil {
		t.Fatalf("compose-go refuses the text: %v", err)
	}
	return got
}

func TestRealAgeOpensOurs(t *testing.T) {
	age := realTool(t, "AGEENV_TEST_AGE", "age")
	for name, id := range agekeytest.Kinds(t) {
		t.Run(name, func(t *testing.T) {
			content := contentOf(t, bundle.SOPSDotenv, awkward)
			text := age.run(t, sealed(t, content, bundle.AgeDotenv, id), "-d", "-i", age.file(t, "identity", id.Text().Reveal()))
			if text != content.Text.Reveal() {
				t.Errorf("age reads %q", text)
			}
			if got := readByCompose(t, text); !maps.Equal(got, awkward) {
				t.Errorf("compose reads %q, want %q", got, awkward)
			}
		})
	}
}

func TestWeOpenRealAge(t *testing.T) {
	age := realTool(t, "AGEENV_TEST_AGE", "age")
	const text = "# by hand\nexport B='two $words'\n\nA=\"1\"   # one"
	for name, id := range agekeytest.Kinds(t) {
		for _, form := range [][]string{{"-a"}, {}} {
			t.Run(name+strings.Join(form, ""), func(t *testing.T) {
				ciphertext := age.run(t, text, append(form, "-r", id.Recipient().String())...)
				content, err := open(ciphertext, dotenv.Compose, []agekey.Identity{id})
				if err != nil || content.Text.Reveal() != text {
					t.Fatalf("got %q, %v", content.Text.Reveal(), err)
				}
				if want := entriesOf(map[string]string{"A": "1", "B": "two $words"}); !content.Document.EqualEntries(want) {
					t.Errorf("the entries are %v", content.Document.Keys())
				}
			})
		}
	}
}

// sops knows the store by the file's name: *.enc.env needs no flag.
func TestRealSOPSOpensOurs(t *testing.T) {
	sops := realTool(t, "AGEENV_TEST_SOPS", "sops")
	id := x25519(t)
	sops.env = append(sops.env, "SOPS_AGE_KEY_FILE="+sops.file(t, "keys.txt", id.Text().Reveal()+"\n"))
	content := contentOf(t, bundle.SOPSDotenv, awkward)
	text := sops.run(t, "", "-d", sops.file(t, "x.enc.env", sealed(t, content, bundle.SOPSDotenv, id, x25519(t))))
	if text != content.Text.Reveal() {
		t.Errorf("sops reads %q, want %q", text, content.Text.Reveal())
	}
	if got := readByCompose(t, text); !maps.Equal(got, awkward) {
		t.Errorf("compose reads %q, want %q", got, awkward)
	}
}

func TestWeOpenRealSOPS(t *testing.T) {
	sops := realTool(t, "AGEENV_TEST_SOPS", "sops")
	id := x25519(t)
	const text = "# note\nB=two words\nA=1\n"
	ciphertext := sops.run(t, "", "-e", "--age", id.Recipient().String(), sops.file(t, "plain.env", text))
	content, err := open(ciphertext, dotenv.Compose, []agekey.Identity{id})
	if err != nil || content.Text.Reveal() != text {
		t.Errorf("got %q, %v", content.Text.Reveal(), err)
	}
	if shown, ok := bundle.Recipients(ciphertext); !ok || len(shown) != 1 || shown[0] != id.Recipient().String() {
		t.Errorf("it shows %q", shown)
	}
}
