package firstboot

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/plaintar"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// tarOf makes a tar of regular files, in the order of their names.
func tarOf(t testing.TB, files map[string]string) string {
	t.Helper()
	var list []plaintar.File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, plaintar.File{Name: name, Content: files[name]})
	}
	text, err := plaintar.Write(list)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func tarWith(t testing.TB, headers []tar.Header, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := range headers {
		if err := w.WriteHeader(&headers[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[headers[i].Name][:headers[i].Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func directoryOf(t testing.TB, identity *age.X25519Identity, path string, files map[string]string) File {
	t.Helper()
	f := fileOf(t, identity, path, tarOf(t, files))
	f.Layout = LayoutDirectory
	return f
}

// wantDirectory asserts that the directory holds these files and nothing else.
func (b *box) wantDirectory(p string, files map[string]string) {
	b.t.Helper()
	entries, err := os.ReadDir(b.path(p))
	if err != nil {
		b.t.Error(err)
		return
	}
	if len(entries) != len(files) {
		b.t.Errorf("%s has %d entries, want %d", p, len(entries), len(files))
	}
	for name, text := range files {
		b.want(p+"/"+name, text)
	}
}

var someKeys = map[string]string{
	"TOKEN": canary, "EMPTY": "", "BINARY": "\x00\xff\n\n", "tls.key": strings.Repeat(canary+"\n", 2000), "0-9_x": "'\"$(x)`",
}

// In every shell, with either decryptor and either tar: what was sealed is there,
// with owner and mode, and a second run touches nothing.
func TestDirectory(t *testing.T) {
	identity := newIdentity(t)
	f := directoryOf(t, identity, "/run/secrets/app", someKeys)
	f.Mode = "0640"
	script := mustRender(t, identity, f)
	for _, shell := range shells(t) {
		for _, with := range []struct {
			name    string
			has     int
			busybox bool
		}{{"age", hasAge, false}, {"reader", hasPython, false}, {"busybox tools", hasPython, true}} {
			// What does not depend on the shell is tried with one.
			if with.busybox && shell.name != "busybox" || with.has == hasAge && shell.name != "dash" {
				continue
			}
			t.Run(shell.name+"/"+with.name, func(t *testing.T) {
				t.Parallel()
				b := newBox(t, with.has)
				b.shell = shell.command
				if with.busybox {
					b.useBusybox()
				}
				got := b.drop(script)
				b.wantDirectory(f.Path, someKeys)
				if dir, file := b.stat(f.Path).mode.Perm(), b.stat(f.Path+"/TOKEN").mode.Perm(); dir != 0o750 || file != 0o640 {
					t.Errorf("modes %o and %o, want 750 and 640", dir, file)
				}
				if got.stderr != "" || b.status().Files[0].State != "written" || b.status().Files[0].Layout != "directory" {
					t.Errorf("stderr %q, status %+v", got.stderr, b.status().Files)
				}
				dir, file := b.stat(f.Path), b.stat(f.Path+"/TOKEN")
				b.drop(script)
				if b.stat(f.Path) != dir || b.stat(f.Path+"/TOKEN") != file || b.status().Files[0].State != "unchanged" {
					t.Error("the second run touched something")
				}
				b.wantClean(f.Path+"/TOKEN", f.Path+"/tls.key")
			})
		}
	}
}

func TestDirectoryIsSwappedInAsOne(t *testing.T) {
	identity := newIdentity(t)
	first, second := map[string]string{"A": "1", "GONE": "1"}, map[string]string{"A": "2", "NEW": "2"}
	for _, tt := range []struct {
		name    string
		disturb func(b *box)
		state   string
	}{
		{"other keys", func(*box) {}, "written"},
		{"other mode of a file", func(b *box) { b.put("/srv/d/A", "2", 0o644) }, "written"},
		{"one file too many", func(b *box) { b.put("/srv/d/MORE", "2", 0o600) }, "written"},
	} {
		for _, way := range []string{"exchange", "two renames"} {
			t.Run(tt.name+"/"+way, func(t *testing.T) {
				t.Parallel()
				b := newBox(t, hasAge)
				if way == "two renames" {
					b.inject("renameat2:error=EINVAL")
				}
				b.drop(mustRender(t, identity, directoryOf(t, identity, "/srv/d", first)))
				b.wantDirectory("/srv/d", first)
				tt.disturb(b)
				b.drop(mustRender(t, identity, directoryOf(t, identity, "/srv/d", second)))
				b.wantDirectory("/srv/d", second)
				if got := b.status().Files[0].State; got != tt.state {
					t.Errorf("got %q, want %q", got, tt.state)
				}
				b.wantClean()
			})
		}
	}
}

// While directories are swapped, no reader ever finds one missing, or with files of
// two generations.
func TestDirectoryIsNeverMissing(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	scripts := make([]secret.Text, 2)
	for i := range scripts {
		text := fmt.Sprint(i)
		scripts[i] = mustRender(t, identity, directoryOf(t, identity, "/srv/d", map[string]string{"A": text, "B": text}))
	}
	b.drop(scripts[0])
	stop, looked := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				looked <- n
				return
			default:
			}
			// Held open, the directory is the one generation or the other.
			if dir, err := os.OpenRoot(b.path("/srv/d")); err != nil {
				t.Errorf("look %d: %v", n, err)
			} else {
				one, err1 := dir.ReadFile("A")
				two, err2 := dir.ReadFile("B")
				// Once it has been swapped out it is emptied, which is seen as missing.
				if err1 == nil && err2 == nil && string(one) != string(two) {
					t.Errorf("look %d: %q and %q", n, one, two)
				}
				_ = dir.Close()
			}
			n++
		}
	}()
	for i := range 6 {
		b.drop(scripts[(i+1)%2])
	}
	close(stop)
	if n := <-looked; n < 100 {
		t.Errorf("only %d looks", n)
	}
}

func TestDirectoryFaults(t *testing.T) {
	identity := newIdentity(t)
	keys := map[string]string{"A": canary}
	for _, tt := range []struct {
		name    string
		arrange func(b *box, f *File)
		code    int
		reason  string
		message string
	}{
		{"somebody's directory", func(b *box, _ *File) { b.put("/srv/d/compose.yml", "x", 0o644) }, 7, "target-directory", "/srv/d: is a directory with something in it"},
		{"somebody's tree", func(b *box, _ *File) { b.put("/srv/d/sub/x", "x", 0o644) }, 7, "target-directory", "/srv/d: is a directory"},
		{"a tree in what was ours", func(b *box, _ *File) {
			b.put("/srv/d/sub/x", "x", 0o644)
			b.put("/var/lib/ageenv/directories", "/srv/d\n", 0o600)
		}, 7, "target-directory", "/srv/d: is a directory"},
		{"a file", func(b *box, _ *File) { b.put("/srv/d", "x", 0o644) }, 7, "target-special", "/srv/d: is not a directory"},
		{"a symlink", func(b *box, _ *File) {
			b.put("/srv/real/keep", "x", 0o644)
			if err := os.Symlink("real", b.path("/srv/d")); err != nil {
				t.Fatal(err)
			}
		}, 7, "target-symlink", "/srv/d: is a symlink"},
		{"no tar", func(_ *box, f *File) { f.Payload = seal(t, canary, identity.Recipient()) }, 5, "payload-malformed", "/srv/d: the payload is no tar"},
		{"an empty tar", func(_ *box, f *File) { f.Payload = seal(t, tarOf(t, nil), identity.Recipient()) }, 5, "payload-malformed", "/srv/d: the payload is an empty tar"},
		{"rename fails", func(b *box, _ *File) { b.inject("renameat2:error=EIO:when=2") }, 8, "write", "/srv/d: cannot be replaced"},
		// Kept files have their modes, what is dropped has not.
		{"no modes kept", func(b *box, f *File) { f.Mode = "0640"; b.inject("fchmod:retval=0") }, 8, "write", "/srv/d: its file system does not keep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, hasPython)
			b.put("/srv/before", "old", 0o600)
			f := directoryOf(t, identity, "/srv/d", keys)
			tt.arrange(b, &f)
			before, _ := exec.Command("find", b.path("/srv"), "-printf", "%P %m %s %l\n").Output()
			got := b.run(renderUnopened(t, identity, fileOf(t, identity, "/srv/before", canary), f))
			b.wantFailure(got, tt.code, tt.reason, tt.message)
			after, _ := exec.Command("find", b.path("/srv"), "-printf", "%P %m %s %l\n").Output()
			if string(before) != string(after) {
				t.Errorf("it was\n%s and is\n%s", before, after)
			}
			b.wantClean(keptIdentity) // the next boot tries again
		})
	}
}

// Later files that fail take earlier directories back.
func TestDirectoryIsTakenBack(t *testing.T) {
	identity := newIdentity(t)
	old := map[string]string{"A": "old", "B": "old"}
	for _, exchange := range []bool{true, false} {
		for _, existed := range []bool{true, false} {
			t.Run(fmt.Sprintf("exchange %t, existed %t", exchange, existed), func(t *testing.T) {
				t.Parallel()
				b := newBox(t, hasAge)
				if existed {
					b.drop(mustRender(t, identity, directoryOf(t, identity, "/srv/d", old)))
				}
				if exchange {
					b.inject("renameat2:error=EIO:when=2")
				} else {
					b.put("/srv/last", "old", 0o600)
					b.inject("renameat2:error=EINVAL", "linkat:error=EIO")
				}
				got := b.run(mustRender(t, identity, directoryOf(t, identity, "/srv/d", map[string]string{"A": canary}), fileOf(t, identity, "/srv/last", canary)))
				b.wantFailure(got, 8, "write", "/srv/last: cannot be replaced")
				if existed {
					b.wantDirectory("/srv/d", old)
				} else {
					b.wantNothing("/srv/d")
				}
				b.wantClean(keptIdentity) // the next boot tries again
			})
		}
	}
}

// An empty directory, as docker makes one of a missing mount, is no obstacle.
func TestEmptyDirectoryIsFilled(t *testing.T) {
	identity := newIdentity(t)
	b := newBox(t, hasPython)
	if err := os.MkdirAll(b.path("/srv/d"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.drop(mustRender(t, identity, directoryOf(t, identity, "/srv/d", someKeys)))
	b.wantDirectory("/srv/d", someKeys)
}

// What Render refuses, the box refuses as well: here the check in between is left
// out.
func TestHostileTars(t *testing.T) {
	identity := newIdentity(t)
	regular := func(name string) []tar.Header {
		return []tar.Header{{Name: "OK", Typeflag: tar.TypeReg, Mode: 0o600}, {Name: name, Typeflag: tar.TypeReg, Mode: 0o600}}
	}
	special := func(kind byte, to string) []tar.Header {
		return []tar.Header{{Name: "OK", Typeflag: tar.TypeReg, Mode: 0o600}, {Name: "X", Typeflag: kind, Linkname: to, Mode: 0o755}}
	}
	for _, tt := range []struct {
		name    string
		headers []tar.Header
		want    string
	}{
		{"upward", regular("../escaped"), "not plain, as entry 2"},
		{"absolute", regular("/escaped"), "not plain"},
		{"below", regular("sub/escaped"), "not plain"},
		{"dot first", regular(".env"), "not plain"},
		{"dash first", regular("-rf"), "not plain"},
		{"blank", regular("a b"), "not plain"},
		{"line end", regular("a\nb"), "not plain"},
		{"empty", regular(""), "not plain"},
		{"too long", regular(strings.Repeat("n", 256)), "not plain"},
		{"twice", regular("OK"), "two files of the same name"},
		{"symlink", special(tar.TypeSymlink, "/etc/passwd"), "something else than a regular file, as entry 2"},
		{"hard link", special(tar.TypeLink, "OK"), "something else"},
		{"directory", special(tar.TypeDir, ""), "something else"},
		{"pipe", special(tar.TypeFifo, ""), "something else"},
		{"symlink, then through it", append(special(tar.TypeSymlink, "/srv"), tar.Header{Name: "X/escaped", Typeflag: tar.TypeReg}), "something else"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := tarWith(t, tt.headers, map[string]string{})
			if err := CheckTar(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			f := fileOf(t, identity, "/srv/d", text)
			f.Layout = LayoutDirectory
			b := newBox(t, hasPython)
			b.put("/srv/keep", "x", 0o600)
			got := b.run(renderUnopened(t, identity, f))
			b.wantNothing("/srv/escaped")
			b.wantNothing("/escaped")
			b.wantFailure(got, 5, "payload-malformed", "/srv/d: the payload")
			b.wantNothing("/srv/d")
		})
	}
}

func TestRenderOpensTars(t *testing.T) {
	identity := newIdentity(t)
	f := directoryOf(t, identity, "/srv/d", someKeys)
	f.Payload = seal(t, canary, identity.Recipient())
	_, err := Render(Params{Files: []File{f}, Identity: secret.New(identity.String())})
	var refused *ParamError
	if !errors.As(err, &refused) || refused.Field != "Payload" || !strings.Contains(refused.Problem, "is no tar") {
		t.Errorf("got %v", err)
	}
	f.Layout = "tree"
	_, err = Render(Params{Files: []File{f}, Identity: secret.New(identity.String())})
	if err == nil || !strings.Contains(err.Error(), `Layout "tree" is not a layout: write "file" or "directory"`) {
		t.Errorf("got %v", err)
	}
}

// useBusybox puts busybox in the place of every tool.
func (b *box) useBusybox() {
	b.t.Helper()
	p, err := exec.LookPath("busybox")
	if err != nil {
		b.t.Skip("busybox is not installed")
	}
	for _, tool := range allTools {
		b.install(filepath.Base(tool), p)
	}
}
