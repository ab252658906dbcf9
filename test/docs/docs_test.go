// Package docs_test runs what README.md and the guides tell a reader to run, and checks what
// they link to and quote.
//
//   - docs_test.go: pages and their code blocks
//   - shell_test.go: a reader's shell, for which each block is typed
//   - links_test.go: links between pages, and the files and make targets that they name
//   - messages_test.go: messages that the guide "Troubleshooting" quotes
//   - readme_test.go: README's first use, and its terminal session
//   - team_test.go: the files of examples/team
//   - providers_test.go: providers, a simulated account and programs that a shell has installed
//   - databases_test.go: the guide "Database passwords", with a real PostgreSQL
//   - vaults_test.go: the guide "Values from your vault"
//   - kubernetes_test.go: the guide "Kubernetes"
//   - boxes_test.go: the guides "Docker compose" and "A running box"; what they type on a box, test/firstboot runs there
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the path of the repository's root from here.
const repository = "../.."

// block is a code block of a page.
type block struct {
	language string
	text     string
}

var fence = regexp.MustCompile("(?ms)^( *)```([a-z]+)\n(.*?)^ *```$")

// page is the text of a Markdown file.
func page(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// blocksBelow are the code blocks below a heading of level two, without the indentation of
// a list.
func blocksBelow(t *testing.T, path, heading string) (blocks []block) {
	t.Helper()
	_, section, found := strings.Cut(page(t, path), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range fence.FindAllStringSubmatch(section, -1) {
		text := strings.ReplaceAll("\n"+m[3], "\n"+m[1], "\n")
		blocks = append(blocks, block{m[2], strings.TrimPrefix(text, "\n")})
	}
	if !found || len(blocks) == 0 {
		t.Fatalf("%s has no code below %q", path, heading)
	}
	return blocks
}

// headings are a page's headings of level two.
func headings(t *testing.T, path string) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(codeBlock.ReplaceAllString(page(t, path), ""), -1) {
		names = append(names, m[1])
	}
	return names
}

// blockOf is the only block of a language below a heading.
func blockOf(t *testing.T, path, heading, language string) string {
	t.Helper()
	var found []string
	for _, b := range blocksBelow(t, path, heading) {
		if b.language == language {
			found = append(found, b.text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks of %s below %q, want one", path, len(found), language, heading)
	}
	return found[0]
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
