package agekey_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSourcesAreMerged gives each source a key of its own and finds them all.
func TestSourcesAreMerged(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the key command in this test is cat")
	}
	dir := t.TempDir()
	pairs := make([]keyPair, 7)
	var want []string
	for i := range pairs {
		pairs[i] = x25519Pair(t)
		want = append(want, pairs[i].recipient)
	}
	ssh := allPairs(t)["ssh-ed25519"]
	want = append(want, ssh.recipient)

	env := map[string]string{
		agekey.EnvKey:     "# from a file\n" + pairs[0].identity + " " + pairs[1].identity + "\n",
		agekey.EnvKeyFile: write(t, filepath.Join(dir, "env-keys.txt"), pairs[2].identity+"\n"),
		agekey.EnvKeyCmd:  "cat '" + write(t, filepath.Join(dir, "a name", "cmd-keys.txt"), pairs[3].identity) + "'",
		agekey.EnvSSHFile: write(t, filepath.Join(dir, "id"), ssh.identity),
		"XDG_CONFIG_HOME": filepath.Join(dir, "config"),
		"HOME":            filepath.Join(dir, "home"),
	}
	write(t, filepath.Join(dir, "config", "sops", "age", "keys.txt"), pairs[4].identity)
	sources := agekey.SourcesFromEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	sources.Files = []string{write(t, filepath.Join(dir, "named.txt"), pairs[5].identity)}
	sources.Given = mustIdentities(t, pairs[6].identity)

	ring := sources.Load(context.Background())
	got := agekey.Texts(agekey.Recipients(ring.Identities))
	slices.Sort(want)
	if !slices.Equal(got, want) || len(ring.Problems) != 0 {
		t.Errorf("got %v (problems %v), want %v", got, ring.Problems, want)
	}
}

func TestAFailingSourceHidesNoOther(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the key commands in this test are a shell's")
	}
	dir := t.TempDir()
	good := x25519Pair(t)
	broken := x25519Pair(t).identity[:50]
	for name, tt := range map[string]struct {
		spoil func(*agekey.Sources)
		want  string
	}{
		"no such file":   {func(s *agekey.Sources) { s.Files = []string{filepath.Join(dir, "missing")} }, "no such file"},
		"directory":      {func(s *agekey.Sources) { s.Files = []string{dir} }, "directory"},
		"malformed file": {func(s *agekey.Sources) { s.KeyFile = write(t, filepath.Join(dir, "bad"), "\n"+broken) }, "line 2"},
		"huge file": {func(s *agekey.Sources) {
			s.SSHFile = write(t, filepath.Join(dir, "huge"), strings.Repeat("x", 1<<20+1))
		}, "1 MiB"},
		"no such command":  {func(s *agekey.Sources) { s.KeyCmd = "ageenv-no-such-program" }, "could not be started"},
		"failing command":  {func(s *agekey.Sources) { s.KeyCmd = "sh -c 'echo " + broken + " >&2; exit 3'" }, "exit code 3"},
		"endless output":   {func(s *agekey.Sources) { s.KeyCmd = "cat /dev/zero" }, "more than 1 MiB"},
		"endless file":     {func(s *agekey.Sources) { s.KeyFile = "/dev/zero" }, "write its content to a file, or give the command that prints it in SOPS_AGE_KEY_CMD"},
		"unclosed quote":   {func(s *agekey.Sources) { s.KeyCmd = "cat 'x" }, "quotes"},
		"command's output": {func(s *agekey.Sources) { s.SSHCmd = "echo " + broken }, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			sources := agekey.Sources{Given: mustIdentities(t, good.identity)}
			tt.spoil(&sources)
			ring := sources.Load(context.Background())
			if len(ring.Identities) != 1 || len(ring.Problems) != 1 || !strings.Contains(ring.Problems[0], tt.want) {
				t.Fatalf("got %d identities, problems %q, want %q", len(ring.Identities), ring.Problems, tt.want)
			}
			if strings.Contains(ring.Problems[0], broken[20:]) {
				t.Error("a problem shows what was read")
			}
		})
	}
}

// A key where the path of its file belongs is named by the place, and not shown.
func TestAKeyIsNoPath(t *testing.T) {
	key := x25519Pair(t).identity
	for place, sources := range map[string]agekey.Sources{
		agekey.EnvKeyFile: {KeyFile: key},
		agekey.EnvSSHFile: {SSHFile: allPairs(t)["ssh-ed25519"].identity},
		"identity_files":  {Files: []string{"/run/" + strings.ToLower(key)}},
	} {
		ring := sources.Load(context.Background())
		want := []string{place + ": it holds a private key, and the path of a key file belongs there: put the key into a file, or give it in SOPS_AGE_KEY"}
		if !slices.Equal(ring.Problems, want) {
			t.Errorf("got %q, want %q", ring.Problems, want)
		}
	}
}
