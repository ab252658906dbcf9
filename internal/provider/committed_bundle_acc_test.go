package provider_test

import (
	"os"
	"os/exec"
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
	const guide = "committed-bundle"
	if main, err := os.ReadFile("../../examples/committed-bundle/main.tf"); err != nil || !strings.Contains(string(main), guideBlocksOf(t, guide, "A bundle that is committed", "terraform")[0]) {
		t.Errorf("the guide's check is not the example's: %v", err)
	}
	commands := strings.Split(guideBlocksOf(t, guide, "After a change", "shell")[0], "\n")
	commit := func() {
		t.Helper()
		if out, err := guideCommand(t, c, commands[1]); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	ci := func(when string, code int) {
		t.Helper()
		if _, err := exec.LookPath("jq"); err != nil {
			t.Log("jq is not installed: the guide's command for CI is not run")
			return
		}
		if out, err := guideCommand(t, c, guideBlocksOf(t, guide, "In CI", "shell")[0]); exitCode(err) != code {
			t.Errorf("%s: the guide's command for CI ends with %v\n%s", when, err, out)
		}
	}
	warns("no file", true, "apply", "-auto-approve")
	exampleFiles(t, w, c.dir)
	warns("another bundle", true, "plan")
	ci("another bundle", 1)
	commit()
	warns("the file that was just written", false, "plan", "-detailed-exitcode")
	ci("the file that was just written", 0)
	c.env["TF_VAR_token"] = "another token"
	warns("a value was changed", true, "apply", "-auto-approve")
	warns("nobody has written it", true, "plan", "-detailed-exitcode")
	commit()
	warns("written again", false, "plan", "-detailed-exitcode")
}

// guideCommand runs a guide's command in the CLI's directory and environment, where
// terraform is the CLI.
func guideCommand(t *testing.T, c *cliRun, command string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(c.path, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	cmd := c.plain()
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-e", "-c", command}
	cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
