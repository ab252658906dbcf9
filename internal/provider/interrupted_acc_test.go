package provider_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// pausedBox is a service whose rotation can be held at a place: what comes after the
// pause waits until it is killed. The pause does nothing while the file go is there.
func pausedBox(afterKey, afterBundle bool) string {
	pause := func(name, follows string) string {
		return fmt.Sprintf(`
resource "terraform_data" %q {
  triggers_replace = [%s]
  provisioner "local-exec" {
    command = "test -e go || { touch paused; exec sleep 60; }"
  }
}
`, name, follows)
	}
	after := func(there bool, name string) string {
		if !there {
			return ""
		}
		return "depends_on = [terraform_data." + name + "]"
	}
	config := fmt.Sprintf(`
variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = var.token }
  recipients = ageenv_key.k.recipients
  %s
}

resource "ageenv_vultr_startup_script" "s" {
  name             = "app"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.k.recipient }
  %s
}
`, after(afterKey, "key"), after(afterBundle, "bundle"))
	if afterKey {
		config += pause("key", "ageenv_key.k.recipient")
	}
	if afterBundle {
		config += pause("bundle", "nonsensitive(sha256(ageenv_bundle.b.ciphertext))")
	}
	return config
}

// killPaused applies until the pause is reached, and kills the command line and its
// plugins, so that nobody tidies up.
func (c *cliRun) killPaused(args ...string) {
	c.t.Helper()
	cmd := exec.Command(c.path, append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, args...)...)
	cmd.Dir = c.dir
	for name, value := range c.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	kill := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}
	paused := filepath.Join(c.dir, "paused")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(paused); err == nil {
			break
		}
		if time.Now().After(deadline) {
			kill()
			c.t.Fatal("the pause was not reached within a minute")
		}
	}
	kill()
	// A lock of the dead process ends with it; the info that it left would only confuse.
	_ = os.Remove(filepath.Join(c.dir, ".terraform.tfstate.lock.info"))
}

// TestAccRotationInterrupted interrupts a rotation at each of its seams, by killing
// everything or by having Vultr's API refuse. Whatever is left, the operator still opens
// the bundle, the key that is in the state is one that the operator holds, and one more
// apply ends where an uninterrupted one would have.
func TestAccRotationInterrupted(t *testing.T) {
	saved := func(replace ...string) func(c *cliRun, w *world) {
		return func(c *cliRun, w *world) {
			c.must(append([]string{"plan", "-out=rotation.tfplan"}, replace...)...)
			w.simulator().RevokeAPIKey()
			out, err := c.run("apply", "rotation.tfplan")
			w.simulator().SetAPIKey(simKey)
			if err == nil || !strings.Contains(out, "401") {
				c.t.Fatalf("the apply did not fail with the API's answer: %v\n%s", err, out)
			}
		}
	}
	killed := func(c *cliRun, _ *world) {
		if err := os.Remove(filepath.Join(c.dir, "go")); err != nil {
			c.t.Fatal(err)
		}
		c.killPaused("-replace=" + keyAddress)
		writeFile(c.t, filepath.Join(c.dir, "go"), "")
	}
	for name, tt := range map[string]struct {
		config    string
		interrupt func(c *cliRun, w *world)
		newKey    bool // it got as far as the new key
		newBundle bool // and as far as the bundle
		killed    bool
	}{
		"killed between key and bundle":    {pausedBox(true, false), killed, true, false, true},
		"killed between bundle and script": {pausedBox(false, true), killed, true, true, true},
		"the old key is gone, and the new one not made": {pausedBox(false, false), func(c *cliRun, _ *world) {
			if out, err := c.plain("state", "rm", keyAddress).CombinedOutput(); err != nil {
				c.t.Fatalf("%v\n%s", err, out)
			}
		}, true, false, false},
		"the API is down between bundle and script":     {pausedBox(false, false), saved("-replace=" + keyAddress), false, false, false},
		"the API is down, the new script is made first": {strings.Replace(pausedBox(false, false), `  replace_triggers`, "  lifecycle {\n    create_before_destroy = true\n  }\n  replace_triggers", 1), saved("-replace=" + keyAddress), true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := newCLI(t, w)
			c.env["TF_VAR_token"] = "kept through it all"
			writeFile(t, filepath.Join(c.dir, "go"), "")
			c.write(w.config(tt.config))
			c.must("apply", "-auto-approve")
			before := stateOf(t, c)
			oldKey := identityIn(t, before.text(keyAddress, "wrapped_identity"), w.operator)

			heal := []string{"apply", "-auto-approve"}
			if tt.killed && os.Getenv("AGEENV_CLI_KIND") == "opentofu" {
				// It writes the state at the end and every few seconds, where Terraform does
				// after each resource: killed, it has forgotten the new key, which nothing
				// outside the state has. The rotation has to be asked for again.
				tt.newKey, tt.newBundle = false, false
				heal = append(heal, "-replace="+keyAddress)
			}
			tt.interrupt(c, w)
			left := stateOf(t, c)
			if got := left.text(keyAddress, "recipient") != before.text(keyAddress, "recipient"); got != tt.newKey {
				t.Errorf("got as far as the new key: %t, want %t", got, tt.newKey)
			}
			if got := left.text(bundleAddress, "ciphertext") != before.text(bundleAddress, "ciphertext"); got != tt.newBundle {
				t.Errorf("got as far as the bundle: %t, want %t", got, tt.newBundle)
			}
			stateOpensText(t, left.text(bundleAddress, "ciphertext"), "kept through it all", w.operator)
			if wrap := left.text(keyAddress, "wrapped_identity"); wrap != "" {
				if id := identityIn(t, wrap, w.operator); id.Recipient().String() != left.text(keyAddress, "recipient") {
					t.Error("the key in the state is one that nobody holds")
				}
			}

			c.must(heal...)
			rotated := tt.newKey || len(heal) > 2
			healed := stateOf(t, c)
			newKey := identityIn(t, healed.text(keyAddress, "wrapped_identity"), w.operator)
			if newKey.Recipient().String() == oldKey.Recipient().String() && rotated {
				t.Error("the key is the old one again")
			}
			if got := healed.text(scriptAddress, "identity_recipient"); got != newKey.Recipient().String() {
				t.Error("the script does not carry the key of the state")
			}
			text, err := openText(healed.text(bundleAddress, "ciphertext"), []agekey.Identity{newKey})
			if err != nil || !strings.Contains(text.Reveal(), "kept through it all") {
				t.Errorf("the box's key does not open the bundle: %v", err)
			}
			if rotated {
				closedTo(t, healed.text(bundleAddress, "ciphertext"), oldKey)
				if healed.text(scriptAddress, "id") == before.text(scriptAddress, "id") {
					t.Error("the script was not replaced: its boxes would keep the old key")
				}
			}
			if scripts := w.simulator().Scripts(); len(scripts) != 1 || scripts[0].ID != healed.text(scriptAddress, "id") {
				t.Errorf("the account has %d scripts, or another one", len(scripts))
			}
			if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
				t.Errorf("the next plan is not empty: %v\n%s", err, out)
			}
		})
	}
}

