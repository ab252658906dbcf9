package sops_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// After each command of sops that changes a file, the file opens with both releases
// and here, with all that it held.
func TestSOPSChangesOurTrees(t *testing.T) {
	id, other := x25519(t), x25519(t)
	want := []pair{{"Z", "z"}, {"EMPTY", ""}, {"TRUE", "True"}, {"LINES", "one\ntwo\n"}, {"A", "a"}}
	changed := []pair{{"Z", "z"}, {"EMPTY", ""}, {"TRUE", "True"}, {"LINES", "one\ntwo\n"}, {"A", "new: value"}}
	for store, name := range treeStores {
		for release, c := range map[string]func(*testing.T) cli{"current": realSOPS, "oldest": oldestSOPS} {
			old := release == "oldest"
			pick := func(newest, oldest []string) []string {
				if old {
					return oldest
				}
				return newest
			}
			for command, tt := range map[string]struct {
				args func(path string) []string
				want []pair
			}{
				"set": {func(path string) []string {
					return pick([]string{"set", path, `["A"]`, `"new: value"`}, []string{"--set", `["A"] "new: value"`, path})
				}, changed},
				"rotate": {func(path string) []string { return pick([]string{"rotate", "-i", path}, []string{"-r", "-i", path}) }, want},
				"rotate to one more": {func(path string) []string {
					return append(pick([]string{"rotate", "-i"}, []string{"-r", "-i"}), "--add-age", other.Recipient().String(), path)
				}, want},
				"edit":       {func(path string) []string { return pick([]string{"edit", path}, []string{path}) }, changed},
				"updatekeys": {func(path string) []string { return []string{"updatekeys", "-y", path} }, want},
			} {
				t.Run(strings.Join([]string{string(store), release, command}, "/"), func(t *testing.T) {
					c := c(t).with(t, id)
					c.file(t, ".sops.yaml", fmt.Sprintf("creation_rules:\n  - age: %s,%s\n", id.Recipient(), other.Recipient()))
					editor := c.file(t, "editor", "#!/bin/sh\nsed -i 's/\\(\"\\{0,1\\}A\"\\{0,1\\}: \\)\"\\{0,1\\}a\"\\{0,1\\}/\\1\"new: value\"/' \"$1\"\n")
					if err := os.Chmod(editor, 0o700); err != nil {
						t.Fatal(err)
					}
					c.env = append(c.env, "EDITOR="+editor, "PATH="+os.Getenv("PATH"))
					path := c.file(t, name, encryptTree(t, store, want, id))
					before, err := os.ReadFile(filepath.Clean(path))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := c.run(t, tt.args(path)...); err != nil {
						t.Fatal(err)
					}
					after, err := os.ReadFile(filepath.Clean(path))
					if err != nil || bytes.Equal(before, after) {
						t.Fatalf("the command changed nothing: %v", err)
					}
					for reader, c := range map[string]cli{"current": realSOPS(t), "oldest": oldestSOPS(t)} {
						out, err := c.with(t, id).run(t, "-d", c.file(t, name, string(after)))
						if err != nil {
							t.Fatal(err)
						}
						samePairs(t, reader, plainPairs(t, store, out), tt.want)
					}
					samePairs(t, "we", decryptedPairs(t, string(after), id), tt.want)
				})
			}
		}
	}
}
