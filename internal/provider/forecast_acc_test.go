package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// A plan that creates everything at once says what the apply would stop at.
func TestAccFirstPlanWarnsOfTheIdentity(t *testing.T) {
	const title, remedy = "The apply will need an operator identity", "identity_files or identities in the provider's configuration, SOPS_AGE_KEY_FILE"
	for name, tt := range map[string]struct {
		keyFile func(t *testing.T, w *world) string
		says    []string
	}{
		"no identity":         {func(*testing.T, *world) string { return "" }, []string{title, "wrapped_identity is not known before the apply", "No identity was found.", remedy, "with ageenv_vultr_startup_script.s"}},
		"somebody else's":     {func(t *testing.T, _ *world) string { return newPerson(t).keyFile }, []string{title, "None of them is in the provider's escrow_recipients", remedy}},
		"an operator's":       {func(_ *testing.T, w *world) string { return w.operator.keyFile }, nil},
		"a file that is gone": {func(*testing.T, *world) string { return "/nowhere/key.txt" }, []string{title, `SOPS_AGE_KEY_FILE ("/nowhere/key.txt"): there is no such file`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.env["SOPS_AGE_KEY_FILE"] = tt.keyFile(t, w)
			cli := newCLI(t, w)
			cli.write(w.config(oneService))
			out := cli.must("plan")
			badOutput(t, out, tt.says, nil)
			if len(tt.says) == 0 && strings.Contains(out, title) {
				t.Errorf("an operator's identity is found, and the plan warns:\n%s", out)
			}
		})
	}
}

// bundleAndScript are a bundle of a format and a script for it, in one plan.
func bundleAndScript(w *world, format, identity, file string) string {
	return w.config(`
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = ageenv_key.k.recipients
  format     = "` + format + `"
}

resource "ageenv_vultr_startup_script" "s" {
  name  = "app"
  ` + identity + `
  files = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/env"` + file + ` }]
}
`)
}

// A plan warns of a bundle that the box can't drop, though neither is made yet; and
// where it does not warn the apply succeeds.
func TestAccFirstPlanWarnsOfTheFormat(t *testing.T) {
	const (
		onTheBox  = `identity_file = "/etc/age.key"`
		inScript  = "wrapped_identity = ageenv_key.k.wrapped_identity"
		directory = `, layout = "directory"`
		title     = "The box will not be able to drop this bundle"
	)
	for name, tt := range map[string]struct {
		format, identity, file, wants string
	}{
		"sops, identity on the box":         {"sops_dotenv", onTheBox, "", "age_dotenv"},
		"sops binary, identity on the box":  {"sops_binary", onTheBox, "", "age_dotenv"},
		"age, identity on the box":          {"age_dotenv", onTheBox, "", ""},
		"text for a directory, on the box":  {"age_dotenv", onTheBox, directory, "age_files"},
		"a tar for a file, on the box":      {"age_files", onTheBox, "", "age_dotenv"},
		"sops, identity travels":            {"sops_dotenv", inScript, "", ""},
		"text for a directory, travels":     {"sops_dotenv", inScript, directory, "age_files"},
		"a tar for a file, travels":         {"age_files", inScript, "", "sops_dotenv or sops_binary or age_dotenv"},
		"a tar for a directory, on the box": {"age_files", onTheBox, directory, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cli := newCLI(t, w)
			cli.write(bundleAndScript(w, tt.format, tt.identity, tt.file))
			out := cli.must("plan")
			applied, err := cli.run("apply", "-auto-approve")
			if tt.wants == "" {
				if err != nil || strings.Contains(out, title) {
					t.Errorf("the plan is\n%s\nand the apply %v:\n%s", out, err, applied)
				}
				return
			}
			if err == nil {
				t.Fatal("the apply went well, and the plan need not warn")
			}
			badOutput(t, out, []string{title, "files[0].ciphertext_wo is not known before the apply", "have the format " + tt.format + ".", "Set the bundle's format to " + tt.wants + ","}, nil)
		})
	}
}

// A wrong API key is found before anything is made.
func TestAccPlanChecksTheKey(t *testing.T) {
	const refused = "Error: Vultr refuses the API key"
	t.Run("wrong", func(t *testing.T) {
		w := newWorld(t)
		w.env["VULTR_API_KEY"] = "REVOKEDKEY0123456789"
		cli := newCLI(t, w)
		cli.write(w.config(oneService))
		out, err := cli.run("plan")
		if exitCode(err) != 1 {
			t.Fatalf("the plan ends with %v:\n%s", err, out)
		}
		badOutput(t, out, []string{refused, "the API key is wrong or was revoked, or the address of this machine is not allowed", "VULTR_API_KEY", "check_api_key = false"}, []string{"REVOKEDKEY0123456789"})
		if got := len(w.simulator().Requests()); got != 1 {
			t.Errorf("%d requests, expected one", got)
		}
	})
	t.Run("right", func(t *testing.T) {
		w := newWorld(t)
		cli := newCLI(t, w)
		two := oneService + strings.NewReplacer(`"s"`, `"s2"`, `"k"`, `"k2"`, `"b"`, `"b2"`, "ageenv_key.k.", "ageenv_key.k2.", "ageenv_bundle.b.", "ageenv_bundle.b2.").Replace(oneService)
		cli.write(w.config(two))
		cli.must("plan")
		if got := len(w.simulator().Requests()); got != 1 {
			t.Errorf("%d requests for a plan of two scripts, expected one", got)
		}
		cli.must("apply", "-auto-approve")
		w.simulator().ClearRequests()
		cli.must("plan", "-refresh=false")
		if got := w.simulator().Requests(); len(got) != 0 {
			t.Errorf("nothing is planned, and the API was asked: %v", got)
		}
		cli.write(w.config(strings.ReplaceAll(two, `"app"`, `"app 2"`)))
		cli.must("plan")
		if got := callsOf(w.simulator(), "GET"); got != 2 {
			t.Errorf("%d requests, expected no more than the refresh's two", got)
		}
	})
	t.Run("no network", func(t *testing.T) {
		w := newWorld(t)
		w.env["VULTR_API_URL"] = "http://127.0.0.1:1"
		cli := newCLI(t, w)
		cli.write(w.config(oneService))
		began := time.Now()
		badOutput(t, cli.must("plan"), []string{"Warning: Vultr's API key can't be checked", "connection refused", "check_api_key = false", "3 to add"}, nil)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("the plan took %s", took)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		w := newWorld(t)
		w.simulator().SetRules(vultrsim.Rule{Ops: []vultrsim.Op{vultrsim.OpList}, Faults: []vultrsim.Fault{vultrsim.Slow(time.Minute)}})
		cli := newCLI(t, w)
		cli.write(w.config(oneService))
		badOutput(t, cli.must("plan"), []string{"Warning: Vultr's API key can't be checked", "no answer within 10s"}, nil)
	})
	t.Run("switched off", func(t *testing.T) {
		w := newWorld(t)
		delete(w.env, "VULTR_API_KEY")
		cli := newCLI(t, w)
		cli.write(strings.Replace(w.config(oneService), "vultr = {", "vultr = { check_api_key = false, ", 1))
		cli.must("plan")
		if out, err := cli.run("apply", "-auto-approve"); exitCode(err) != 1 || !strings.Contains(out, "No Vultr API key") {
			t.Errorf("an apply without a key: %v\n%s", err, out)
		}
	})
}
