package attack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// At a later boot the units do this once cloud-init is done.
func (b *box) wait() outcome {
	b.t.Helper()
	return b.command(limit, "/usr/local/sbin/ageenv", "wait")
}

// An owner that runcmd makes, after the script: it failed for good.
func TestOwnerThatComesLater(t *testing.T) {
	b := newBox(t, "tmpfs")
	identity := newIdentity(t)
	file := fileOf(t, identity, "/srv/app/.env", "0600", newer)
	file.Owner, file.Group = "app", "app"
	got := b.run(render(t, identity, file, fileOf(t, identity, "/srv/other", "0600", newer)))
	b.wantRefused(got, 0, "owner")
	b.wantNothing("/srv/app/.env")
	b.wantNothing("/srv/other")

	b.makeUser("app")
	b.wantRefused(b.wait(), 0, "")
	b.want("/srv/app/.env", newer, 1234, 0o600)
	b.want("/srv/other", newer, 0, 0o600)
	b.wantNoDrafts()
}

// A project that is cloned after the script: the first boot failed, and what docker said was
// not shown.
func TestComposeFileThatComesLater(t *testing.T) {
	b := newBox(t, "tmpfs")
	must(t, os.MkdirAll(b.path("/srv/app"), 0o755))
	// As docker compose 2 does.
	b.put("/usr/local/sbin/docker", `#!/bin/sh
echo "$PWD $*" >>/srv/calls
[ -e compose.yaml ] || { echo "no configuration file provided: not found" >&2; exit 14; }
`, 0o755)
	identity := newIdentity(t)
	script, err := firstboot.Render(firstboot.Params{
		Files: []firstboot.File{fileOf(t, identity, "/srv/app/.env", "0600", newer)}, Identity: secret.New(identity.String()), RecreateCompose: []string{"/srv/app"},
	})
	must(t, err)
	b.wantRefused(b.run(script), 0, "compose-missing")
	b.want("/srv/app/.env", newer, 0, 0o600)

	b.put("/srv/app/compose.yaml", "services: {}\n", 0o644)
	b.wantRefused(b.wait(), 0, "")
	if got, want := b.read("/srv/calls"), "/srv/app compose up -d --force-recreate\n"; !strings.HasSuffix(got, want) {
		t.Errorf("docker was called so: %q, want %q at the end", got, want)
	}
}

// Tars that the provider could not look into, because the identity is on the box alone.
func TestTarsOfAnIdentityOnTheBox(t *testing.T) {
	for name, payload := range map[string][]byte{
		"300 MB, gzipped":    gzipped(t, tarOf(t, "TOKEN", 300<<20)),
		"a name given twice": plainTar(t, tarOf(t, "TOKEN", 8), tarOf(t, "TOKEN", 9)),
		"a name above":       plainTar(t, tarOf(t, "../TOKEN", 8)),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "tmpfs")
			identity := newIdentity(t)
			b.put("/etc/box.key", identity.String()+"\n", 0o600)
			file := firstboot.File{Payload: seal(t, identity, payload), Path: "/srv/keys", Owner: "0", Group: "0", Mode: "0600", Layout: firstboot.LayoutDirectory}
			script, err := firstboot.Render(firstboot.Params{Files: []firstboot.File{file}, IdentityFile: "/etc/box.key"})
			must(t, err)
			before := memoryInUse(t)
			began := time.Now()
			got := b.run(script)
			b.wantRefused(got, 5, "payload-malformed")
			b.wantNothing("/srv/keys")
			b.wantNoDrafts()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if more := memoryInUse(t) - before; more > 64<<20 {
				t.Errorf("%d MB of memory are still in use", more>>20)
			}
		})
	}
}

func memoryInUse(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	must(t, err)
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "Shmem: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	t.Fatal("/proc/meminfo has no Shmem")
	return 0
}

// tarOf returns a function that writes one file of zeros.
func tarOf(t testing.TB, name string, size int64) func(*tar.Writer) {
	return func(w *tar.Writer) {
		must(t, w.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, Typeflag: tar.TypeReg}))
		_, err := io.CopyN(w, zeros{}, size)
		must(t, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func plainTar(t testing.TB, parts ...func(*tar.Writer)) []byte {
	t.Helper()
	var out bytes.Buffer
	writeTar(t, &out, parts...)
	return out.Bytes()
}

func gzipped(t testing.TB, parts ...func(*tar.Writer)) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	writeTar(t, w, parts...)
	must(t, w.Close())
	return out.Bytes()
}

func writeTar(t testing.TB, out io.Writer, parts ...func(*tar.Writer)) {
	t.Helper()
	w := tar.NewWriter(out)
	for _, part := range parts {
		part(w)
	}
	must(t, w.Close())
}
