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

func TestStatusAfterSuccess(t *testing.T) {
	identity := newIdentity(t)
	digest := strings.Repeat("0a", 32)
	first, second := fileOf(t, identity, "/etc/a", canary), fileOf(t, identity, "/etc/b", canary)
	first.SourceDigest, second.Mode = digest, "640"
	script, err := Render(Params{Name: `a "b" <c>`, Files: []File{first, second}, Identity: secret.New(identity.String())})
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, hasPython)
	got := b.drop(script)
	s := b.status()
	if s.TemplateVersion != TemplateVersion || s.Name != `a "b" <c>` || s.Result != "ok" || s.Reason != "" || s.ExitCode != 0 || s.Decryptor != "python" {
		t.Errorf("got %+v", s)
	}
	for i, want := range []string{"/etc/a 0600 written " + digest, "/etc/b 0640 written "} {
		f := s.Files[i]
		if line := fmt.Sprintf("%s %s %s %s", f.Path, f.Mode, f.State, f.SourceDigest); line != want || f.Owner != myUser || f.Group != myGroup {
			t.Errorf("got %q by %s:%s, want %q", line, f.Owner, f.Group, want)
		}
	}
	if want := fmt.Sprintf("ageenv: a \"b\" <c>: /etc/b %s:%s 0640 written\n", myUser, myGroup); !strings.HasSuffix(got.stdout, want) {
		t.Errorf("stdout: got %q, want %q", got.stdout, want)
	}
	if mode := b.stat(statusPath).mode.Perm(); mode != 0o600 {
		t.Errorf("status file: mode %v", mode)
	}
	if mode := b.stat(filepath.Dir(statusPath)).mode.Perm(); mode != 0o700 {
		t.Errorf("its directory: mode %v", mode)
	}
}

func TestModesOwnersAndDirectories(t *testing.T) {
	identity := newIdentity(t)
	for _, umask := range []string{"000", "022", "077", "777"} {
		t.Run("umask "+umask, func(t *testing.T) {
			t.Parallel()
			var files []File
			for _, mode := range []string{"0400", "0440", "600", "0640", "0644", "0666"} {
				f := fileOf(t, identity, "/new/"+umask+"/f"+mode, canary)
				f.Mode = mode
				files = append(files, f)
			}
			b := newBox(t, hasPython)
			b.shell = []string{"/bin/sh", "-c", `umask ` + umask + `; exec /bin/sh "$@"`, "sh"}
			b.drop(mustRender(t, identity, files...))
			for _, f := range files {
				if got, want := fmt.Sprintf("%04o", b.stat(f.Path).mode.Perm()), "0"+strings.TrimPrefix(f.Mode, "0"); got != want {
					t.Errorf("%s: got mode %s, want %s", f.Path, got, want)
				}
			}
			for _, dir := range []string{"/new", "/new/" + umask, "/var", "/var/lib"} {
				if got := b.stat(dir).mode.Perm(); got != 0o755 {
					t.Errorf("%s: got mode %v, want 0755", dir, got)
				}
			}
		})
	}
}

func TestOwnerByNameAndNumber(t *testing.T) {
	needRoot(t, "give files to others")
	identity := newIdentity(t)
	named, numbered := fileOf(t, identity, "/a", canary), fileOf(t, identity, "/b", canary)
	named.Owner, named.Group = "daemon", "bin"
	numbered.Owner, numbered.Group = "54321", "54322"
	b := newBox(t, hasPython)
	script := mustRender(t, identity, named, numbered)
	b.drop(script)
	for _, tt := range []struct {
		path     string
		uid, gid uint32
	}{{"/a", 1, 2}, {"/b", 54321, 54322}} {
		if s := b.stat(tt.path); s.uid != tt.uid || s.gid != tt.gid || s.mode.Perm() != 0o600 {
			t.Errorf("%s: got %d:%d %v", tt.path, s.uid, s.gid, s.mode)
		}
	}
	if again := b.drop(script); strings.Count(again.stdout, " unchanged\n") != 2 {
		t.Errorf("second run: %s", again.stdout)
	}
}

