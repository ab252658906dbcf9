package provider_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// scriptUpdated is the plan of a change in place.
var scriptUpdated = planned(map[string]plancheck.ResourceActionType{scriptAddress: plancheck.ResourceActionUpdate})

// onlyScript is the one script in the account, and what a box gets of it.
func onlyScript(t *testing.T, w *world) (vultrsim.Script, string) {
	t.Helper()
	scripts := w.simulator().Scripts()
	if len(scripts) != 1 {
		t.Fatalf("the account has %d scripts, expected one", len(scripts))
	}
	body, err := w.simulator().BootScript(scripts[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return scripts[0], string(body)
}

// scriptMatches is an error if the state tells otherwise of the script than the
// account.
func scriptMatches(t *testing.T, w *world) after {
	return func(a attributes) {
		script, body := onlyScript(t, w)
		sum := sha256Hex(body)
		for name, want := range map[string]string{
			"id": script.ID, "name": script.Name, "script_sha256": sum, "remote_sha256": sum,
			"date_created": script.DateCreated, "date_modified": script.DateModified,
			"identity_recipient": a.text(keyAddress, "recipient"),
		} {
			if got := a.text(scriptAddress, name); got != want {
				t.Errorf("%s is %q, expected %q", name, got, want)
			}
		}
		if got := fmt.Sprint(a[scriptAddress]["script_bytes"]); got != strconv.Itoa(len(body)) {
			t.Errorf("script_bytes is %s, expected %d", got, len(body))
		}
	}
}

// bootRoot is a directory that passes for the root of a box on which systemd runs.
func bootRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "run/systemd/system"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// scriptBoots runs the account's script as a first boot would, below a directory
// of its own, and returns that.
func scriptBoots(t *testing.T, w *world) string {
	t.Helper()
	_, body := onlyScript(t, w)
	root, file := bootRoot(t), filepath.Join(t.TempDir(), "firstboot")
	writeFile(t, file, body)
	cmd := exec.Command("/bin/sh", file)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AGEENV_ROOT=" + root}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the script failed: %v\n%s", err, out)
	}
	return root
}

func TestAccScriptFiles(t *testing.T) {
	w := newWorld(t)
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 1235
	}
	config := w.config(fmt.Sprintf(`
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = ageenv_key.k.recipients
}

resource "ageenv_bundle" "c" {
  dotenv_wo  = "# second file\nB='$x'\n"
  recipients = ageenv_key.k.recipients
  format     = "age_dotenv"
}

resource "ageenv_vultr_startup_script" "s" {
  name             = "two files"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files = [
    { ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env", owner = "%[1]d", group = "%[2]d", mode = "0640" },
    { ciphertext_wo = ageenv_bundle.c.ciphertext, path = "/etc/other/two.env", owner = "%[1]d", group = "%[2]d" },
  ]
}
`, uid, gid))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{{Config: config, ConfigStateChecks: looks(scriptMatches(t, w), func(a attributes) {
			root := scriptBoots(t, w)
			for path, want := range map[string]struct {
				text string
				mode os.FileMode
			}{
				"/opt/app/.env":      {"TOKEN=first\n", 0o640},
				"/etc/other/two.env": {"# second file\nB='$x'\n", 0o600},
			} {
				file := filepath.Join(root, path)
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if string(text) != want.text {
					t.Errorf("%s holds %q, expected %q", path, text, want.text)
				}
				info, err := os.Stat(file)
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode().Perm() != want.mode {
					t.Errorf("%s has mode %o, expected %o", path, info.Mode().Perm(), want.mode)
				}
				if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != uid || int(owner.Gid) != gid {
					t.Errorf("%s belongs to somebody else than %d:%d", path, uid, gid)
				}
			}
		})}},
	})
}

