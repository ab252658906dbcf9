package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// linked are the pages of the root; those of docs/ are found.
var linked = []string{"README.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md", "RELEASING.md", "CHANGELOG.md"}

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// A heading, an anchor that tfplugindocs writes, and code, in which neither counts.
	headingLine = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	anchor      = regexp.MustCompile(`<a id="([^"]+)">`)
	codeBlock   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// TestLinks: a relative link leads to a file that git has, and its fragment to a heading there.
// A link into this repository on GitHub is a relative one, written out.
func TestLinks(t *testing.T) {
	t.Parallel()
	const github = "https://github.com/ageenv/terraform-provider-ageenv/blob/main/"
	seen := 0
	for _, from := range append(docsPages(t), linked...) {
		for _, m := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(page(t, from), ""), -1) {
			target := m[1]
			path, fragment, _ := strings.Cut(target, "#")
			switch {
			case strings.HasPrefix(target, github):
				path = strings.TrimPrefix(path, github)
			case regexp.MustCompile(`^[a-z]+:`).MatchString(target):
				continue
			case path == "":
				path = from
			default:
				path = filepath.Join(filepath.Dir(from), path)
			}
			seen++
			if _, err := os.Stat(filepath.Join(repository, path)); err != nil {
				t.Errorf("%s links to %s, which is not there", from, target)
			} else if fragment != "" && !slices.Contains(fragments(t, path), fragment) {
				t.Errorf("%s links to %s, and %s has no such heading", from, target, path)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d links were found", seen)
	}
}

// TestGuidesAreLinked: the index links to each guide, and each guide to another.
func TestGuidesAreLinked(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob(filepath.Join(repository, "docs/guides/*.md"))
	if err != nil || len(guides) < 10 {
		t.Fatalf("%d guides, %v", len(guides), err)
	}
	for _, path := range guides {
		name := filepath.Base(path)
		if !strings.Contains(page(t, "docs/index.md"), "](guides/"+name+")") {
			t.Errorf("the index does not link to %s", name)
		}
		if !regexp.MustCompile(`\]\([a-z-]+\.md`).MatchString(page(t, "docs/guides/"+name)) {
			t.Errorf("%s links to no other guide", name)
		}
	}
}

// TestNamedPathsExist: a path of the repository that a page names in a code span is there; for
// the guide "Teams", also one of a file to copy.
func TestNamedPathsExist(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`((?:examples|test|docs|templates|tools|\\.ci|\\.github)/[A-Za-z0-9_./-]+)`")
	seen := 0
	for _, from := range append(docsPages(t), linked...) {
		for _, m := range named.FindAllStringSubmatch(page(t, from), -1) {
			seen++
			found := false
			for _, base := range []string{"", "examples/team"} {
				if _, err := os.Stat(filepath.Join(repository, base, m[1])); err == nil {
					found = true
				}
			}
			if !found && m[1] != "templates/guides/NAME.md" {
				t.Errorf("%s names %s, which is not there", from, m[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d paths were found", seen)
	}
}

// TestMakeTargetsExist: what a page says to make is a target.
func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	makefile, seen := page(t, "GNUmakefile"), 0
	command := regexp.MustCompile("(?m)(?:`|^ *)make ([a-z][a-z-]*)")
	for _, from := range append(docsPages(t), linked...) {
		for _, m := range command.FindAllStringSubmatch(page(t, from), -1) {
			seen++
			if !regexp.MustCompile("(?m)^" + m[1] + ":").MatchString(makefile) {
				t.Errorf("%s says make %s, which is no target", from, m[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d commands were found", seen)
	}
}

// docsPages are the pages below docs/.
func docsPages(t *testing.T) (pages []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(repository, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".md") {
			relative, problem := filepath.Rel(repository, path)
			pages, err = append(pages, relative), problem
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// fragments are what a link to a page may end in, as GitHub makes them of headings.
func fragments(t *testing.T, path string) (names []string) {
	t.Helper()
	text := page(t, path)
	for _, m := range anchor.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	for _, m := range headingLine.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
