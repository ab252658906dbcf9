package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const gettingStarted = "templates/guides/getting-started.md"

// TestAccReadme is a new user: README's commands in their order, from the clone to the change
// of a value, with the simulator of the guide.
func TestAccReadme(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.must(blockOf(t, "README.md", "Install", "sh"))
	s.must(blocksBelow(t, gettingStarted, "Without an account")[0].text)
	s.must("age-keygen -o ~/second.txt && mkdir ~/app && cd ~/app")
	app := filepath.Join(s.home, "app")

	for _, b := range blocksBelow(t, "README.md", "A first real use") {
		switch b.language {
		case "sh":
			s.must(b.text)
		case "yaml":
			writeFile(t, filepath.Join(app, ".sops.yaml"), withOperators(s, b.text), 0o600)
		case "terraform":
			writeFile(t, filepath.Join(app, "main.tf"), b.text, 0o600)
		default:
			t.Errorf("nothing is done with a block of %s", b.language)
		}
	}
	if out := s.must("terraform plan -detailed-exitcode"); !strings.Contains(out, "No changes.") {
		t.Errorf("the plan after the apply: %s", out)
	}
	for _, keys := range []string{"~/.config/sops/age/keys.txt", "~/second.txt"} {
		if out := s.must("SOPS_AGE_KEY_FILE=" + keys + " sops -d app.enc.env"); !strings.Contains(out, "TOKEN=s3cret-x\n") {
			t.Errorf("an operator reads %q", out)
		}
	}
	if out := s.must(blocksBelow(t, gettingStarted, "Without an account")[1].text); !strings.HasPrefix(out, "#!/bin/sh\n") {
		t.Errorf("a new box gets %q", out)
	}

	s.must("mkdir ~/session && cp .sops.yaml main.tf ~/session && cd ~/session")
	follow(s, blockOf(t, "README.md", "What it looks like", "console"))

	// The other way to install it, in a configuration that needs an init.
	s.must("cd ~/terraform-provider-ageenv")
	mirror := blockOf(t, gettingStarted, "A provider built by hand", "sh")
	if strings.Contains(s.must("terraform version"), "OpenTofu") {
		mirror = strings.ReplaceAll(mirror, "registry.terraform.io", "registry.opentofu.org")
	}
	s.must(mirror)
	s.must("cd ~/session && terraform init && terraform plan")
}

// withOperators puts two people's recipients in the place of those that a page makes up.
func withOperators(s *shell, text string) string {
	s.t.Helper()
	for placeholder, file := range map[string]string{
		"age1-your-recipient":                 "~/.config/sops/age/keys.txt",
		"age1-the-second-operators-recipient": "~/second.txt",
	} {
		if !strings.Contains(text, placeholder) {
			s.t.Fatalf("the page does not have %s", placeholder)
		}
		text = strings.ReplaceAll(text, placeholder, strings.TrimSpace(s.must("age-keygen -y "+file)))
	}
	return text
}

// What differs from run to run: times, IDs, and what the page leaves out.
var (
	passing = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	command = regexp.MustCompile(`(?m)^\$ (.*)\n((?:[^$].*\n|\n)*)`)
)

// follow types the commands of a session, and compares what they print with what the session
// shows. A line of … is any number of lines, and … in a line any text.
func follow(s *shell, session string) {
	s.t.Helper()
	steps := command.FindAllStringSubmatch(session, -1)
	if len(steps) < 3 {
		s.t.Fatalf("the session has %d commands", len(steps))
	}
	for _, step := range steps {
		want := regexp.QuoteMeta(passing.ReplaceAllString(step[2], "VARIES"))
		want = strings.ReplaceAll(want, "…\n", `(?:.*\n)*?`)
		want = strings.ReplaceAll(want, "…", `.*`)
		got, _ := s.run(step[1])
		if strings.HasPrefix(step[2], "…") {
			want = "(?s:.*)" + want
		}
		if !regexp.MustCompile("^" + want + "$").MatchString(passing.ReplaceAllString(got, "VARIES")) {
			s.t.Errorf("$ %s\nprints\n%s\nand not\n%s", step[1], got, step[2])
		}
	}
}
