package firstboot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

const simulatorKey = "SIMULATORKEY0123456789"

// providers builds this repository's provider and the stand-in for Vultr's, and returns
// a CLI configuration that names them.
var providers = sync.OnceValues(func() (string, error) {
	var text strings.Builder
	text.WriteString("provider_installation {\n  dev_overrides {\n")
	for source, dir := range map[string]string{"ageenv/ageenv": ".", "vultr/vultr": "./test/vultrschema"} {
		target := filepath.Join(scratch, source)
		program := filepath.Join(target, "terraform-provider-"+filepath.Base(source))
		if _, err := stage.Go(context.Background(), "../..", nil, "build", "-o", program, dir); err != nil {
			return "", err
		}
		for _, registry := range []string{"registry.terraform.io/", "registry.opentofu.org/"} {
			text.WriteString("    \"" + registry + source + "\" = \"" + target + "\"\n")
		}
	}
	text.WriteString("  }\n  direct {}\n}\n")
	file := filepath.Join(scratch, "providers.tfrc")
	return file, os.WriteFile(file, []byte(text.String()), 0o600)
})

// example is a directory of examples/ that an operator applies to a simulated account.
type example struct {
	t        *testing.T
	dir      string
	env      []string
	sim      *vultrsim.Server
	operator *age.X25519Identity
}

func newExample(t *testing.T, name string) *example {
	t.Helper()
	if os.Getenv("TF_ACC") == "" || os.Getenv("TF_ACC_TERRAFORM_PATH") == "" || os.Getenv("AGEENV_TEST_SOPS") == "" {
		t.Skip("acceptance test: it runs with a CLI and sops, as make test does")
	}
	e := &example{t: t, dir: t.TempDir(), sim: vultrsim.New(vultrsim.Options{APIKey: simulatorKey}), operator: newIdentity(t)}
	config, err := providers()
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := e.sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := os.CopyFS(e.dir, os.DirFS("../../examples/"+name)); err != nil {
		t.Fatal(err)
	}
	e.write(".sops.yaml", "creation_rules:\n  - age: "+e.operator.Recipient().String()+"\n")
	home := t.TempDir()
	keys := filepath.Join(home, "keys.txt")
	if err := os.WriteFile(keys, []byte(e.operator.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.env = []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=" + config,
		"SOPS_AGE_KEY_FILE=" + keys, "VULTR_API_KEY=" + simulatorKey, "VULTR_API_URL=" + url,
	}
	return e
}

func (e *example) write(name, text string) {
	e.t.Helper()
	if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e *example) run(input, program string, args ...string) string {
	e.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = e.dir, e.env, strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		text := string(out)
		if exit, ok := err.(*exec.ExitError); ok {
			text += string(exit.Stderr)
		}
		e.t.Fatalf("%s: %v\n%s", args, err, text)
	}
	return string(out)
}

func (e *example) terraform(args ...string) string {
	e.t.Helper()
	return e.run("", os.Getenv("TF_ACC_TERRAFORM_PATH"), args...)
}

// apply applies with these values, and returns the script that a new box gets.
func (e *example) apply(values string) string {
	e.t.Helper()
	e.write("app.enc.env", e.run(values, os.Getenv("AGEENV_TEST_SOPS"), "encrypt", "--filename-override", "app.enc.env", "/dev/stdin"))
	e.terraform("apply", "-auto-approve", "-no-color", "-input=false")
	script, err := e.sim.BootScript(e.output("script_id"))
	if err != nil {
		e.t.Fatal(err)
	}
	return string(script)
}

func (e *example) output(name string) string {
	e.t.Helper()
	return e.terraform("output", "-raw", name)
}

// userData is what the example's box gets as user data.
func (e *example) userData() string {
	e.t.Helper()
	text, _ := e.instance("vultr_instance")["user_data"].(string)
	return text
}

// instance are the attributes of the only resource of a type.
func (e *example) instance(resource string) map[string]any {
	e.t.Helper()
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(e.terraform("state", "pull")), &state); err != nil {
		e.t.Fatal(err)
	}
	for _, r := range state.Resources {
		if r.Type == resource {
			return r.Instances[0].Attributes
		}
	}
	e.t.Fatalf("the example has no %s", resource)
	return nil
}

// path is what a box prints of the example's file: path, owner, group and mode.
func (e *example) path() string {
	e.t.Helper()
	files, _ := e.instance("ageenv_vultr_startup_script")["files"].([]any)
	f, _ := files[0].(map[string]any)
	return fmt.Sprintf("%s %s:%s %s", f["path"], f["owner"], f["group"], f["mode"])
}
