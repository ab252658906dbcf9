package provider_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
)

// hardware is an age plugin for tests, on the PATH of a CLI.
type hardware struct {
	*agekeytest.Plugin
	t *testing.T
}

// newHardware is a plugin, and a CLI that finds it.
func newHardware(t *testing.T, w *world) (hardware, *cliRun) {
	t.Helper()
	c := newCLI(t, w)
	h := hardware{agekeytest.NewPluginOffPath(t), t}
	c.env["PATH"] = h.Dir() + string(os.PathListSeparator) + os.Getenv("PATH")
	return h, c
}

// person holds a key of the plugin that behaves as mode says.
func (h hardware) person(mode string) person {
	h.t.Helper()
	text := h.KeyFile(mode)
	id := agekeytest.Parse(h.t, text)
	p := person{identity: id.Text().Reveal(), recipient: id.Recipient().String(), keyFile: filepath.Join(h.t.TempDir(), "key.txt")}
	writeFile(h.t, p.keyFile, text)
	return p
}

// asked returns how often the plugin unwrapped something since it was last asked.
func (h hardware) asked() int {
	n := len(h.Noted("unwraps"))
	h.Forget()
	return n
}

// nothingRuns fails unless no process of the plugin is left soon.
func (h hardware) nothingRuns() {
	h.t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	var left []string
	for range 100 {
		left = nil
		commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range commands {
			command, _ := os.ReadFile(path)
			environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
			program, _ := os.Readlink(filepath.Join(filepath.Dir(path), "exe")) // a plugin's arguments hold its name alone
			asks := bytes.Contains(command, []byte("ask-age-plugin")) && bytes.Contains(environ, []byte(h.Dir()))
			if bytes.Contains(command, []byte(h.Dir())) || strings.HasPrefix(program, h.Dir()) || asks {
				left = append(left, string(bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	h.t.Errorf("left running: %q", left)
}

const (
	pluginProgram = "age-plugin-" + agekeytest.PluginName
	asksToOpen    = "Warning: Each plan asks " + pluginProgram + " to open this bundle"
)

// A key, a bundle and a script for one X25519 operator and one of a plugin: each opens
// alone, and the plugin is asked no more often than the plan says.
func TestAccPluginOperator(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	write := func(people ...person) {
		var recipients []string
		for _, p := range people {
			recipients = append(recipients, p.recipient)
		}
		c.write(w.escrowConfig(recipients, oneService))
	}
	write(w.operator, hard)
	c.must("apply", "-auto-approve")
	a := stateOf(t, c)
	if n := h.asked(); n != 0 {
		t.Errorf("with another identity that opens all, the plugin is asked %d times", n)
	}
	badOutput(t, c.must("plan"), []string{"No changes."}, []string{asksToOpen})

	path := []string{"PATH=" + c.env["PATH"]}
	for _, p := range []person{w.operator, hard} {
		env := append(path, "SOPS_AGE_KEY_FILE="+p.keyFile)
		if got := realRun(t, "AGEENV_TEST_SOPS", a.text(bundleAddress, "ciphertext"), env, "--decrypt", "--input-type", "dotenv", "--output-type", "dotenv", "/dev/stdin"); !strings.Contains(got, "TOKEN=first") {
			t.Errorf("sops gives %q", got)
		}
		if got := realRun(t, "AGEENV_TEST_AGE", a.text(keyAddress, "wrapped_identity"), path, "-d", "-i", p.keyFile); !strings.Contains(got, "# public key: "+a.text(keyAddress, "recipient")) {
			t.Error("age does not give the identity")
		}
	}
	h.Forget()

	// With the plugin alone. The key is not opened to be refreshed.
	c.env["SOPS_AGE_KEY_FILE"] = hard.keyFile
	badOutput(t, c.must("plan"), []string{"No changes.", asksToOpen, "once for each such bundle", "With content_version a plan does not ask."}, nil)
	if n := h.asked(); n != 1 {
		t.Errorf("a plan without changes asks %d times, want once, for the bundle", n)
	}

	// An operator goes: plan and apply say and do what they say.
	write(hard)
	out := c.must("plan", "-out=tfplan")
	badOutput(t, out, []string{"Warning: The apply asks " + pluginProgram + " to open this key", "Removed: " + w.operator.recipient, asksToOpen}, []string{"nothing here opens it", "will not be able to open"})
	if n := h.asked(); n != 1 {
		t.Errorf("the plan asks %d times, want once, for the bundle", n)
	}
	c.must("apply", "tfplan")
	if n := h.asked(); n != 3 {
		t.Errorf("the apply asks %d times, want for the key, for the bundle and for the key in the script", n)
	}
	after := stateOf(t, c)
	if after.text(keyAddress, "recipient") != a.text(keyAddress, "recipient") {
		t.Error("the key is another one")
	}
	if got := realRun(t, "AGEENV_TEST_AGE", after.text(keyAddress, "wrapped_identity"), path, "-d", "-i", hard.keyFile); !strings.Contains(got, a.text(keyAddress, "recipient")) {
		t.Error("age does not give the identity to the operator who is left")
	}
	h.Forget()

	c.must("apply", "-auto-approve", "-replace="+keyAddress)
	if n := h.asked(); n == 0 || n > 4 {
		t.Errorf("to replace the key, the plugin is asked %d times", n)
	}
	badOutput(t, c.must("plan"), []string{"No changes."}, nil)
	h.nothingRuns()
}

// Forty bundles would be forty touches: content_version asks for none, and the plan says
// both.
func TestAccPluginAsksOncePerBundle(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	c.env["SOPS_AGE_KEY_FILE"] = hard.keyFile
	write := func(version string) {
		c.write(w.escrowConfig([]string{hard.recipient}, `
resource "ageenv_bundle" "b" {
  for_each   = toset(["a", "b", "c", "d"])
  entries_wo = { TOKEN = each.key }
  recipients = []
  `+version+`
}
`))
	}
	write("")
	c.must("apply", "-auto-approve")
	if n := h.asked(); n != 0 {
		t.Errorf("to create them, the plugin is asked %d times", n)
	}
	badOutput(t, c.must("plan"), []string{"No changes.", asksToOpen, "once for each such bundle"}, nil)
	if n := h.asked(); n != 4 {
		t.Errorf("a plan asks %d times, want once a bundle", n)
	}
	write(`content_version = "1"`)
	badOutput(t, c.must("plan", "-out=tfplan"), []string{"4 to change"}, []string{asksToOpen})
	if n := h.asked(); n != 0 {
		t.Errorf("a plan with a new content_version asks %d times", n)
	}
	c.must("apply", "tfplan")
	h.Forget()
	badOutput(t, c.must("plan"), []string{"No changes."}, []string{asksToOpen})
	if n := h.asked(); n != 0 {
		t.Errorf("a plan with the same content_version asks %d times", n)
	}
}

// Every place in which sops looks for identities may hold a plugin's.
func TestAccPluginIdentitySources(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	text := `
variable "identity" {
  type      = string
  ephemeral = true
  default   = null
}
variable "file" {
  type    = string
  default = null
}
provider "ageenv" {
  escrow_recipients = ["` + hard.recipient + `"]
  identities        = [var.identity]
  identity_files    = [var.file]
}
resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = []
}
`
	c.write(text)
	c.must("apply", "-auto-approve")
	config := t.TempDir()
	if err := os.MkdirAll(filepath.Join(config, "sops", "age"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(config, "sops", "age", "keys.txt"), hard.identity+"\n")
	delete(c.env, "SOPS_AGE_KEY_FILE")
	for name, value := range map[string]string{
		"TF_VAR_identity": hard.identity, "TF_VAR_file": hard.keyFile, "SOPS_AGE_KEY": hard.identity, "SOPS_AGE_KEY_FILE": hard.keyFile,
		"SOPS_AGE_KEY_CMD": "cat '" + hard.keyFile + "'", "XDG_CONFIG_HOME": config,
	} {
		h.Forget()
		c.env[name] = value
		out, err := c.run("plan", "-detailed-exitcode")
		if err != nil || h.asked() != 1 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		delete(c.env, name)
	}
	if out, err := c.run("plan"); err == nil || !strings.Contains(out, "No identity was found") {
		t.Errorf("without any: %v\n%s", err, out)
	}
}

// What a plan and an apply say where a plugin fails. Nothing of what it said is shown,
// and nothing is lost.
func TestAccPluginFails(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	write := func(p person, more string) {
		c.write(w.escrowConfig([]string{p.recipient}, `
resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = []
  `+more+`
}
`))
		c.env["SOPS_AGE_KEY_FILE"] = p.keyFile
	}
	for mode, says := range map[string]string{
		"refuse":       pluginProgram + " refused, or its key is not there.",
		"pin":          pluginProgram + " asked for a PIN or another text. Nobody can be asked through Terraform.",
		"confirm":      pluginProgram + " asked for a confirmation.",
		"crash":        pluginProgram + " ended without an answer.",
		"flood-body":   pluginProgram + " sent more than is read of a plugin, and was ended.",
		"wrong":        pluginProgram + " gave a key that does not open it",
		"hang-message": pluginProgram + " did not answer within 1m0s. It had shown a message, which asks for a touch",
	} {
		p := h.person(mode)
		write(p, `content_version = "1"`)
		c.must("apply", "-auto-approve")
		write(p, "")
		before := c.state()
		out, err := c.run("plan")
		if err == nil {
			t.Errorf("%s: the plan succeeds", mode)
		}
		badOutput(t, out, []string{
			"Error: Can't tell whether the content changed", "The bundle's ciphertext can't be decrypted with any identity found here.", says,
			"The identities found belong to: " + p.recipient[:40], "Or set a new content_version", "it needs no touch and no PIN for it",
		}, []string{agekeytest.PluginCanary, "panic"})
		if !bytes.Equal(before, c.state()) {
			t.Errorf("%s: the state changed", mode)
		}
		c.must("destroy", "-auto-approve", "-refresh=false")
		h.nothingRuns()
	}
	for mode, says := range map[string]string{
		"wrap-refuse": pluginProgram + " refused", "wrap-pin": "asked for a PIN", "wrap-crash": "ended without an answer",
		"wrap-postquantum": "",
	} {
		p := h.person(mode)
		write(p, `content_version = "1"`)
		if mode == "wrap-postquantum" {
			says = "An age plugin says that its recipient can't be in one age file with the others"
			c.write(w.escrowConfig([]string{p.recipient, w.operator.recipient}, "resource \"ageenv_key\" \"k\" {}"))
			c.must("plan")
		}
		out, err := c.run("apply", "-auto-approve")
		if err == nil {
			t.Errorf("%s: the apply succeeds", mode)
		}
		badOutput(t, out, []string{says}, []string{agekeytest.PluginCanary})
	}
}

// A missing program is told at plan, with what to install, where it will be needed.
func TestAccPluginIsMissing(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	c.write(w.escrowConfig([]string{hard.recipient, w.operator.recipient}, "resource \"ageenv_key\" \"k\" {}"))
	there := c.env["PATH"]
	c.env["PATH"] = os.Getenv("PATH")
	badOutput(t, c.must("plan"), []string{"Warning: An age plugin is missing: " + pluginProgram, "An apply on this machine fails", "it needs no key to encrypt"}, nil)
	out, err := c.run("apply", "-auto-approve")
	if err == nil {
		t.Error("the apply succeeds")
	}
	badOutput(t, out, []string{"Error: The identity can't be wrapped", "The program " + pluginProgram + " is not on PATH: install this age plugin where Terraform runs."}, nil)
	c.env["PATH"] = there
	badOutput(t, c.must("apply", "-auto-approve"), nil, []string{"is missing"})

	// To re-wrap takes it too, and without it the plan says so.
	c.env["SOPS_AGE_KEY_FILE"], c.env["PATH"] = hard.keyFile, os.Getenv("PATH")
	c.write(w.escrowConfig([]string{hard.recipient}, "resource \"ageenv_key\" \"k\" {}"))
	out, err = c.run("plan")
	if err == nil {
		t.Error("the plan succeeds")
	}
	badOutput(t, out, []string{"Error: The key can't be encrypted again", "The program " + pluginProgram + " is not on PATH"}, nil)
}

// The default operators: a key file that names the recipient gives it, and one that does
// not is an error, not one operator less.
func TestAccPluginDefaultOperator(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	both := filepath.Join(t.TempDir(), "keys.txt")
	c.env["SOPS_AGE_KEY_FILE"] = both
	c.write("resource \"ageenv_key\" \"k\" {}\n")

	writeFile(t, both, w.operator.identity+"\n"+hard.identity+"\n")
	out, err := c.run("plan")
	if err == nil {
		t.Errorf("the plan leaves an operator out:\n%s", out)
	}
	badOutput(t, out, []string{"Error: An operator's recipient is not known", "an identity of " + pluginProgram, "Set escrow_recipients", `"# public key: age1…"`}, []string{hard.identity})

	// An import would take the operator for another recipient.
	plain, file := filepath.Join(t.TempDir(), "plain.env"), filepath.Join(t.TempDir(), "app.enc.env")
	writeFile(t, plain, "TOKEN=first\n")
	writeFile(t, file, realRun(t, "AGEENV_TEST_SOPS", "", []string{"PATH=" + c.env["PATH"]}, "--encrypt", "--age", hard.recipient, plain))
	c.write("resource \"ageenv_bundle\" \"b\" {\n  recipients = []\n}\n")
	if out, err = c.run("import", bundleAddress, file); err == nil {
		t.Error("the import succeeds")
	}
	badOutput(t, out, []string{"Error: An operator's recipient is not known"}, nil)
	c.write("resource \"ageenv_key\" \"k\" {}\n")

	writeFile(t, both, w.operator.identity+"\n# public key: "+hard.recipient+"\n"+hard.identity+"\n")
	badOutput(t, c.must("apply", "-auto-approve"), []string{"Warning: Operators taken from the identities found here", w.operator.recipient}, nil)
	if got := len(stateOf(t, c).texts(keyAddress, "escrow_recipients")); got != 2 {
		t.Errorf("there are %d operators, want 2", got)
	}
	// What is there is kept, with an identity of unknown recipient too.
	writeFile(t, both, hard.identity+"\n")
	badOutput(t, c.must("plan"), []string{"No changes."}, []string{"nothing here opens"})
	c.write(fmt.Sprintf("resource \"ageenv_key\" \"k\" {\n  escrow_recipients = [%q]\n}\n", hard.recipient))
	badOutput(t, c.must("plan"), []string{"Operators are removed from this key"}, []string{"nothing here opens"})
	c.must("apply", "-auto-approve")
}

// Ephemeral resources and imports open with a plugin too, and ask once in a run.
func TestAccPluginOpensElsewhere(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	c.env["SOPS_AGE_KEY_FILE"] = hard.keyFile
	dir, path := t.TempDir(), []string{"PATH=" + c.env["PATH"]}
	plain := filepath.Join(dir, "plain.env")
	writeFile(t, plain, "TOKEN=theirs\n")
	file, key := filepath.Join(dir, "app.enc.env"), filepath.Join(dir, "box.age")
	writeFile(t, file, realRun(t, "AGEENV_TEST_SOPS", "", path, "--encrypt", "--age", hard.recipient, plain))
	box := newPerson(t)
	writeFile(t, key, realRun(t, "AGEENV_TEST_AGE", "# created: 2026-01-02T03:04:05Z\n"+box.identity+"\n", path, "-a", "-r", hard.recipient))
	h.Forget()

	config := `
ephemeral "ageenv_bundle" "one" { path = "` + file + `" }
ephemeral "ageenv_bundle" "two" { path = "` + file + `" }
ephemeral "ageenv_identity" "box" { wrapped_identity = file("` + key + `") }
resource "ageenv_bundle" "b" {
  entries_wo      = merge(ephemeral.ageenv_bundle.one.entries, { TWO = ephemeral.ageenv_bundle.two.entries["TOKEN"] })
  content_version = "1"
  recipients      = ["` + box.recipient + `"]
}
`
	c.write(w.escrowConfig([]string{hard.recipient}, config))
	c.must("plan")
	if n := h.asked(); n != 2 {
		t.Errorf("a plan asks %d times, want once for each of the two files", n)
	}
	c.must("apply", "-auto-approve")
	c.write(w.escrowConfig([]string{hard.recipient}, "resource \"ageenv_bundle\" \"i\" {\n  recipients = []\n}\nresource \"ageenv_key\" \"k\" {}\n"))
	if out, err := c.plain("state", "rm", "ageenv_bundle.b").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.must("import", "ageenv_bundle.i", file)
	c.must("import", "ageenv_key.k", key)
	h.Forget()
	badOutput(t, c.must("plan"), []string{"No changes."}, nil)
	if got := stateOf(t, c).text("ageenv_key.k", "recipient"); got != box.recipient {
		t.Errorf("imported is %s", got)
	}
	h.nothingRuns()
}

// A key file with a passphrase is opened by a key command, with age's own plugin for
// passphrases that nobody types.
func TestAccPassphraseByKeyCommand(t *testing.T) {
	batchpass := os.Getenv("AGEENV_TEST_BATCHPASS")
	if batchpass == "" {
		t.Skip("no age-plugin-batchpass to test with: make test builds one")
	}
	w := newWorld(t)
	c := newCLI(t, w)
	c.env["PATH"] = filepath.Dir(batchpass) + string(os.PathListSeparator) + os.Getenv("PATH")
	env := []string{"PATH=" + c.env["PATH"], "AGE_PASSPHRASE=passphrase-canary", "AGE_PASSPHRASE_WORK_FACTOR=10"}
	locked := filepath.Join(t.TempDir(), "key.txt.age")
	writeFile(t, locked, realRun(t, "AGEENV_TEST_AGE", w.operator.identity+"\n", env, "-e", "-a", "-j", "batchpass"))
	delete(c.env, "SOPS_AGE_KEY_FILE")
	c.env["SOPS_AGE_KEY_CMD"] = os.Getenv("AGEENV_TEST_AGE") + " -d -j batchpass '" + locked + "'"
	c.write(w.config("resource \"ageenv_bundle\" \"b\" {\n  entries_wo = { TOKEN = \"first\" }\n  recipients = []\n}\n"))
	c.env["AGE_PASSPHRASE"] = "passphrase-canary"
	c.must("apply", "-auto-approve")
	badOutput(t, c.must("plan"), []string{"No changes."}, []string{"passphrase-canary"})
	delete(c.env, "AGE_PASSPHRASE")
	out, err := c.run("plan")
	if err == nil {
		t.Error("without the passphrase the plan succeeds")
	}
	badOutput(t, out, []string{"Not usable: the command in SOPS_AGE_KEY_CMD: it ended with exit code 1."}, nil)
}

// A box has no such hardware: its identity is an X25519 key.
func TestAccPluginIsNoBoxIdentity(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("works")
	c.env["TF_VAR_identity"] = hard.identity
	c.write(w.config(`
variable "identity" {
  type      = string
  ephemeral = true
}
resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = ["` + hard.recipient + `"]
}
resource "ageenv_vultr_startup_script" "s" {
  name        = "app"
  identity_wo = var.identity
  files       = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env" }]
}
`))
	out, err := c.run("plan")
	if err == nil {
		t.Error("the plan succeeds")
	}
	badOutput(t, out, []string{
		"Error: The identity can't travel", "is of kind " + pluginProgram + ", and the key behind it never leaves its hardware, which a box does not have: use an X25519 key.",
	}, []string{hard.identity})
}

// An interrupt ends a plugin that waits, at once. Where all of Terraform is killed, the
// plugin ends with the provider.
func TestAccPluginInterrupted(t *testing.T) {
	w := newWorld(t)
	h, c := newHardware(t, w)
	hard := h.person("hang")
	c.write(w.escrowConfig([]string{hard.recipient}, "resource \"ageenv_bundle\" \"b\" {\n  entries_wo = { TOKEN = \"first\" }\n  recipients = []\n}\n"))
	c.must("apply", "-auto-approve")
	c.env["SOPS_AGE_KEY_FILE"] = hard.keyFile
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} { // the first is Ctrl+C
		h.Forget()
		cmd := c.command("plan")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); len(h.Noted("unwraps")) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the plugin was not asked:\n%s", out.String())
			}
		}
		interrupted := time.Now()
		if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if _, failed := err.(*exec.ExitError); !failed || time.Since(interrupted) > 20*time.Second {
			t.Errorf("%s: it ended with %v after %s:\n%s", signal, err, time.Since(interrupted), out.String())
		}
		h.nothingRuns()
		_ = os.Remove(filepath.Join(c.dir, ".terraform.tfstate.lock.info"))
	}
}
