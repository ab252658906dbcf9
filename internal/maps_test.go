package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fileName finds the Go files that a package comment names.
var fileName = regexp.MustCompile(`\b[a-z0-9_]+\.go\b`)

// A package comment is the map of its package: it names each of its files and no
// other. A package of one file needs none.
func TestPackageCommentsNameTheirFiles(t *testing.T) {
	files, named := map[string][]string{}, map[string][]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "build", "testdata", "examples"}, entry.Name()) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		files[dir] = append(files[dir], filepath.Base(path))
		if file.Doc != nil {
			named[dir] = append(named[dir], fileName.FindAllString(file.Doc.Text(), -1)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 15 {
		t.Fatalf("only %d packages were found", len(files))
	}
	for _, dir := range slices.Sorted(maps.Keys(files)) {
		for _, name := range named[dir] {
			if !slices.Contains(files[dir], name) {
				t.Errorf("%s: the package comment names %s, which is not there", dir, name)
			}
		}
		for _, name := range files[dir] {
			if len(files[dir]) > 1 && !slices.Contains(named[dir], name) {
				t.Errorf("%s: the package comment does not name %s", dir, name)
			}
		}
	}
}
