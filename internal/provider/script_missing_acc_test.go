package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// twoAccounts is a service in one of two accounts: the provider of each is an alias.
func twoAccounts(w *world, second, name, provider string) string {
	service := strings.NewReplacer(`"ageenv_vultr_startup_script" "s" {`, fmt.Sprintf("\"ageenv_vultr_startup_script\" %q {\n  provider = %s", name, provider)).Replace(oneService)
	return w.config(fmt.Sprintf(`
provider "ageenv" {
  alias             = "second"
  escrow_recipients = [%q]
  vultr             = { api_url = %q, api_key = "SECONDKEY0123456789", requests_per_second = 5000 }
}
`, w.operator.recipient, second) + service)
}

// A service that moves to another account leaves its script, identity included, in the
// old one: the plan says so, and what it advises deletes the script.
func TestAccScriptMovesToAnotherAccount(t *testing.T) {
	w := newWorld(t)
	first, second := w.simulator(), vultrsim.New(vultrsim.Options{APIKey: "SECONDKEY0123456789"})
	url, stop, err := second.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	cli := newCLI(t, w)
	cli.write(twoAccounts(w, url, "s", "ageenv"))
	cli.must("apply", "-auto-approve")
	old := stateOf(t, cli).text(scriptAddress, "id")
	first.Age(old, time.Minute)
	cli.must("refresh")

	cli.write(twoAccounts(w, url, "s", "ageenv.second"))
	out := cli.must("plan")
	badOutput(t, out, []string{
		"Warning: Startup script " + old + " is not in this account", old + ` ("app")`,
		"It holds the identity of " + stateOf(t, cli).text(scriptAddress, "identity_recipient"), "Delete script " + old + " there",
		"change the name of the resource together with its provider",
	}, nil)
	if len(first.Scripts()) != 1 || len(second.Scripts()) != 0 {
		t.Error("the plan has changed an account")
	}

	// As the warning advises.
	cli.write(twoAccounts(w, url, "moved", "ageenv.second"))
	out = cli.must("apply", "-auto-approve")
	if strings.Contains(out, "is not in this account") {
		t.Errorf("nothing is left, and the apply warns:\n%s", out)
	}
	if len(first.Scripts()) != 0 || len(second.Scripts()) != 1 {
		t.Errorf("%d scripts in the old account, %d in the new one", len(first.Scripts()), len(second.Scripts()))
	}
}

// Without a refresh it is the deletion that finds another account.
func TestAccScriptOfAnotherAccountIsDestroyed(t *testing.T) {
	w := newWorld(t)
	second := vultrsim.New(vultrsim.Options{APIKey: simKey})
	url, stop, err := second.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	cli := newCLI(t, w)
	cli.write(w.config(oneService))
	cli.must("apply", "-auto-approve")
	id := stateOf(t, cli).text(scriptAddress, "id")
	w.simulator().Age(id, time.Minute)
	cli.must("refresh")
	cli.env["VULTR_API_URL"] = url

	cli.write(w.config(strings.Replace(oneService, `"app"`, `"renamed"`, 1)))
	out, err := cli.run("apply", "-auto-approve", "-refresh=false")
	if exitCode(err) != 1 {
		t.Fatalf("the apply ends with %v:\n%s", err, out)
	}
	badOutput(t, out, []string{"the account has no such startup script", "the API key belongs to another account"}, nil)
	badOutput(t, cli.must("destroy", "-auto-approve", "-refresh=false"), []string{"Startup script " + id + " is not in this account", "Delete script " + id + " there"}, nil)
}

// What holds no identity, or a placeholder, is no secret.
func TestAccMissingScriptWithoutAnIdentity(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	cli.write(bundleAndScript(w, "age_dotenv", `identity_file = "/etc/age.key"`, ""))
	cli.must("apply", "-auto-approve")
	id := stateOf(t, cli).text(scriptAddress, "id")
	w.simulator().Age(id, time.Minute)
	cli.must("refresh")
	w.simulator().Remove(id)
	out := cli.must("plan")
	badOutput(t, out, []string{"Startup script " + id + " is not in this account", "It can be deleted there."}, []string{"It holds the identity"})
}
