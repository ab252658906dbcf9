package dotenv_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	composego "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// oracle is a program that reads env text for a living.
type oracle struct {
	name string
	read func(t *testing.T, text string) (map[string]string, error)
}

// oracles returns the readers of a dialect. Those that are not installed are named
// by a skipped subtest.
func oracles(t *testing.T, dialect dotenv.Dialect) []oracle {
	t.Helper()
	compose := oracle{"compose-go", func(_ *testing.T, text string) (map[string]string, error) { return readAsCompose(text) }}
	switch dialect {
	case dotenv.Compose:
		return []oracle{compose}
	case dotenv.Docker:
		// compose's format: raw is this parser, too.
		return []oracle{{"kvfile", func(_ *testing.T, text string) (map[string]string, error) { return readAsDocker(text) }}}
	case dotenv.Systemd:
		return systemd(t)
	case dotenv.Shell:
		return shells(t)
	case dotenv.Portable:
		return slices.Concat([]oracle{compose}, systemd(t), shells(t))
	}
	t.Fatalf("no oracle for %s", dialect)
	return nil
}

func readAsCompose(text string) (map[string]string, error) {
	return composego.ParseWithLookup(strings.NewReader(text), nil)
}

func readAsDocker(text string) (map[string]string, error) {
	lines, err := kvfile.ParseFromReader(strings.NewReader(text), nil)
	if err != nil {
		return nil, err
	}
	read := map[string]string{}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		read[key] = value // docker passes the last one on
	}
	return read, nil
}

// pairs makes a map of NAME=value.
func pairs(lines []string) (map[string]string, error) {
	read := map[string]string{}
	for _, line := range lines {
		key, value, found := strings.Cut(line, "=")
		if _, twice := read[key]; twice || !found {
			return nil, fmt.Errorf("%q is there twice, or has no value", key)
		}
		read[key] = value
	}
	return read, nil
}

// shells are those of this machine, each in a locale of bytes and in one of UTF-8.
func shells(t *testing.T) []oracle {
	t.Helper()
	dump := lookPath(t, "env")
	if dump == "" {
		return nil
	}
	var found []oracle
	for _, command := range [][]string{{"dash"}, {"bash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"mksh"}, {"ksh"}, {"zsh", "-f"}} {
		program := lookPath(t, command[0])
		if program == "" {
			continue
		}
		for _, locale := range []string{"C", "C.UTF-8"} {
			s := shell{command: append([]string{program}, command[1:]...), locale: locale, dump: dump, dir: t.TempDir()}
			own, err := s.source(t, "")
			if err != nil {
				t.Fatal(err)
			}
			s.own = own
			found = append(found, oracle{strings.Join(command, " ") + " in " + locale, s.read})
		}
	}
	return found
}

func lookPath(t *testing.T, program string) string {
	t.Helper()
	found, err := exec.LookPath(program)
	if err != nil {
		t.Run(program, func(t *testing.T) { t.Skipf("%s is not installed, so what it reads is not tested", program) })
	}
	return found
}

type shell struct {
	command           []string
	locale, dump, dir string
	own               map[string]string // what it sets itself
}

// read sources the text, exporting what it sets, and returns the environment
// without what the shell sets itself.
func (s shell) read(t *testing.T, text string) (map[string]string, error) {
	read, err := s.source(t, text)
	maps.DeleteFunc(read, func(key, value string) bool { before, ok := s.own[key]; return ok && before == value })
	return read, err
}

func (s shell) source(t *testing.T, text string) (map[string]string, error) {
	if err := os.WriteFile(filepath.Join(s.dir, "env"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.command[0], append(s.command[1:], "-c", "set -a; . ./env; exec "+s.dump+" -0")...)
	cmd.Dir = s.dir
	// No program is found, so that one that is run by mistake is an error.
	cmd.Env = []string{"PATH=/nonexistent", "LC_ALL=" + s.locale}
	return output(cmd)
}

// output runs a command that prints assignments, each ended by a NUL byte, and
// nothing on stderr.
func output(cmd *exec.Cmd) (map[string]string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		return nil, fmt.Errorf("%v: %s", err, stderr.Bytes())
	}
	return pairs(strings.FieldsFunc(stdout.String(), func(c rune) bool { return c == 0 }))
}

// systemdLibraries are where Debian's packages have it.
var systemdLibraries = []string{"/usr/lib/*/systemd/libsystemd-shared-*.so", "/usr/lib/systemd/libsystemd-shared-*.so", "/lib/systemd/libsystemd-shared-*.so"}

// systemd is the loader that systemd itself reads an EnvironmentFile with.
func systemd(t *testing.T) []oracle {
	t.Helper()
	var library string
	for _, pattern := range systemdLibraries {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			library = found[0]
			break
		}
	}
	if library == "" {
		t.Run("systemd", func(t *testing.T) {
			t.Skip("libsystemd-shared is not installed, so what systemd reads is not tested")
		})
		return nil
	}
	python := lookPath(t, "python3")
	if python == "" {
		return nil
	}
	return []oracle{{"systemd", func(t *testing.T, text string) (map[string]string, error) {
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return output(exec.CommandContext(t.Context(), python, filepath.Join("testdata", "load_env_file.py"), library, file))
	}}}
}

// checkReadBy has a dialect's readers read a text that means the document.
func checkReadBy(t *testing.T, readers []oracle, text string, doc dotenv.Document) {
	t.Helper()
	want := reveal(doc)
	for _, o := range readers {
		got, err := o.read(t, text)
		if err != nil {
			t.Errorf("%s refuses %.200q: %v", o.name, text, err)
			continue
		}
		for key := range got {
			if _, ok := want[key]; !ok {
				t.Errorf("%s finds an entry %q too", o.name, key)
			}
		}
		for key, value := range want {
			if read, ok := got[key]; !ok || read != value {
				t.Errorf("%s reads %s as %q (%v), want %q", o.name, key, read, ok, value)
			}
		}
	}
}
