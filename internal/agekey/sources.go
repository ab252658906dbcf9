package agekey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/shlex"

	"github.com/ageenv/terraform-provider-ageenv/internal/regularfile"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// The environment variables that hold identities or tell where they are, as
// sops 3.13 reads them.
const (
	EnvKey       = "SOPS_AGE_KEY"
	EnvKeyFile   = "SOPS_AGE_KEY_FILE"
	EnvKeyCmd    = "SOPS_AGE_KEY_CMD"
	EnvSSHFile   = "SOPS_AGE_SSH_PRIVATE_KEY_FILE"
	EnvSSHCmd    = "SOPS_AGE_SSH_PRIVATE_KEY_CMD"
	userKeysPath = "sops/age/keys.txt"
)

// userSSHKeys are where sops looks for the user's SSH keys, under the home directory.
var userSSHKeys = []string{".ssh/id_ed25519", ".ssh/id_rsa"}

// commandTimeout bounds a key command: it may ask a password manager or a token.
const commandTimeout = time.Minute

// maxKeyFile is the largest key file or command output that is read, in bytes.
const maxKeyFile = 1 << 20

// Sources tells where identities are looked for. All places are read and
// merged, as sops does; a place that fails does not hide the others.
type Sources struct {
	Given []Identity // from the configuration
	Files []string   // key files named in the configuration

	Key      secret.Text // SOPS_AGE_KEY: identities, separated by white space
	KeyFile  string      // SOPS_AGE_KEY_FILE
	KeyCmd   string      // SOPS_AGE_KEY_CMD: a command line, split like a shell's, run without one
	SSHFile  string      // SOPS_AGE_SSH_PRIVATE_KEY_FILE
	SSHCmd   string      // SOPS_AGE_SSH_PRIVATE_KEY_CMD
	UserKeys string      // the user's sops/age/keys.txt; it need not exist
	UserSSH  []string    // the user's own SSH keys; they need not exist
}

// SourcesFromEnvironment reads the environment as sops does. Nothing is opened
// or run until Load.
func SourcesFromEnvironment(lookup func(string) (string, bool)) Sources {
	get := func(name string) string { value, _ := lookup(name); return value }
	s := Sources{
		Key:     secret.New(get(EnvKey)),
		KeyFile: get(EnvKeyFile),
		KeyCmd:  get(EnvKeyCmd),
		SSHFile: get(EnvSSHFile),
		SSHCmd:  get(EnvSSHCmd),
	}
	if dir := userConfigDir(get); dir != "" {
		s.UserKeys = filepath.Join(dir, filepath.FromSlash(userKeysPath))
	}
	homeVariable := "HOME"
	if runtime.GOOS == "windows" {
		homeVariable = "USERPROFILE"
	}
	if home := get(homeVariable); home != "" {
		for _, name := range userSSHKeys {
			s.UserSSH = append(s.UserSSH, filepath.Join(home, filepath.FromSlash(name)))
		}
	}
	return s
}

// userConfigDir follows os.UserConfigDir, with XDG_CONFIG_HOME honoured on
// macOS too, as sops does.
func userConfigDir(get func(string) string) string {
	home := get("HOME")
	switch {
	case runtime.GOOS == "windows":
		return get("AppData")
	case filepath.IsAbs(get("XDG_CONFIG_HOME")):
		return get("XDG_CONFIG_HOME")
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support")
	}
	return filepath.Join(home, ".config")
}

// Keyring is what the sources gave.
type Keyring struct {
	Identities []Identity
	// Dedicated are those of the identities that somebody keeps for age or sops. The
	// others are the user's own SSH keys: they open what is encrypted to them, and
	// nothing is encrypted to them unasked.
	Dedicated []Identity
	// Problems says, a line each, which sources failed and why; no line holds
	// anything that was read.
	Problems []string
}

// namedLines is how many lines of a source are named that can't be used. A variable may
// name a file that is no key file at all.
const namedLines = 3

