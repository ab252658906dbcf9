package agekeytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
)

// A test's program is what asks plugins in it.
func init() { ageplugin.RunChild() }

// PluginName is the name of the age plugin for tests.
const PluginName = "ageenvtest"

// PluginCanary is in all that the plugin for tests says: nothing of it may be shown.
const PluginCanary = "PLUGIN-CANARY"

// Plugin is an age plugin for tests: test/ageplugin says how its keys
// behave.
type Plugin struct {
	tb    testing.TB
	built string
	dir   string
}

var builtPlugin = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ageenv-testplugin-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "testplugin")
	out, err := exec.Command("go", "build", "-o", program, "github.com/ageenv/terraform-provider-ageenv/test/ageplugin").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out)}
	}
	return program, nil
})

type buildError struct{ out string }

func (e *buildError) Error() string { return "building the test plugin failed: " + e.out }

// NewPlugin builds the plugin and puts it on PATH, for the test.
func NewPlugin(tb testing.TB) *Plugin {
	tb.Helper()
	p := NewPluginOffPath(tb)
	tb.Setenv("PATH", p.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return p
}

// NewPluginOffPath builds the plugin, for programs that get a PATH of their own.
func NewPluginOffPath(tb testing.TB) *Plugin {
	tb.Helper()
	program, err := builtPlugin()
	if err != nil {
		tb.Fatal(err)
	}
	p := &Plugin{tb: tb, built: program, dir: tb.TempDir()}
	p.Restore()
	return p
}

// Dir is the directory that is on PATH.
func (p *Plugin) Dir() string { return p.dir }

// Program is the plugin's program.
func (p *Plugin) Program() string { return filepath.Join(p.dir, ageplugin.Program(PluginName)) }

// KeyFile is a key file with a new identity that behaves as mode says, and its recipient
// in a comment.
func (p *Plugin) KeyFile(mode string) string {
	p.tb.Helper()
	out, err := exec.Command(p.Program(), "-generate", mode).Output() //nolint:noctx // the plugin
	if err != nil {
		p.tb.Fatal(err)
	}
	return string(out)
}

// Identity is a new identity that behaves as mode says.
func (p *Plugin) Identity(mode string) agekey.Identity {
	p.tb.Helper()
	return Parse(p.tb, p.KeyFile(mode))
}

// Noted returns what the plugin was given by now: the lines of calls, unwraps, argv,
// environ, files (open ones) or filekeys (hex).
func (p *Plugin) Noted(what string) []string {
	p.tb.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, what))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// Forget removes what was noted.
func (p *Plugin) Forget() {
	for _, what := range []string{"calls", "unwraps", "argv", "environ", "files", "filekeys"} {
		_ = os.Remove(filepath.Join(p.dir, what))
	}
}

// Remove takes the plugin off PATH.
func (p *Plugin) Remove() { _ = os.Remove(p.Program()) }

// Restore puts the plugin back. It is a hard link: the program finds its directory by its
// own path, and a copy can't be started while a test beside this one starts something.
func (p *Plugin) Restore() {
	p.tb.Helper()
	if err := os.Link(p.built, p.Program()); err != nil {
		p.tb.Fatal(err)
	}
}
