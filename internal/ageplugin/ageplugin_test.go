package ageplugin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const name = agekeytest.PluginName

// lines are the recipient and the identity of a key file.
func lines(t *testing.T, keyFile string) (recipient string, identity secret.Text) {
	t.Helper()
	first, second, ok := strings.Cut(strings.TrimSpace(keyFile), "\n")
	if !ok {
		t.Fatal("a key file has two lines")
	}
	return strings.TrimPrefix(first, "# public key: "), secret.New(second)
}

var fileKey = []byte("0123456789abcdef")

func wrapped(t *testing.T, recipient string) []*age.Stanza {
	t.Helper()
	w, err := ageplugin.Wrap(t.Context(), name, recipient, fileKey)
	if err != nil {
		t.Fatal(err)
	}
	return w.Stanzas
}

// shortTimeout bounds the tests of plugins that hang.
func shortTimeout(t *testing.T, d time.Duration) {
	t.Helper()
	before := ageplugin.SetTimeout(d)
	t.Cleanup(func() { ageplugin.SetTimeout(before) })
}

// running lists the processes whose program is in a directory, or that ask a plugin.
func running(t *testing.T, dir string) (found []string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("/proc is looked at")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		line, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil || len(line) == 0 {
			continue
		}
		self, _ := os.Executable()
		program, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "exe")) // a plugin's arguments hold its name alone
		if bytes.Contains(line, []byte(dir)) || strings.HasPrefix(program, dir) || bytes.HasPrefix(line, []byte(self+"\x00ask-age-plugin")) {
			found = append(found, entry.Name()+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// nothingRuns fails unless all is gone soon: the kernel needs a moment to end a process
// that was killed.
func nothingRuns(t *testing.T, dir string) {
	t.Helper()
	var left []string
	for range 100 {
		if left = running(t, dir); len(left) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("left running: %q", left)
}

func TestPlugin(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	recipient, identity := lines(t, plugin.KeyFile("works"))
	_, stranger := lines(t, plugin.KeyFile("works"))
	stanzas := wrapped(t, recipient)

	got, err := ageplugin.Unwrap(t.Context(), name, []secret.Text{stranger, identity}, stanzas)
	if err != nil || !bytes.Equal(got, fileKey) {
		t.Errorf("got %x and %v", got, err)
	}
	if _, err := ageplugin.Unwrap(t.Context(), name, []secret.Text{stranger}, stanzas); !errors.Is(err, ageplugin.ErrNoMatch) {
		t.Errorf("a stranger: %v", err)
	}
	nothingRuns(t, plugin.Dir())
}

func TestFaults(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	shortTimeout(t, 3*time.Second)
	for mode, tt := range map[string]struct {
		fault ageplugin.Fault // empty: it works
		says  string
	}{
		"refuse":         {ageplugin.Refused, "refused"},
		"hang":           {ageplugin.TimedOut, "did not answer within 1.5s: it may wait"},
		"hang-message":   {ageplugin.TimedOut, "It had shown a message, which asks for a touch"},
		"linger":         {ageplugin.TimedOut, "did not answer"},
		"crash":          {ageplugin.Ended, "ended without an answer"},
		"end":            {ageplugin.Ended, "ended without an answer"},
		"garbage":        {ageplugin.Malformed, "is not the protocol"},
		"flood-line":     {ageplugin.Flooded, "sent more than is read"},
		"flood-body":     {ageplugin.Flooded, "sent more than is read"},
		"flood-stanzas":  {ageplugin.Flooded, "sent more than is read"},
		"flood-messages": {ageplugin.Flooded, "sent more than is read"},
		"message":        {},
		"pin":            {ageplugin.Asked, "asked for a PIN"},
		"pin-again":      {ageplugin.Asked, "asked for a PIN"},
		"pin-anyway":     {},
		"text":           {ageplugin.Asked, "asked for a PIN or another text"},
		"confirm":        {ageplugin.Confirm, "asked for a confirmation"},
		"terminal":       {ageplugin.Refused, "refused"},
		"grandchild":     {},
		"works":          {},
		// The world's worst.
		"session":            {ageplugin.TimedOut, "did not answer"},
		"grandchild-session": {ageplugin.TimedOut, "did not answer"},
		"grandchild-stdout":  {ageplugin.TimedOut, "did not answer"},
		"stop":               {ageplugin.TimedOut, "did not answer"},
		"pin-hang":           {ageplugin.Asked, "asked for a PIN"},
		"kill-parent":        {ageplugin.Ended, "ended without an answer"},
		"short":              {ageplugin.Malformed, "is not the protocol"},
		"stderr":             {},
		"slow":               {},
		"core":               {},
	} {
		t.Run(mode, func(t *testing.T) {
			limit := 3 * time.Second
			if tt.fault == ageplugin.TimedOut || mode == "pin-hang" {
				limit = 1500 * time.Millisecond
			}
			shortTimeout(t, limit) // each is waited for
			recipient, identity := lines(t, plugin.KeyFile(mode))
			stanzas := wrapped(t, recipient)
			began := time.Now()
			got, err := ageplugin.Unwrap(t.Context(), name, []secret.Text{identity}, stanzas)
			took := time.Since(began)
			check(t, err, tt.fault, tt.says)
			if (tt.fault == "") != bytes.Equal(got, fileKey) {
				t.Errorf("got the key %x", got)
			}
			if tt.fault != ageplugin.TimedOut && mode != "pin-hang" && took > limit || took > limit+2*time.Second {
				t.Errorf("took %s", took)
			}
			nothingRuns(t, plugin.Dir())
		})
	}
}

// check checks an error, and that it shows nothing of what the plugin said.
func check(t *testing.T, err error, fault ageplugin.Fault, says string) {
	t.Helper()
	var e *ageplugin.Error
	switch {
	case fault == "" && err != nil:
		t.Fatal(err)
	case fault == "":
		return
	case !errors.As(err, &e) || e.Fault != fault || e.Name != name:
		t.Fatalf("got %v, want the fault %q", err, fault)
	case !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "age-plugin-"+name):
		t.Errorf("says %q, want %q", err, says)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%#v", err)} {
		if strings.Contains(text, agekeytest.PluginCanary) || strings.Contains(text, "AGE-SECRET-KEY") || strings.Contains(text, "\x1b") {
			t.Errorf("says what the plugin said: %q", text)
		}
	}
}

func TestWrapFaults(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	shortTimeout(t, 3*time.Second)
	for mode, fault := range map[string]ageplugin.Fault{
		"wrap-refuse": ageplugin.Refused, "wrap-hang": ageplugin.TimedOut, "wrap-crash": ageplugin.Ended, "wrap-flood-body": ageplugin.Flooded,
		"wrap-pin": ageplugin.Asked, "wrap-confirm": ageplugin.Confirm, "wrap-many": ageplugin.Malformed, "wrap-large": ageplugin.Flooded, "wrap-message": "", "wrap-grandchild": "",
	} {
		t.Run(mode, func(t *testing.T) {
			recipient, _ := lines(t, plugin.KeyFile(mode))
			_, err := ageplugin.Wrap(t.Context(), name, recipient, fileKey)
			check(t, err, fault, "")
			nothingRuns(t, plugin.Dir())
		})
	}
}

func TestLabels(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	recipient, _ := lines(t, plugin.KeyFile("wrap-postquantum"))
	w, err := ageplugin.Wrap(t.Context(), name, recipient, fileKey)
	if err != nil || len(w.Labels) != 1 || w.Labels[0] != "postquantum" {
		t.Errorf("labels %q, %v", w.Labels, err)
	}
}

func TestNoProgram(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	recipient, _ := lines(t, plugin.KeyFile("works"))
	plugin.Remove() // it is a link
	if err := os.WriteFile(plugin.Program(), []byte("#!/no/such/interpreter\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := ageplugin.Wrap(t.Context(), name, recipient, fileKey)
	check(t, err, ageplugin.NotStarted, "can't be started")
	plugin.Remove()
	_, err = ageplugin.Wrap(t.Context(), name, recipient, fileKey)
	check(t, err, ageplugin.Missing, "not on PATH: install this age plugin")
}

// TestGivenUp: however many wait for a plugin, it is waited for twice. To wrap is another
// matter, and to ask for a PIN and then hang is none.
func TestGivenUp(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	for mode, says := range map[string]string{"hang": "did not answer", "pin-hang": "asked for a PIN", "wrap-hang": "did not answer"} {
		t.Run(mode, func(t *testing.T) {
			recipient, identity := lines(t, plugin.KeyFile(mode))
			good, _ := lines(t, plugin.KeyFile("works"))
			var stanzas []*age.Stanza
			if mode != "wrap-hang" {
				stanzas = wrapped(t, recipient)
			}
			shortTimeout(t, time.Second)
			began, answers := time.Now(), make(chan error)
			for range 10 {
				go func() {
					var err error
					if mode == "wrap-hang" {
						_, err = ageplugin.Wrap(t.Context(), name, recipient, fileKey)
					} else {
						_, err = ageplugin.Unwrap(t.Context(), name, []secret.Text{identity}, stanzas)
					}
					answers <- err
				}()
			}
			waited, givenUp := 0, 0
			for range 10 {
				switch err := fmt.Sprint(<-answers); {
				case strings.Contains(err, "was not asked again"):
					givenUp++
				case strings.Contains(err, says):
					waited++
				default:
					t.Errorf("got %s", err)
				}
			}
			if took := time.Since(began); waited != 2 || givenUp != 8 || took > 5*time.Second {
				t.Errorf("waited for %d, gave up %d, in %s", waited, givenUp, took)
			}
			if mode != "wrap-hang" {
				wrapped(t, good)
			}
			nothingRuns(t, plugin.Dir())
		})
	}
}

// TestRelativePath: a program in a directory with a relative path could be anybody's.
func TestRelativePath(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	recipient, _ := lines(t, plugin.KeyFile("works"))
	t.Chdir(filepath.Dir(plugin.Dir()))
	for _, path := range []string{filepath.Base(plugin.Dir()), "./" + filepath.Base(plugin.Dir())} {
		t.Setenv("PATH", path)
		_, err := ageplugin.Wrap(t.Context(), name, recipient, fileKey)
		check(t, err, ageplugin.Relative, "as an absolute path")
	}
	t.Chdir(plugin.Dir())
	t.Setenv("PATH", "")
	_, err := ageplugin.Wrap(t.Context(), name, recipient, fileKey)
	check(t, err, ageplugin.Missing, "is not on PATH")
}

func TestCanceled(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	recipient, identity := lines(t, plugin.KeyFile("hang"))
	stanzas := wrapped(t, recipient)
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	for range 2 { // the second waits for the first
		go func() {
			_, err := ageplugin.Unwrap(ctx, name, []secret.Text{identity}, stanzas)
			results <- err
		}()
	}
	for len(plugin.Noted("unwraps")) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if len(running(t, plugin.Dir())) == 0 {
		t.Error("the list of processes does not show a plugin that runs")
	}
	cancel()
	for range 2 {
		check(t, <-results, ageplugin.Canceled, "interrupted")
	}
	if calls := plugin.Noted("calls"); len(calls) != 2 {
		t.Errorf("the plugin was started %d times, want once to wrap and once to unwrap", len(calls))
	}
	nothingRuns(t, plugin.Dir())
}

// TestWhatAPluginGets: no secret in its arguments or its environment.
func TestWhatAPluginGets(t *testing.T) {
	plugin := agekeytest.NewPlugin(t)
	for _, variable := range []string{
		"TF_VAR_password", "TF_LOG", "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "AWS_SECRET_ACCESS_KEY", "VULTR_API_KEY", "GITHUB_TOKEN", "AGE_PASSPHRASE",
		"AGE_TPM_PIN", "DATABASE_URL", "PATHS", "HOME_SECRET",
	} {
		t.Setenv(variable, "ENVIRONMENT-CANARY")
	}
	t.Setenv("AGEDEBUG", "plugin")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1000")
	t.Setenv("DISPLAY", ":0")
	recipient, identity := lines(t, plugin.KeyFile("works"))
	inherited := inheritedFile(t)
	stanzas := wrapped(t, recipient)
	if _, err := ageplugin.Unwrap(t.Context(), name, []secret.Text{identity}, stanzas); err != nil {
		t.Fatal(err)
	}
	if files := plugin.Noted("files"); len(files) == 0 || contains(files, inherited) {
		t.Errorf("the plugin gets a file that was open: %q", files)
	}
	environ := plugin.Noted("environ")
	for _, entry := range environ {
		if variable, value, _ := strings.Cut(entry, "="); strings.Contains(value, "CANARY") || variable == "AGEDEBUG" {
			t.Errorf("the plugin gets %s", entry)
		}
	}
	for _, want := range []string{"PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=/run/user/1000", "DISPLAY=:0"} {
		if !contains(environ, want) {
			t.Errorf("the plugin does not get %s", want)
		}
	}
	for _, argument := range plugin.Noted("argv") {
		if strings.Contains(argument, identity.Reveal()) || strings.Contains(argument, recipient) {
			t.Errorf("the plugin's arguments hold a key: %s", argument)
		}
	}
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