// Load reads every source. It runs the key commands, each for a minute at most.
func (s Sources) Load(ctx context.Context) Keyring {
	ring := Keyring{Identities: append([]Identity(nil), s.Given...)}
	add := func(place string, text secret.Text, err error) {
		problems := []error{err}
		if err == nil {
			var ids []Identity
			ids, problems = readIdentities(text)
			ring.Identities = append(ring.Identities, ids...)
		}
		more := len(problems) - namedLines
		for _, problem := range problems[:min(len(problems), namedLines)] {
			ring.Problems = append(ring.Problems, fmt.Sprintf("%s: %s", place, problem))
		}
		if more > 0 {
			ring.Problems = append(ring.Problems, fmt.Sprintf("%s: %d more lines are no identities either", place, more))
		}
	}
	addFile := func(place, path string) {
		if ContainsPrivateKey(path) {
			add(place, secret.Text{}, errKeyAsPath)
			return
		}
		text, err := readKeyFile(path)
		add(fmt.Sprintf("%s (%q)", place, path), text, err)
	}
	addCommand := func(name, command string) {
		text, err := runKeyCommand(ctx, command)
		add("the command in "+name, text, err)
	}

	for _, path := range s.Files {
		addFile("identity_files", path)
	}
	if s.SSHFile != "" {
		addFile(EnvSSHFile, s.SSHFile)
	}
	if s.SSHCmd != "" {
		addCommand(EnvSSHCmd, s.SSHCmd)
	}
	if !s.Key.IsEmpty() {
		add(EnvKey, onePerLine(s.Key), nil)
	}
	if s.KeyFile != "" {
		addFile(EnvKeyFile, s.KeyFile)
	}
	if s.KeyCmd != "" {
		addCommand(EnvKeyCmd, s.KeyCmd)
	}
	if s.UserKeys != "" {
		if _, err := os.Stat(s.UserKeys); err == nil {
			addFile("the user's sops key file", s.UserKeys)
		}
	}
	asked := newMemory() // one for all: they may belong to the same plugin
	ring.Identities = withPlugin(ring.Identities, func(p *pluginIdentity) { p.memory = asked })
	ring.Dedicated = slices.Clone(ring.Identities)
	for _, path := range s.UserSSH {
		if _, err := os.Stat(path); err == nil {
			addFile("the user's SSH key", path)
		}
	}
	return ring
}

// errKeyAsPath: a place that names a key file holds the key.
var errKeyAsPath = errors.New("it holds a private key, and the path of a key file belongs there: " +
	"put the key into a file, or give it in SOPS_AGE_KEY")

// onePerLine puts each key on a line of its own: sops allows several on one line
// in SOPS_AGE_KEY, and only there.
func onePerLine(text secret.Text) secret.Text {
	lines := strings.Split(text.Reveal(), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") && !strings.Contains(text.Reveal(), "-----BEGIN ") {
			lines[i] = strings.Join(strings.Fields(line), "\n")
		}
	}
	return secret.New(strings.Join(lines, "\n"))
}

func readKeyFile(path string) (secret.Text, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return secret.Text{}, errors.New("the home directory is not known, so ~/ can't be followed")
		}
		path = filepath.Join(home, rest)
	}
	text, err := regularfile.Read(path, maxKeyFile)
	if errors.Is(err, regularfile.ErrIrregular) {
		return secret.Text{}, fmt.Errorf("%w, or give the command that prints it in %s", err, EnvKeyCmd)
	}
	return text, err
}

// runKeyCommand runs a key command. What it prints on its standard error is
// dropped: it may quote a key.
func runKeyCommand(ctx context.Context, command string) (secret.Text, error) {
	args, err := shlex.Split(command)
	if err != nil || len(args) == 0 {
		return secret.Text{}, errors.New("its quotes don't match, or it is empty")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the operator's own command, as sops runs it
	cmd.WaitDelay = time.Second
	var out bounded
	cmd.Stdout = &out
	err = cmd.Run()
	switch {
	case out.exceeded: // it was ended by that
		return secret.Text{}, errors.New("it printed more than 1 MiB")
	case ctx.Err() != nil:
		return secret.Text{}, fmt.Errorf("it did not end within %s", commandTimeout)
	case err != nil && cmd.ProcessState == nil:
		return secret.Text{}, errors.New("it could not be started: no such program, or it may not be run")
	case err != nil:
		return secret.Text{}, fmt.Errorf("it ended with exit code %d", cmd.ProcessState.ExitCode())
	}
	return secret.New(out.String()), nil
}

// bounded keeps what a key command prints, and fails once that is more than a key
// file may hold.
type bounded struct {
	strings.Builder
	exceeded bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.exceeded = b.exceeded || b.Len()+len(p) > maxKeyFile; b.exceeded {
		return 0, errors.New("too long")
	}
	return b.Builder.Write(p)
}
