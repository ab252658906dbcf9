package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// On a real CLI: what a person reads of a value that changes, of another recipient, and
// of a saved plan whose values are other ones by the time of its apply.
func TestAccBundleEffect(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	box, other := newPerson(t), newPerson(t)
	write := func(people ...person) {
		cli.write("variable \"db\" {\n  type      = string\n  ephemeral = true\n}\n" + bundleConfig(w,
			"entries_wo = { API_KEY = \"canary-key\", DB_PASSWORD = var.db, SENTRY_DSN = \"canary-dsn\" }", bundleRecipients(people...)))
	}
	cli.env["TF_VAR_db"] = "canary-old"
	write(box)
	cli.must("apply", "-auto-approve")

	cli.env["TF_VAR_db"] = "canary-new"
	out := cli.must("plan")
	badOutput(t, out, []string{
		`~ changed_at = { ~ "DB_PASSWORD" = "`, "-> (known after apply) # (2 unchanged elements hidden) }",
		"Warning: Values change: DB_PASSWORD", "DB_PASSWORD: the configuration gives another value than the bundle holds.", "All other values stay.",
	}, []string{"canary", `"API_KEY"`, `"SENTRY_DSN"`})

	cli.env["TF_VAR_db"] = "canary-old"
	write(box, other)
	saved := filepath.Join(t.TempDir(), "plan")
	out = cli.must("plan", "-out="+saved)
	badOutput(t, out, []string{"~ recipients = [ + \"" + other.recipient}, []string{"canary", "changed_at", "Values"})

	before := stateOf(t, cli)
	cli.env["TF_VAR_db"] = "canary-new"
	out, err := cli.run("apply", saved)
	if exitCode(err) != 1 {
		t.Errorf("applying a plan that is out of date ends with %v", err)
	}
	badOutput(t, out, []string{
		"Values change: DB_PASSWORD", "a value differs between the plan and its apply: plan again", `invalid new value for .changed_at["DB_PASSWORD"]`,
	}, []string{"canary"})
	if stateOf(t, cli).text(bundleAddress, "ciphertext") != before.text(bundleAddress, "ciphertext") {
		t.Error("a plan that is out of date encrypted the bundle again")
	}
	time.Sleep(time.Second) // changed_at has whole seconds
	if out := cli.must("apply", "-auto-approve"); !strings.Contains(out, "Values change: DB_PASSWORD") {
		t.Errorf("the new plan does not name the value:\n%s", out)
	}
	times, _ := stateOf(t, cli)[bundleAddress]["changed_at"].(map[string]any)
	was, _ := before[bundleAddress]["changed_at"].(map[string]any)
	for name, moved := range map[string]bool{"API_KEY": false, "DB_PASSWORD": true, "SENTRY_DSN": false} {
		if (fmt.Sprint(times[name]) != fmt.Sprint(was[name])) != moved {
			t.Errorf("changed_at of %s was %v, and is %v", name, was[name], times[name])
		}
	}
}
