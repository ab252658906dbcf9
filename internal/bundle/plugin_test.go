package bundle_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// TestPluginOperator: a bundle for an X25519 key and two of a plugin opens with each
// alone, and the plugin is asked once for it.
func TestPluginOperator(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	soft := x25519(t)
	keyFiles := []string{p.KeyFile("works"), p.KeyFile("works")}
	hard := []agekey.Identity{agekeytest.Parse(t, keyFiles[0]), agekeytest.Parse(t, keyFiles[1])}
	values := map[string]string{"A": "one", "B": "two"}
	for _, format := range bundle.Formats() {
		t.Run(string(format), func(t *testing.T) {
			p.Forget()
			ciphertext := sealed(t, contentOf(t, format, values), format, append(hard, soft)...)
			if calls := p.Noted("calls"); len(calls) != 2 {
				t.Errorf("to seal, the plugin was started %d times, want once a recipient", len(calls))
			}
			for i, id := range append(hard, soft) {
				p.Forget()
				for range 2 {
					content, err := openAs(ciphertext, format, id)
					if err != nil || !content.Document.EqualEntries(entriesOf(values)) {
						t.Errorf("identity %d: %v", i, err)
					}
				}
				if calls, want := len(p.Noted("calls")), min(2-i, 1); calls != max(want, 0) {
					t.Errorf("identity %d: the plugin was started %d times, want %d", i, calls, want)
				}
			}
			if _, err := openAs(ciphertext, format, p.Identity("works")); !errors.Is(err, agekey.ErrNoMatch) || agekey.PluginFailed(err) {
				t.Errorf("a stranger: %v", err)
			}
			if shown, ok := bundle.Recipients(ciphertext); ok && len(shown) != 3 {
				t.Errorf("it shows %q", shown)
			}
			p.Remove()
			defer p.Restore()
			if _, err := openAs(ciphertext, format, agekeytest.Parse(t, keyFiles[0])); !agekey.PluginFailed(err) {
				t.Errorf("without the program: %v", err)
			}
		})
	}
}

func openAs(ciphertext string, format bundle.Format, id agekey.Identity) (bundle.Content, error) {
	opened, err := bundle.Source{Format: format, AllowUnauthenticated: true, Own: true}.Open(ciphertext, []agekey.Identity{id})
	if err != nil {
		return bundle.Content{}, err
	}
	return opened.Read(bundle.Params{Format: format, Dialect: dotenv.Compose})
}

// TestPluginOperatorWithRealTools: sops and age open with the plugin what we sealed, and
// we what they did.
func TestPluginOperatorWithRealTools(t *testing.T) {
	sops, age := realTool(t, "AGEENV_TEST_SOPS", "sops").path, realTool(t, "AGEENV_TEST_AGE", "age").path
	p := agekeytest.NewPlugin(t)
	soft, keyFile := x25519(t), p.KeyFile("works")
	hard := agekeytest.Parse(t, keyFile)
	dir := t.TempDir()
	files := map[string]string{"plugin": keyFile, "soft": soft.Text().Reveal()}
	for name, text := range files {
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(t *testing.T, env []string, in string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v", args[1:], err)
		}
		return string(out)
	}
	kinds := map[bundle.Format]string{bundle.SOPSDotenv: "dotenv", bundle.SOPSBinary: "binary", bundle.SOPSYAML: "yaml", bundle.SOPSJSON: "json"}
	plain := map[bundle.Format]string{bundle.SOPSDotenv: "A=canary\n", bundle.SOPSBinary: "A=canary\n", bundle.SOPSYAML: "A: canary\n", bundle.SOPSJSON: `{"A":"canary"}`}
	for format, kind := range kinds {
		t.Run(string(format), func(t *testing.T) {
			ours := sealed(t, contentOf(t, format, map[string]string{"A": "canary"}), format, hard, soft)
			for who, file := range files {
				got := run(t, []string{"SOPS_AGE_KEY_FILE=" + file}, ours, sops, "--decrypt", "--input-type", kind, "--output-type", kind, "/dev/stdin")
				if !strings.Contains(got, "canary") {
					t.Errorf("sops gives %q with %s", got, who)
				}
			}
			theirs := run(t, nil, plain[format], sops, "--encrypt", "--age", hard.Recipient().String()+","+soft.Recipient().String(),
				"--input-type", kind, "--output-type", kind, "/dev/stdin")
			for _, id := range []agekey.Identity{hard, soft} {
				content, err := openAs(theirs, format, id)
				if entries := content.Document.Entries(); err != nil || entries["A"].Reveal() != "canary" {
					t.Errorf("%s: %v", id.Recipient().Kind(), err)
				}
			}
		})
	}
	ours := sealed(t, contentOf(t, bundle.AgeDotenv, map[string]string{"A": "canary"}), bundle.AgeDotenv, hard, soft)
	for who, file := range files {
		if got := run(t, nil, ours, age, "-d", "-i", file); !strings.Contains(got, "canary") {
			t.Errorf("age gives %q with %s", got, who)
		}
	}
}