func TestSecondRunTouchesOnlyWhatDiffers(t *testing.T) {
	identity := newIdentity(t)
	for _, tt := range []struct {
		name    string
		disturb func(t *testing.T, b *box)
		state   string
	}{
		{"nothing differs", func(*testing.T, *box) {}, "unchanged"},
		{"bytes", func(_ *testing.T, b *box) { b.put("/srv/f", strings.Repeat("x", len(canary)), 0o600) }, "written"},
		{"length", func(_ *testing.T, b *box) { b.put("/srv/f", canary+"\n", 0o600) }, "written"},
		{"mode", func(_ *testing.T, b *box) { b.put("/srv/f", canary, 0o644) }, "written"},
		{"owner", func(t *testing.T, b *box) {
			needRoot(t, "give a file to another")
			if err := os.Chown(b.path("/srv/f"), 1, -1); err != nil {
				t.Fatal(err)
			}
		}, "written"},
		{"group", func(t *testing.T, b *box) {
			needRoot(t, "give a file to another group")
			if err := os.Chown(b.path("/srv/f"), -1, 1); err != nil {
				t.Fatal(err)
			}
		}, "written"},
		{"gone", func(t *testing.T, b *box) {
			if err := os.Remove(b.path("/srv/f")); err != nil {
				t.Fatal(err)
			}
		}, "written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			script := mustRender(t, identity, fileOf(t, identity, "/srv/f", canary), fileOf(t, identity, "/srv/steady", canary))
			b.drop(script)
			file, steady := b.stat("/srv/f"), b.stat("/srv/steady")
			tt.disturb(t, b)
			dir := b.stat("/srv")
			b.drop(script)
			b.want("/srv/f", canary)
			if got := b.status().Files[0].State; got != tt.state {
				t.Errorf("got %q, want %q", got, tt.state)
			}
			if b.stat("/srv/steady") != steady {
				t.Error("the other file was touched")
			}
			after := b.stat("/srv/f")
			if tt.state == "unchanged" && (after != file || b.stat("/srv") != dir) {
				t.Errorf("it was touched: %+v, then %+v", file, after)
			}
			if after.mode != file.mode || after.uid != file.uid || after.gid != file.gid {
				t.Errorf("mode or owner: %+v, then %+v", file, after)
			}
		})
	}
}

// Docker makes an empty directory in place of a file that is not there yet.
func TestEmptyDirectoryIsReplaced(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	if err := os.MkdirAll(b.path("/srv/.env"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.drop(mustRender(t, identity, fileOf(t, identity, "/srv/.env", canary)))
	b.want("/srv/.env", canary)
}

// /var/run and the like: a symlink above the target is followed.
func TestSymlinkAboveTheTargetIsFollowed(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	b.put("/data/keep", "x", 0o600)
	if err := os.Symlink("data", b.path("/srv")); err != nil {
		t.Fatal(err)
	}
	b.drop(mustRender(t, identity, fileOf(t, identity, "/srv/deep/f", canary)))
	b.want("/data/deep/f", canary)
}

func TestRestoreconIsRunOnWhatWasWritten(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	log := filepath.Join(t.TempDir(), "log")
	b.fake("restorecon", `printf '%s\n' "$*" >>'`+log+`'; exit 1`)
	script := mustRender(t, identity, fileOf(t, identity, "/srv/f", canary))
	got := b.drop(script)
	b.drop(script)
	text, err := os.ReadFile(log)
	if err != nil || strings.Count(string(text), "-R "+b.path("/srv/f")+"\n") != 1 {
		t.Errorf("got %q (%v)", text, err)
	}
	if !strings.Contains(got.stderr, "ageenv: /srv/f: its SELinux context cannot be restored") {
		t.Errorf("stderr: %q", got.stderr)
	}
}

// The script may be in a file of any name, be read from a pipe, and its output
// may go to a log that nobody reads.
func TestWaysOfRunning(t *testing.T) {
	identity := newIdentity(t)
	for name, command := range map[string][]string{
		"from a pipe":    {"/bin/sh", "-c", `exec /bin/sh <"$1"`, "sh"},
		"closed input":   {"/bin/sh", "-c", `exec /bin/sh "$1" <&-`, "sh"},
		"closed outputs": {"/bin/sh", "-c", `exec /bin/sh "$1" >&- 2>&-`, "sh"},
		"noclobber":      {"/bin/sh", "-C"},
		"noglob":         {"/bin/sh", "-f"},
		"arguments":      {"/bin/sh", "-c", `exec /bin/sh "$1" -n --help "$(printf x)"`, "sh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			b.shell = command
			b.put("/srv/f", "old", 0o600)
			b.drop(mustRender(t, identity, fileOf(t, identity, "/srv/f", canary)))
			b.want("/srv/f", canary)
			b.wantClean("/srv/f")
		})
	}
}

// Where no prefix is given, the fixed PATH and the root check hold. This runs as
// a user who cannot write below the real root, whatever goes wrong.
func TestWithoutPrefixItWantsRoot(t *testing.T) {
	needRoot(t, "become nobody")
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("setpriv is not installed")
	}
	identity := newIdentity(t)
	script := mustRender(t, identity, fileOf(t, identity, "/nonexistent-ageenv/f", canary))
	cmd := exec.Command(setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh")
	cmd.Env, cmd.Dir = []string{"AGEENV_PATH=/nonexistent"}, "/"
	cmd.Stdin = strings.NewReader(script.Reveal())
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "ageenv: not root") {
		t.Errorf("got %v: %s", err, out)
	}
}
