package sops_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// git runs git in the directory of the real sops, as somebody without a configuration.
func (c cli) git(t *testing.T, args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main", "-c", "core.autocrlf=false"}, args...)...)
	cmd.Dir, cmd.Env = c.dir, append(c.env, "PATH="+os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	t.Logf("git %s: %s", strings.Join(args, " "), out)
	return err
}

func (c cli) mustGit(t *testing.T, args ...string) {
	t.Helper()
	if err := c.git(t, args...); err != nil {
		t.Fatal(err)
	}
}

// merged is a file that two branches changed with sops, as git's merge leaves it.
func (c cli) merged(t *testing.T, id agekey.Identity, name, plain string, ours, theirs []string) string {
	t.Helper()
	sealed := c.file(t, name, c.encrypted(t, "plain"+filepath.Ext(name), plain, id))
	c.mustGit(t, "init", "-q")
	c.mustGit(t, "add", name)
	c.mustGit(t, "commit", "-qm", "base")
	for branch, args := range map[string][]string{"ours": ours, "theirs": theirs} {
		c.mustGit(t, "checkout", "-qfB", branch, "main")
		if _, err := c.with(t, id).run(t, append(args, sealed)...); err != nil {
			t.Fatal(err)
		}
		c.mustGit(t, "commit", "-qam", branch)
	}
	c.mustGit(t, "checkout", "-q", "ours")
	if c.git(t, "merge", "-q", "theirs") == nil {
		t.Fatal("git found no conflict")
	}
	text, err := os.ReadFile(sealed)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var conflicts = regexp.MustCompile(`(?s)<<<<<<< [^\n]*\n(.*?)=======\n.*?>>>>>>> [^\n]*\n`)

// After a git merge that kept each side's value, the error has the commands that make
// the file authentic again, and they do, in both releases.
func TestAfterAGitMerge(t *testing.T) {
	const plain = "db:\n    host: a\n    user: b\n    name: c\n    port: 5432\nweb:\n    one: 1\n    two: 2\n    three: x\n    four: y\n    password: z\n"
	id := x25519(t)
	for release, c := range releases {
		t.Run(release, func(t *testing.T) {
			c := c(t)
			text := c.merged(t, id, "a.enc.yaml", plain,
				[]string{"--set", `["db"]["host"] "canary-ours"`}, []string{"--set", `["web"]["password"] "canary-theirs"`})
			_, err := sops.Decrypt(text, []agekey.Identity{id}, sops.Options{})
			var located *sops.Error
			if !errors.As(err, &located) || located.Line < 10 || !strings.Contains(err.Error(), "git left a merge conflict here: take one version whole (git checkout --ours FILE, or --theirs)") {
				t.Errorf("with the conflict in it: %v", err)
			}

			resolved := c.file(t, "a.enc.yaml", conflicts.ReplaceAllString(text, "$1"))
			content, err := os.ReadFile(resolved)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sops.Decrypt(string(content), []agekey.Identity{id}, sops.Options{})
			if !errors.Is(err, sops.ErrTampered) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("resolved: %v", err)
			}
			commands := regexp.MustCompile(`sops ((?:-[-a-z]+ )+)FILE`).FindAllStringSubmatch(err.Error(), -1)
			if len(commands) != 2 || !strings.Contains(err.Error(), "*.enc.env -merge in .gitattributes") {
				t.Fatalf("the error has the remedies %q: %v", commands, err)
			}
			for _, command := range commands {
				out, err := c.with(t, id).run(t, append(strings.Fields(command[1]), resolved)...)
				if err != nil || strings.HasPrefix(command[1], "-d") && !strings.Contains(out, "canary-ours") {
					t.Errorf("sops %s gives %q, %v", command[1], out, err)
				}
			}
			if content, err = os.ReadFile(resolved); err != nil {
				t.Fatal(err)
			}
			opened, err := sops.Decrypt(string(content), []agekey.Identity{id}, sops.Options{})
			if got := entriesOf(opened); err != nil || got["db.host"] != "canary-ours" || got["web.password"] != "canary-theirs" {
				t.Errorf("after the remedy: %q, %v", got, err)
			}
		})
	}
}

// Where a branch has another data key, the value that came from it is named.
func TestAfterAGitMergeOfTwoKeys(t *testing.T) {
	for release, c := range releases {
		t.Run(release, func(t *testing.T) {
			c, id := c(t), x25519(t)
			text := c.merged(t, id, "a.enc.env", "A=1\nB=2\n", []string{"--rotate", "--in-place"}, []string{"--set", `["B"] "canary"`})
			theirs := regexp.MustCompile(`(?s)<<<<<<< [^\n]*\n.*?=======\n(.*?)>>>>>>> [^\n]*\n`).FindStringSubmatch(text)
			if theirs == nil {
				t.Fatal("there is no conflict")
			}
			ours := conflicts.ReplaceAllString(text, "$1")
			mixed := replaced(t, ours, lineOf(t, ours, "B="), lineOf(t, theirs[1], "B="))
			_, err := sops.Decrypt(mixed, []agekey.Identity{id}, sops.Options{})
			at(t, err, 2, "B")
			if err == nil || !strings.Contains(err.Error(), "comes from another version of the file (by a git merge: take one version whole") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A checkout with core.autocrlf changes line ends. What sops reads then, we read; a
// dotenv file is named for what it is, and .gitattributes keeps git from doing it.
func TestAWindowsCheckout(t *testing.T) {
	for release, c := range releases {
		t.Run(release, func(t *testing.T) {
			c, id := c(t), x25519(t)
			files := map[string]string{"a.enc.env": "A=1\n", "a.enc.json": `{"A": "1"}`, "a.enc.yaml": "A: \"1\"\n", "a.enc.ini": "[s]\nA = 1\n"}
			for name, plain := range files {
				c.file(t, name, c.encrypted(t, "plain"+filepath.Ext(name), plain, id))
			}
			c.mustGit(t, "init", "-q")
			c.mustGit(t, "add", ".")
			c.mustGit(t, "commit", "-qm", "base")
			checkout := func(name string) string {
				if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
					t.Fatal(err)
				}
				c.mustGit(t, "-c", "core.autocrlf=true", "checkout", "-q", "--", name)
				text, err := os.ReadFile(filepath.Join(c.dir, name))
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			for name := range files {
				text := checkout(name)
				if !strings.Contains(text, "\r\n") {
					t.Fatalf("%s: git changed no line end", name)
				}
				_, theirs := c.with(t, id).run(t, "-d", filepath.Join(c.dir, name))
				plain, ours := sops.Decrypt(text, []agekey.Identity{id}, sops.Options{})
				if (theirs == nil) != (ours == nil) {
					t.Errorf("%s: sops says %v, and we say %v", name, theirs, ours)
				}
				if ours == nil && len(plain.Entries) != 1 {
					t.Errorf("%s: the entries are %q", name, entriesOf(plain))
				}
			}
			_, err := sops.Decrypt(checkout("a.enc.env"), []agekey.Identity{id}, sops.Options{})
			at(t, err, 1, "")
			line := regexp.MustCompile(`put a line such as (.*) into \.gitattributes`).FindStringSubmatch(err.Error())
			if line == nil {
				t.Fatalf("the error has no line for .gitattributes: %v", err)
			}
			c.file(t, ".gitattributes", line[1]+"\n")
			if plain, err := sops.Decrypt(checkout("a.enc.env"), []agekey.Identity{id}, sops.Options{}); err != nil || plain.Text.Reveal() != "A=1\n" {
				t.Errorf("with .gitattributes: %v", err)
			}
		})
	}
}
