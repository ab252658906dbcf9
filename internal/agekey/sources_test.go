package agekey_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age/plugin"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
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
	pairs := make([]keyPair, 8)
	var want []string
	for i := range pairs {
		pairs[i] = x25519Pair(t)
		want = append(want, pairs[i].recipient)
	}
	ssh := allPairs(t)["ssh-ed25519"]
	want = append(want, ssh.recipient)
	users := allPairs(t)
	pairs[7].identity = "# for age-plugin-yubikey\n" + pluginIdentity[:30] + "\n" + pluginIdentity + "\n" + pairs[7].identity + "\n"

	env := map[string]string{
		agekey.EnvKey:     "# from a file\n" + pairs[0].identity + " " + pairs[1].identity + "\n",
		agekey.EnvKeyFile: write(t, filepath.Join(dir, "env-keys.txt"), pairs[2].identity+"\n"),
		agekey.EnvKeyCmd:  "cat '" + write(t, filepath.Join(dir, "a name", "cmd-keys.txt"), pairs[3].identity) + "'",
		agekey.EnvSSHFile: write(t, filepath.Join(dir, "id"), ssh.identity),
		"XDG_CONFIG_HOME": filepath.Join(dir, "config"),
		"HOME":            filepath.Join(dir, "home"),
	}
	write(t, filepath.Join(dir, "config", "sops", "age", "keys.txt"), pairs[4].identity)
	write(t, filepath.Join(dir, "home", ".ssh", "id_ed25519"), users["ssh-ed25519"].identity)
	write(t, filepath.Join(dir, "home", ".ssh", "id_rsa"), users["ssh-rsa"].identity)
	sources := agekey.SourcesFromEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	sources.Files = []string{write(t, filepath.Join(dir, "named.txt"), pairs[5].identity), write(t, filepath.Join(dir, "plugin.txt"), pairs[7].identity)}
	sources.Given = mustIdentities(t, pairs[6].identity)

	ring := sources.Load(context.Background())
	slices.Sort(want)
	if got := agekey.Texts(agekey.Recipients(ring.Dedicated)); !slices.Equal(got, want) {
		t.Errorf("meant for age are %v, want %v", got, want)
	}
	// sops 3.12 and later try both of the user's SSH keys.
	want = append(want, users["ssh-ed25519"].recipient, users["ssh-rsa"].recipient)
	slices.Sort(want)
	if got := agekey.Texts(agekey.Recipients(ring.Identities)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(ring.Problems) != 1 || !strings.Contains(ring.Problems[0], `plugin.txt"): line 2: this is not a whole identity of an age plugin`) {
		t.Errorf("problems %q, want one of the plugin", ring.Problems)
	}
	if got := agekey.PluginsOfUnknownRecipient(ring.Dedicated); !slices.Equal(got, []string{"age-plugin-yubikey"}) {
		t.Errorf("identities of unknown recipients are of %q", got)
	}
}

// pluginIdentity is as age-plugin-yubikey writes it.
var pluginIdentity = plugin.EncodeIdentity("yubikey", []byte{1, 2, 3, 4, 5, 6, 7, 8})

// A user's SSH key with a passphrase is named, and a missing one is not.
func TestUserSSHKeyWithPassphrase(t *testing.T) {
	home := t.TempDir()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "somebody@somewhere", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(home, ".ssh", "id_ed25519"), string(pem.EncodeToMemory(block)))
	variable := "HOME"
	if runtime.GOOS == "windows" {
		variable = "USERPROFILE"
	}
	ring := agekey.SourcesFromEnvironment(func(name string) (string, bool) {
		if name == variable {
			return home, true
		}
		return "", false
	}).Load(context.Background())
	want := []string{fmt.Sprintf("the user's SSH key (%q): this SSH key has a passphrase, and nobody can be asked for it here: use an age key, or a copy without one", path)}
	if len(ring.Identities) != 0 || !slices.Equal(ring.Problems, want) {
		t.Errorf("got %d identities, problems %q, want %q", len(ring.Identities), ring.Problems, want)
	}
}

// A file that is no key file fills no screen.
func TestManyLinesThatAreNoKeys(t *testing.T) {
	good := x25519Pair(t)
	path := write(t, filepath.Join(t.TempDir(), "app.log"), strings.Repeat("canary \x1b[31m\n", 10_000)+good.identity+"\n")
	ring := agekey.Sources{Files: []string{path}}.Load(context.Background())
	if len(ring.Identities) != 1 || len(ring.Problems) != 4 || !strings.HasSuffix(ring.Problems[3], "app.log\"): 9997 more lines are no identities either") {
		t.Errorf("got %d identities, problems %q", len(ring.Identities), ring.Problems)
	}
	for _, problem := range ring.Problems {
		if strings.Contains(problem, "canary") || strings.Contains(problem, "\x1b") {
			t.Errorf("a problem shows the file: %q", problem)
		}
	}
}

// A line that can't be used hides no key of the same file from Load. ParseIdentities
// takes no mistakes: it reads what is given as a key.
func TestALineHidesNoOther(t *testing.T) {
	good := x25519Pair(t)
	for name, tt := range map[string]struct {
		text, parsed string // the error of ParseIdentities
		ids          int
		problem      string
	}{
		"a plugin cut off":  {pluginIdentity[:30] + "\n" + good.identity + "\n", "line 1: this is not a whole identity of an age plugin", 1, "line 1: this is not a whole identity of an age plugin"},
		"a key cut off":     {good.identity[:40] + "\n" + good.identity, "line 1: this is not an identity", 1, "line 1: this is not an identity"},
		"a recipient after": {good.identity + "\n" + good.recipient, "line 2: this is a recipient", 1, "line 2: this is a recipient"},
	} {
		t.Run(name, func(t *testing.T) {
			ids, err := agekey.ParseIdentities(secret.New(tt.text))
			if (tt.parsed == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.parsed) || err == nil && len(ids) != tt.ids {
				t.Errorf("ParseIdentities gives %d, %v, want %q", len(ids), err, tt.parsed)
			}
			ring := agekey.Sources{Files: []string{write(t, filepath.Join(t.TempDir(), "keys.txt"), tt.text)}}.Load(context.Background())
			if len(ring.Identities) != tt.ids || len(ring.Problems) != 1 || !strings.Contains(ring.Problems[0], tt.problem) {
				t.Errorf("Load gives %d identities, problems %q, want %q", len(ring.Identities), ring.Problems, tt.problem)
			}
		})
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
