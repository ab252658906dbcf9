package firstboot

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whoever looks for a reason on a box finds it, with its code, in the guide.
func TestTheGuideHasEveryReason(t *testing.T) {
	guide, err := os.ReadFile("../../templates/guides/on-the-box.md")
	if err != nil {
		t.Fatal(err)
	}
	source := scriptSource
	names, err := fs.Glob(boxFiles, "box/ageenv/*.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := boxFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(text)
	}
	found := regexp.MustCompile(`\bfail ([0-9]+) ([a-z-]+)`).FindAllStringSubmatch(source, -1)
	// A failure of the program's: Failure(7, "target-symlink", or self.fail(; a pair where a run has died.
	found = append(found, regexp.MustCompile(`(?:Failure|Waiting|fail|refuse)\(([0-9]+),\s*"([a-z-]+)"`).FindAllStringSubmatch(source, -1)...)
	for _, m := range regexp.MustCompile(`\("([a-z-]+)", ([0-9]+)\) if|else \("([a-z-]+)", ([0-9]+)\)`).FindAllStringSubmatch(source, -1) {
		found = append(found, []string{m[0], m[2] + m[4], m[1] + m[3]})
	}
	if len(found) < 30 {
		t.Fatalf("only %d ways to fail were found", len(found))
	}
	for _, m := range found {
		code, reason := m[1], m[2]
		row := regexp.MustCompile(`(?m)^\| ([0-9, ]+) \| [^|]*` + "`" + reason + "`" + `[^|]* \|`).FindStringSubmatch(string(guide))
		if row == nil || !strings.Contains(", "+row[1]+",", ", "+code+",") {
			t.Errorf("%s, code %s, is not in the guide's table", reason, code)
		}
	}
}
