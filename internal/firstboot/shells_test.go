package firstboot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func secretOf(s string) secret.Text { return secret.New(s) }

type shell struct {
	name    string
	command []string
}

// shells are those of the machine among the ones that the script is for, and
// zsh. The others are logged.
func shells(t testing.TB) []shell {
	t.Helper()
	var found []shell
	for _, s := range []shell{
		{"dash", []string{"dash"}},
		{"bash", []string{"bash"}},
		{"busybox", []string{"busybox", "sh"}},
		{"mksh", []string{"mksh"}},
		{"ksh", []string{"ksh"}},
		{"zsh", []string{"zsh", "--emulate", "sh"}},
	} {
		p, err := exec.LookPath(s.command[0])
		if err != nil {
			t.Logf("not tested with %s: it is not installed", s.name)
			continue
		}
		s.command[0] = p
		found = append(found, s)
	}
	if len(found) == 0 {
		t.Fatal("no shell at all was found")
	}
	return found
}

// hostileNames are file names that mean something to a shell, to printf, to
// JSON or to the template.
var hostileNames = []string{
	"plain", "with blank", " leading and trailing ", "-rf", "--help", "it's", `"double"`, "$(touch pwned)", "`touch pwned`",
	"$HOME", "${IFS}", "a;touch pwned", "a&b", "a|b", "a>b", "<b", "*", "?", "[a-z]", "{a,b}", "~", "~root", "#hash", "!bang",
	`back\slash`, `trailing\`, `'\''`, "%s%n%d", "tab or not", "=", ".END", "{{.Identity}}", "\\n", "a..b", "...", ".env",
	"ünï·cödé", "日本語", "🔑", "\u00e9\u0301", "(paren)", ",", ":", "@", "^", strings.Repeat("n", 255), ".ageenv", "ageenv.x",
}

func TestHostilePathsLandExactly(t *testing.T) {
	identity := newIdentity(t)
	// Every name as a file's; each fourth as a directory's, too.
	var files []File
	for i, name := range hostileNames {
		paths := []string{"/srv/" + name}
		if i%4 == 0 {
			paths = append(paths, "/srv/in "+fmt.Sprint(i)+"/"+name+"/f")
		}
		for _, p := range paths {
			files = append(files, fileOf(t, identity, p, canary+p))
		}
	}
	script, err := Render(Params{Name: `box "one" $(touch pwned) 'x'`, Files: files, Identity: secret.New(identity.String())})
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasAge)
			b.shell = shell.command
			got := b.drop(script)
			seen := 0
			for _, f := range files {
				b.want(f.Path, canary+f.Path)
				line := fmt.Sprintf("ageenv: box \"one\" $(touch pwned) 'x': %s %s:%s 0600 written\n", f.Path, myUser, myGroup)
				if !strings.Contains(got.stdout, line) {
					t.Errorf("no line %q", line)
				}
			}
			s := b.status()
			if len(s.Files) != len(files) {
				t.Fatalf("status has %d files, want %d", len(s.Files), len(files))
			}
			for i, f := range files {
				if s.Files[i].Path != f.Path {
					t.Errorf("status: got %q, want %q", s.Files[i].Path, f.Path)
				}
			}
			if err := filepath.Walk(b.path("/srv"), func(_ string, info os.FileInfo, err error) error {
				if err == nil && info.Mode().IsRegular() {
					seen++
				}
				return err
			}); err != nil {
				t.Error(err)
			}
			if seen != len(files) {
				t.Errorf("%d files are there, want %d", seen, len(files))
			}
			if strings.Count(got.stdout, "\n") != len(files) || got.stderr != "" {
				t.Errorf("stdout has %d lines, want %d; stderr: %s", strings.Count(got.stdout, "\n"), len(files), got.stderr)
			}
		})
	}
}

// The contents that are easily bent, in every shell, opened by age and by the
// embedded reader, and with busybox for all the tools.
func TestExactBytes(t *testing.T) {
	identity := newIdentity(t)
	big := strings.Repeat("0123456789abcdef\n", 200<<10/17)
	contents := map[string]string{
		"/c/empty": "", "/c/no-newline": "A=1", "/c/newlines": "\n\n\n", "/c/nul": "a\x00b\x00", "/c/crlf": "A=1\r\n",
		"/c/binary": "\xff\xfe\x80", "/c/quotes": "A='$(x)' \"`y`\" \\\n", "/c/big": big, "/c/end": ".END\nx",
		"/c/chunk": big[:64<<10], "/c/chunk-and-one": big[:64<<10+1],
	}
	var files []File
	for p, text := range contents {
		files = append(files, fileOf(t, identity, p, text))
	}
	script := mustRender(t, identity, files...)
	for _, shell := range shells(t) {
		for _, with := range []struct {
			name, decryptor string
			has             int
			busybox         bool
		}{
			{"age", "age", hasAge, false},
			{"reader", "python", hasPython, false},
			{"both", "age", hasAge | hasPython, false},
			{"busybox tools", "python", hasPython, true},
		} {
			// What does not depend on the shell is tried with one.
			if with.busybox && shell.name != "busybox" || with.has == hasAge|hasPython && shell.name != "dash" {
				continue
			}
			t.Run(shell.name+"/"+with.name, func(t *testing.T) {
				t.Parallel()
				b := newBox(t, with.has)
				b.shell = shell.command
				if with.busybox {
					b.useBusybox()
				}
				// Shells that put here-documents into files must not do it here.
				b.put("/tmp/keep", "", 0o600)
				b.env = []string{"TMPDIR=" + b.path("/tmp"), "TMPPREFIX=" + b.path("/tmp/zsh")}
				before := b.stat("/tmp")
				got := b.drop(script)
				if b.stat("/tmp") != before {
					t.Error("something was put into the caller's TMPDIR")
				}
				for p, text := range contents {
					b.want(p, text)
				}
				if s := b.status(); s.Decryptor != with.decryptor || s.Result != "ok" {
					t.Errorf("status: %q by %q, want ok by %q", s.Result, s.Decryptor, with.decryptor)
				}
				if got.stderr != "" {
					t.Errorf("stderr: %s", got.stderr)
				}
				again := b.drop(script)
				if n := strings.Count(again.stdout, " unchanged\n"); n != len(contents) {
					t.Errorf("second run: %d unchanged, want %d: %s", n, len(contents), again.stdout)
				}
				b.wantClean()
			})
		}
	}
}

func TestSyntaxAndShellcheck(t *testing.T) {
	identity := newIdentity(t)
	file := filepath.Join(t.TempDir(), "script")
	script := mustRender(t, identity, fileOf(t, identity, "/a", "1"), fileOf(t, identity, "/srv/it's", "2"))
	if err := os.WriteFile(file, []byte(script.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, shell := range shells(t) {
		args := append(append([]string{}, shell.command[1:]...), "-n", file)
		if out, err := exec.Command(shell.command[0], args...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s -n: %v: %s", shell.name, err, out)
		}
	}
	t.Run("shellcheck", func(t *testing.T) {
		p, err := exec.LookPath("shellcheck")
		if err != nil {
			t.Skip("shellcheck is not installed")
		}
		if out, err := exec.Command(p, "-s", "sh", file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
