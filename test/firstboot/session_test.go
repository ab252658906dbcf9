package firstboot_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// step is a command that a guide types on a box, and what it shows as its output.
type step struct{ command, shows string }

var (
	session     = regexp.MustCompile("(?ms)^( *)```console\n(.*?)^ *```$")
	sessionStep = regexp.MustCompile(`(?m)^\$ (.*)\n((?:[^$].*\n|\n)*)`)
	// What a terminal does not show: erase this line, for one.
	escape = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)
)

// sessionsBelow are the terminal sessions of a guide below a heading of level two.
func sessionsBelow(t *testing.T, guide, heading string) (steps []step) {
	t.Helper()
	text, err := os.ReadFile("../../templates/guides/" + guide + ".md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range session.FindAllStringSubmatch(section, -1) {
		text := strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n")
		for _, s := range sessionStep.FindAllStringSubmatch(text, -1) {
			steps = append(steps, step{s[1], s[2]})
		}
	}
	if len(steps) == 0 {
		t.Fatalf("%s has no session below %q", guide, heading)
	}
	return steps
}

// typed are the commands for a probe, each between marks that wantSession looks for. The
// directory stays from one to the next, as at a terminal.
func typed(name string, steps []step) string {
	var script strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&script, "echo '<<%s %d'\n%s\necho '>>'\n", name, i, s.command)
	}
	return script.String()
}

// wantSession asserts that each command has printed what the guide shows: a line of … is
// any number of lines, and … in a line any text.
func (m *machine) wantSession(name, out string, steps []step) {
	m.t.Helper()
	out = escape.ReplaceAllString(out, "")
	for i, s := range steps {
		_, got, found := strings.Cut(out, fmt.Sprintf("<<%s %d\n", name, i))
		got, _, ended := strings.Cut(got, ">>\n")
		want := regexp.QuoteMeta(s.shows)
		want = strings.ReplaceAll(want, "…\n", `(?:.*\n)*?`)
		want = strings.ReplaceAll(want, "…", `.*`)
		if !found || !ended || !regexp.MustCompile("^"+want+"$").MatchString(got) {
			m.t.Errorf("%s: $ %s\nprints\n%s\nand not\n%s", name, s.command, got, s.shows)
		}
	}
}
