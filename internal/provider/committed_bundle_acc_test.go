package provider_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// The check of examples/committed-bundle passes for the file that the example tells to
// write, and for no other: none, somebody else's, the one before a change.
func TestAccExampleCommittedBundle(t *testing.T) {
	const says = "is not the current bundle"
	w := newWorld(t)
	c := newExamplesCLI(t, w, "committed-bundle")
	for variable, value := range exampleInputs(t, w) {
		c.env["TF_VAR_"+variable] = value
	}
	warns := func(when string, want bool, args ...string) {
		t.Helper()
		out := c.must(args...)
		if got := strings.Contains(strings.Join(strings.Fields(out), " "), says); got != want {
			t.Errorf("%s: the check warns: %t, want %t\n%s", when, got, want, out)
		}
	}
	commit := func() {
		t.Helper()
		out, err := c.plain("output", "-raw", "bundle").Output()
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(c.dir, "app.enc.env"), string(out))
	}
	warns("no file", true, "apply", "-auto-approve")
	exampleFiles(t, w, c.dir)
	warns("another bundle", true, "plan")
	commit()
	warns("the file that was just written", false, "plan", "-detailed-exitcode")
	c.env["TF_VAR_token"] = "another token"
	warns("a value was changed", true, "apply", "-auto-approve")
	warns("nobody has written it", true, "plan", "-detailed-exitcode")
	commit()
	warns("written again", false, "plan", "-detailed-exitcode")
}
