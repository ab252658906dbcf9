package dotenv_test

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// TestShellsOwnTheirNames assigns each name that is refused, and sees that a shell
// does not give it back.
func TestShellsOwnTheirNames(t *testing.T) {
	t.Parallel() // it waits for other programs
	readers := allShells(t)
	for _, name := range strings.Fields(dotenv.ShellNames + " BASH_VERSINFO BASH_COMPAT") {
		if err := dotenv.Shell.CheckKey(name); err == nil {
			t.Errorf("%s is not refused", name)
		}
		if err := dotenv.Portable.CheckKey(name); err == nil {
			t.Errorf("%s is not refused by portable", name)
		}
		owned := false
		for _, text := range []string{name + "='not a number'\n", name + "=7\n"} {
			for _, o := range readers {
				got, err := o.read(t, text)
				owned = owned || err != nil || got[name]+"\n" != strings.ReplaceAll(text[len(name)+1:], "'", "")
			}
			if owned {
				break
			}
		}
		if !owned {
			t.Errorf("every shell gives %s back", name)
		}
	}
}

// allShells skips the test where not all are installed: which one owns a name
// differs.
func allShells(t *testing.T) []oracle {
	t.Helper()
	readers := shells(t)
	if len(readers) < 14 {
		t.Skip("not all shells are installed, and which one owns a name differs")
	}
	return readers
}

// TestShellsGiveOtherNamesBack assigns every name that the shells themselves know
// and that is not refused.
func TestShellsGiveOtherNamesBack(t *testing.T) {
	readers := allShells(t)
	var known strings.Builder
	for _, command := range [][]string{
		{"bash", "-c", "compgen -v"},
		{"dash", "-c", "set"},
		{"busybox", "sh", "-c", "set"},
		{"ksh", "-c", "typeset +; set"},
		{"mksh", "-c", "typeset +; set"},
		{"zsh", "-fc", "zmodload zsh/parameter zsh/zle zsh/complist; typeset +"},
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = []string{} // only names that the shell makes up
		listing, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		known.Write(listing)
	}
	entries := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)\b([A-Za-z_][A-Za-z0-9_]*)(=.*)?$`).FindAllStringSubmatch(known.String(), -1) {
		name := match[1]
		switch {
		case dotenv.Shell.CheckKey(name) != nil:
		case name == "LANG" || strings.HasPrefix(name, "LC_"):
			entries[name] = "C.UTF-8" // another value would be one that a shell can't follow
		default:
			entries[name] = "not a number"
		}
	}
	if len(entries) < 30 {
		t.Fatalf("only %d names are known", len(entries))
	}
	doc := dotenv.FromMap(texts(entries))
	text, err := doc.Encode(dotenv.Shell)
	if err != nil {
		t.Fatal(err)
	}
	checkReadBy(t, readers, text.Reveal(), doc)
	t.Logf("%d names: %v", len(entries), doc.Keys())
}