// TestAccOperatorLost: of two operators one loses the identity. The other sees no
// change, rotates, and takes the lost one out.
func TestAccOperatorLost(t *testing.T) {
	const config = `
variable "operators" {
  type = set(string)
}

variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_key" "k" {
  escrow_recipients = var.operators
}

resource "ageenv_bundle" "b" {
  entries_wo          = { TOKEN = var.token }
  recipients          = ageenv_key.k.recipients
  operator_recipients = var.operators
}

resource "ageenv_vultr_startup_script" "s" {
  name             = "app"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env" }]
  replace_triggers = { recipient = ageenv_key.k.recipient }
}
`
	w := newWorld(t)
	lost, kept, third := w.operator, newPerson(t), newPerson(t)
	c := newCLI(t, w)
	c.write(w.config(config))
	operators := func(people ...person) {
		var recipients []string
		for _, p := range people {
			recipients = append(recipients, fmt.Sprintf("%q", p.recipient))
		}
		c.env["TF_VAR_operators"] = "[" + strings.Join(recipients, ",") + "]"
	}
	c.env["TF_VAR_token"] = "survives"
	operators(lost, kept)
	c.must("apply", "-auto-approve")
	before := stateOf(t, c)

	// The file is gone; the variable that names it is somebody else's now.
	if err := os.Remove(lost.keyFile); err != nil {
		t.Fatal(err)
	}
	c.env["SOPS_AGE_KEY_FILE"] = kept.keyFile
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the other operator sees a change: %v\n%s", err, out)
	}
	operators(kept, third)
	c.must("apply", "-auto-approve")
	after := stateOf(t, c)
	if after.text(keyAddress, "recipient") != before.text(keyAddress, "recipient") || after.text(scriptAddress, "id") != before.text(scriptAddress, "id") {
		t.Error("the key or the script was replaced")
	}
	stateOpensText(t, after.text(bundleAddress, "ciphertext"), "survives", third)
	if identityIn(t, after.text(keyAddress, "wrapped_identity"), third).Recipient().String() != before.text(keyAddress, "recipient") {
		t.Error("the new operator does not hold the key")
	}
	if _, err := agekey.Unwrap(after.text(keyAddress, "wrapped_identity"), lost.identities(t)); !errors.Is(err, agekey.ErrNoMatch) {
		t.Errorf("the wrap is not closed to the lost identity: %v", err)
	}
	closedTo(t, after.text(bundleAddress, "ciphertext"), lost.identities(t)[0])
	c.must("apply", "-auto-approve", "-replace="+keyAddress)
	stateOpensText(t, stateOf(t, c).text(bundleAddress, "ciphertext"), "survives", kept)

	// In turn: the third one sees nothing to do, and the kept one after that neither.
	for _, p := range []person{third, kept} {
		c.env["SOPS_AGE_KEY_FILE"] = p.keyFile
		if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
			t.Errorf("two operators in turn: %v\n%s", err, out)
		}
	}
}