// What somebody else changes in the account is put back, in place; a script that
// is gone is made again.
func TestAccScriptDrift(t *testing.T) {
	for name, c := range map[string]struct {
		alter  func(*vultrsim.Script)
		action plancheck.ResourceActionType
	}{
		"the body": {
			func(s *vultrsim.Script) {
				s.Script = base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n: altered\n"))
			},
			plancheck.ResourceActionUpdate,
		},
		"the name": {func(s *vultrsim.Script) { s.Name = "altered" }, plancheck.ResourceActionUpdate},
		"removed":  {nil, plancheck.ResourceActionCreate},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			sim := w.simulator()
			var id string
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: w.config(oneService), ConfigStateChecks: looks(stateKeep(&id, scriptAddress, "id"), scriptMatches(t, w))},
					// One that was just made might only not be seen yet.
					{PreConfig: func() { sim.Age(id, time.Minute) }, RefreshState: true},
					{
						PreConfig: func() {
							if c.alter == nil && !sim.Remove(id) || c.alter != nil && !sim.Alter(id, c.alter) {
								t.Error("there is no script to change")
							}
						},
						Config:           w.config(oneService),
						ConfigPlanChecks: planned(map[string]plancheck.ResourceActionType{scriptAddress: c.action, bundleAddress: plancheck.ResourceActionNoop}),
						ConfigStateChecks: looks(scriptMatches(t, w), func(a attributes) {
							script, _ := onlyScript(t, w)
							if script.Name != "app" {
								t.Errorf("the name is %q", script.Name)
							}
							if c.alter != nil && script.ID != id {
								t.Error("the script was replaced")
							}
						}),
					},
					{Config: w.config(oneService), ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}

func TestAccScriptInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string // in oneService
		uploads  bool   // the body; else the name alone is sent
	}{
		"the name":   {`"app"`, `"renamed"`, false},
		"a path":     {"/opt/app/.env", "/opt/app/other.env", true},
		"a mode":     {`path = "/opt/app/.env"`, `path = "/opt/app/.env", mode = "0400"`, true},
		"an owner":   {`path = "/opt/app/.env"`, `path = "/opt/app/.env", owner = "app"`, true},
		"the bundle": {`"first"`, `"second"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			sim := w.simulator()
			config := w.config(strings.Replace(oneService, c.old, c.new, 1))
			var id, body string
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: w.config(oneService), ConfigStateChecks: looks(stateKeep(&id, scriptAddress, "id"), func(attributes) { _, body = onlyScript(t, w) })},
					{
						PreConfig:        sim.ClearRequests,
						Config:           config,
						ConfigPlanChecks: scriptUpdated,
						ConfigStateChecks: looks(stateSame(t, &id, scriptAddress, "id"), scriptMatches(t, w), func(attributes) {
							if got := callsOf(sim, "PATCH"); got != 1 {
								t.Errorf("%d PATCH calls, expected one", got)
							}
							// A script that is made anew is another one, byte by byte.
							if _, now := onlyScript(t, w); (now != body) != c.uploads {
								t.Errorf("a new body: %t, expected %t", now != body, c.uploads)
							}
						}),
					},
					{Config: config, ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}

// What the script is made of is unknown while planning, and turns out equal.
func TestAccScriptUnknownButEqual(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	config := func(comment string) string {
		text := strings.Replace(oneService, "wrapped_identity = ageenv_key.k.wrapped_identity", "wrapped_identity = terraform_data.same.output", 1)
		text = strings.Replace(text, "ciphertext_wo = ageenv_bundle.b.ciphertext", "ciphertext_wo = trimsuffix(terraform_data.text.output, \"# "+comment+"\")", 1)
		return w.config(text) + fmt.Sprintf(`
resource "terraform_data" "same" {
  input            = ageenv_key.k.wrapped_identity
  triggers_replace = %[1]q
}

resource "terraform_data" "text" {
  input = "${ageenv_bundle.b.ciphertext}# %[1]s"
}
`, comment)
	}
	var id, body string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("one"), ConfigStateChecks: looks(stateKeep(&id, scriptAddress, "id"), func(attributes) { _, body = onlyScript(t, w) })},
			{
				PreConfig:        sim.ClearRequests,
				Config:           config("two"),
				ConfigPlanChecks: scriptUpdated,
				ConfigStateChecks: looks(stateSame(t, &id, scriptAddress, "id"), scriptMatches(t, w), func(attributes) {
					if got := callsOf(sim, "PATCH") + callsOf(sim, "POST"); got != 0 {
						t.Errorf("%d uploads, expected none", got)
					}
					if _, now := onlyScript(t, w); now != body {
						t.Error("the script is another one")
					}
				}),
			},
		},
	})
}

// With a refresh the script would be found missing before; without one the API
// says so to the deletion itself.
func TestAccScriptAlreadyGone(t *testing.T) {
	for name, args := range map[string][]string{
		"found at refresh":  {"destroy", "-auto-approve"},
		"found at deletion": {"destroy", "-auto-approve", "-refresh=false"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			sim := w.simulator()
			cli := newCLI(t, w)
			cli.write(w.config(oneService))
			cli.must("apply", "-auto-approve")
			id := stateOf(t, cli).text(scriptAddress, "id")
			sim.Age(id, time.Minute) // or it might only not be seen yet
			cli.must("refresh")
			if !sim.Remove(id) {
				t.Fatal("there is no script to remove")
			}
			sim.ClearRequests()
			cli.must(args...)
			if left := stateOf(t, cli); len(left) != 0 {
				t.Errorf("%d resources are left in the state", len(left))
			}
			if got, want := callsOf(sim, "DELETE"), len(args)-2; got != want {
				t.Errorf("%d DELETE calls, expected %d", got, want)
			}
		})
	}
}

// What an import can't know is taken over in place: the boxes that run on the
// script's ID stay.
func TestAccScriptImport(t *testing.T) {
	w := newWorld(t)
	sim := w.simulator()
	keyed := w.config(oneService[:strings.Index(oneService, `resource "ageenv_vultr_startup_script"`)])
	made := sim.Add("made by hand", base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")))
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: keyed},
			{
				Config: w.config(oneService), ResourceName: scriptAddress, ImportState: true, ImportStatePersist: true, ImportStateId: made.ID,
			},
			{Config: w.config(oneService), ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(scriptMatches(t, w), func(attributes) {
				script, body := onlyScript(t, w)
				if script.ID != made.ID || script.Name != "app" {
					t.Errorf("script %s, %q", script.ID, script.Name)
				}
				if body == "#!/bin/sh\n" {
					t.Error("the body is still what was made by hand")
				}
			})},
			{Config: w.config(oneService), ConfigPlanChecks: plannedEmpty},
		},
	})
}

// The identity comes from an ephemeral resource, and another one is noticed by its
// recipient.
func TestAccScriptIdentityWO(t *testing.T) {
	w := newWorld(t)
	config := func(identity string) string {
		return w.config(strings.Replace(oneService, "wrapped_identity = ageenv_key.k.wrapped_identity", "identity_wo = "+identity, 1) + `
ephemeral "ageenv_identity" "k" {
  wrapped_identity = ageenv_key.k.wrapped_identity
}
`)
	}
	const ephemeral = "ephemeral.ageenv_identity.k.identity"
	other := newPerson(t)
	withOther := strings.Replace(config(fmt.Sprintf("%q", other.identity)), "= ageenv_key.k.recipients", fmt.Sprintf("= [%q]", other.recipient), 1)
	var id, remote string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config(ephemeral), ConfigStateChecks: looks(
				scriptMatches(t, w), stateKeep(&id, scriptAddress, "id"), stateKeep(&remote, scriptAddress, "remote_sha256"),
			)},
			{Config: config(ephemeral), ConfigPlanChecks: plannedEmpty},
			// The same identity by the other argument is no change of the script.
			{Config: w.config(oneService), ConfigStateChecks: looks(
				stateSame(t, &id, scriptAddress, "id"), stateSame(t, &remote, scriptAddress, "remote_sha256"),
			)},
			{Config: withOther, ConfigPlanChecks: scriptUpdated, ConfigStateChecks: looks(
				stateSame(t, &id, scriptAddress, "id"), stateChanged(t, &remote, scriptAddress, "remote_sha256"),
				func(a attributes) {
					if got := a.text(scriptAddress, "identity_recipient"); got != other.recipient {
						t.Errorf("identity_recipient is %s, expected %s", got, other.recipient)
					}
				},
			)},
		},
	})
}

// Of the script, the state has nothing but digests, dates and its size.
func TestAccScriptNotInState(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(w.config(oneService))
	cli.must("apply", "-auto-approve")
	script, body := onlyScript(t, w)
	key := keyOf(t, stateOf(t, cli), w.operator)
	state := string(cli.state())
	pieces := []string{script.Script, key.Text().Reveal(), w.operator.identity}
	for line := range strings.SplitSeq(body, "\n") {
		if len(line) >= 40 { // payload, reader and code; what is shorter may be anywhere
			pieces = append(pieces, line, base64.StdEncoding.EncodeToString([]byte(line)))
		}
	}
	if len(pieces) < 20 {
		t.Fatalf("%d pieces to look for, expected more of a script of %d bytes", len(pieces), len(body))
	}
	for i, piece := range pieces {
		if strings.Contains(state, piece) {
			t.Errorf("piece %d of the script is in the state", i)
		}
	}
	if !strings.Contains(state, sha256Hex(body)) {
		t.Error("the digest of the script is not in the state")
	}
}
