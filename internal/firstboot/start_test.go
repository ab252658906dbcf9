package firstboot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// stubMain stands for the program: it writes down what it was given.
const stubMain = `"""Stub."""
import os
import sys

from ageenv import base85


def main(sections):
    """Write the sections to a file."""
    root = os.environ["AGEENV_ROOT"]
    with open(root + "/called", "wb") as out:
        out.write(b"%d\n" % len(sections))
        for section in sections[1:3]:
            out.write(section + b"\n")
        for section in sections[3:-1]:
            out.write(base85.decode(section).hex().encode() + b"\n")
        out.write(sections[-1])
    os.rmdir(sys.argv[1])
    sys.exit(7)
`

// stubProgram is a program whose only modules are a stub and empty ones.
func stubProgram(t testing.TB, main string, empty ...string) string {
	t.Helper()
	files := fstest.MapFS{"box/ageenv/__init__.py": {}, "box/ageenv/main.py": {Data: []byte(main)}}
	for _, name := range empty {
		files["box/ageenv/"+name+".py"] = &fstest.MapFile{}
	}
	for _, name := range []string{"box/bootstrap.py", "box/ageenv/base85.py"} {
		text, err := boxFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	text, err := packProgram(files)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stubScript is a script around the stub.
func stubScript(t testing.TB, p Params, identity *age.X25519Identity) string {
	t.Helper()
	script, err := renderAround(stubProgram(t, stubMain), p, identity)
	if err != nil {
		t.Fatal(err)
	}
	return script.Reveal()
}

// stage is a root directory in which a script starts, and nothing more.
type stage struct {
	t         testing.TB
	root, bin string
}

func newStage(t testing.TB) stage {
	t.Helper()
	s := stage{t, filepath.Join(t.TempDir(), "root"), t.TempDir()}
	s.mkdir("/run/systemd/system")
	for _, tool := range append([]string{"printf"}, boxTools...) {
		s.link(tool, tool)
	}
	s.link("python3", needPython(t))
	return s
}

func (s stage) mkdir(p string) {
	s.t.Helper()
	if err := os.MkdirAll(s.root+p, 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s stage) link(name, program string) {
	s.t.Helper()
	p, err := exec.LookPath(program)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(p, filepath.Join(s.bin, name)); err != nil {
		s.t.Fatal(err)
	}
}

func (s stage) remove(p string) {
	s.t.Helper()
	if err := os.Remove(p); err != nil {
		s.t.Fatal(err)
	}
}

// fake puts a shell script in the place of a program.
func (s stage) fake(name, text string) {
	s.t.Helper()
	s.remove(filepath.Join(s.bin, name))
	if err := os.WriteFile(filepath.Join(s.bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// start runs a script's text from a file.
func (s stage) start(text string, shell ...string) outcome {
	s.t.Helper()
	file := filepath.Join(s.bin, "script")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.command(nil, append(shell, file)...)
}

func (s stage) command(env []string, args ...string) outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = append([]string{"AGEENV_ROOT=" + s.root, "AGEENV_PATH=" + s.bin}, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// called is what the stub has written down, empty if it was not called.
func (s stage) called() string {
	s.t.Helper()
	text, err := os.ReadFile(s.root + "/called")
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return string(text)
}

// wantNoTrace asserts that a script that did nothing has left nothing but a status.
func (s stage) wantNoTrace() {
	s.t.Helper()
	for _, pattern := range []string{"/run/ageenv*", "/var/lib/ageenv/.*.*"} {
		if found, _ := filepath.Glob(s.root + pattern); len(found) > 0 {
			s.t.Errorf("left over: %v", found)
		}
	}
}

func TestScriptHandsEverythingOver(t *testing.T) {
	identity := newIdentity(t)
	small, large := fileOf(t, identity, "/a", ""), fileOf(t, identity, "/b", strings.Repeat("x", 300<<10))
	many := Params{Name: `it's "box" $(x) \`, Files: []File{small, large}, Identity: secret.New(identity.String())}
	for i := range 300 {
		f := small
		f.Path = fmt.Sprintf("/srv/%s/%d", strings.Repeat("long name ", 20), i)
		many.Files = append(many.Files, f)
	}
	text := stubScript(t, many, identity)
	plan, err := newPlan(many)
	if err != nil {
		t.Fatal(err)
	}
	planText, err := jsonText(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d\n%s\n%s\n", len(many.Files)+4, planText, identity)
	for _, f := range many.Files {
		want += fmt.Sprintf("%x\n", f.Payload)
	}
	want += "end\n"
	for _, shell := range shells(t) {
		for name, command := range map[string][]string{
			"file":         shell.command,
			"traced":       append(append([]string{}, shell.command...), "-axvCf"),
			"closed input": append([]string{"/bin/sh", "-c", `exec "$@" <&-`, "sh"}, shell.command...),
			"pipe":         {"/bin/sh", "-c", `cat "$1" | ` + strings.Join(shell.command, " "), "sh"},
		} {
			t.Run(shell.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				got := s.start(text, command...)
				if got.code != 7 || leakIn(got.stdout+got.stderr) != "" || name != "traced" && got.stdout+got.stderr != "" {
					t.Errorf("exit code %d, stdout %q, stderr %.300q", got.code, got.stdout, got.stderr)
				}
				if s.called() != want {
					t.Errorf("the program got %d bytes, want %d", len(s.called()), len(want))
				}
				s.wantNoTrace()
			})
		}
	}
}

// What is left on the box is the same text with a first line.
func TestProgramRunsFromAFile(t *testing.T) {
	main := `"""Stub."""
import sys


def main(sections):
    """Say how it was called."""
    from ageenv import late
    print(__name__, sections, sys.argv[1:], late.__name__, "json" in sys.modules, "importlib" in sys.modules)
    try:
        from ageenv import absent
    except ImportError:
        raise ValueError("` + canary + `")
`
	program := stubProgram(t, main, "late")
	file := filepath.Join(t.TempDir(), "ageenv")
	for _, interpreter := range pythons(t) {
		if err := os.WriteFile(file, []byte("#!"+interpreter+" -IS\n"+program), 0o700); err != nil {
			t.Fatal(err)
		}
		s := newStage(t)
		got := s.command([]string{"LC_ALL=C"}, file, "status")
		if want := "ageenv.main None ['status'] ageenv.late False False\n"; got.code != 1 || got.stdout != want {
			t.Errorf("%s: exit code %d, stdout %q, want %q", interpreter, got.code, got.stdout, want)
		}
		if want := "ageenv: unexpected ValueError at ageenv.main:8\n"; got.stderr != want {
			t.Errorf("%s: stderr %q, want %q", interpreter, got.stderr, want)
		}
	}
}

// What a box may lack, in the order in which it is looked for.
func TestScriptSaysWhatIsMissing(t *testing.T) {
	identity := newIdentity(t)
	text := stubScript(t, Params{Name: `it's "box"`, Files: []File{fileOf(t, identity, "/a", "A=1")}, IdentityFile: "/etc/key"}, nil)
	for _, shell := range shells(t) {
		for _, tt := range []struct {
			name   string
			change func(s stage)
			code   int
			reason string
		}{
			{"no systemd", func(s stage) { s.remove(s.root + "/run/systemd/system") }, 12, "no-systemd"},
			{"no python", func(s stage) { s.remove(s.bin + "/python3") }, 3, "no-python"},
			{"an old python", func(s stage) { s.fake("python3", "exit 1") }, 3, "no-python"},
			{"neither", func(s stage) { s.remove(s.bin + "/python3"); s.remove(s.root + "/run/systemd/system") }, 3, "no-python"},
			{"no mktemp", func(s stage) { s.remove(s.bin + "/mktemp") }, 4, "run-dir"},
			{"no python when it is started", func(s stage) { s.fake("python3", `/bin/rm "$0"`) }, 3, "no-python"},
		} {
			t.Run(shell.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				tt.change(s)
				got := s.start(text, shell.command...)
				if strings.Contains(tt.name, "started") && (shell.name == "ksh" || shell.name == "zsh") {
					// They run no trap then.
					if got.code < 126 || got.stderr == "" {
						t.Errorf("exit code %d, stderr %q", got.code, got.stderr)
					}
					return
				}
				status, err := os.ReadFile(s.root + statusPath)
				if err != nil {
					t.Fatal(err)
				}
				var parsed statusFile
				if err := json.Unmarshal(status, &parsed); err != nil {
					t.Fatalf("%v: %s", err, status)
				}
				if got.code != tt.code || parsed.ExitCode != tt.code || parsed.Reason != tt.reason || parsed.Name != `it's "box"` || parsed.Result != "failed" {
					t.Errorf("exit code %d, stderr %q, status %s", got.code, got.stderr, status)
				}
				if !strings.Contains(got.stderr, `ageenv: it's "box": `) || s.called() != "" {
					t.Errorf("stderr %q; called: %t", got.stderr, s.called() != "")
				}
				s.wantNoTrace()
			})
		}
		t.Run(shell.name+"/platform-python", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.remove(s.bin + "/python3")
			s.mkdir("/usr/libexec")
			if err := os.Symlink(needPython(t), s.root+"/usr/libexec/platform-python"); err != nil {
				t.Fatal(err)
			}
			if got := s.start(text, shell.command...); got.code != 7 || s.called() == "" {
				t.Errorf("exit code %d, stderr %q", got.code, got.stderr)
			}
		})
		t.Run(shell.name+"/bad root", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.start(text, shell.command...)
			for _, root := range []string{"relative", s.root + "/none"} {
				got := s.command([]string{"AGEENV_ROOT=" + root}, append(append([]string{}, shell.command...), s.bin+"/script")...)
				if got.code != 2 || !strings.Contains(got.stderr, "AGEENV_ROOT is not a directory") {
					t.Errorf("%s: exit code %d, stderr %q", root, got.code, got.stderr)
				}
			}
		})
	}
}

// A script that is cut anywhere does nothing, and says so as soon as it can. Each
// shell gets its own sample of places, and all ends of lines outside the program.
func TestCutScriptDoesNothing(t *testing.T) {
	identity := newIdentity(t)
	p := Params{Files: []File{fileOf(t, identity, "/a", "A=1")}, IdentityFile: "/etc/key"}
	text := stubScript(t, p, nil)
	trap := strings.Index(text, `cut-off "the script`)
	trap += strings.Index(text[trap:], "\n") + 1
	packed, end := strings.Index(text, "start(b"), strings.Index(text, `""")`)
	const every = 61
	for i, shell := range shells(t) {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			for at := range len(text) - 1 {
				inside := packed < at && at < end
				if lineEnd := text[at] == '\n' || at > 0 && text[at-1] == '\n'; at%every != i && (inside || !lineEnd) {
					continue
				}
				got := s.start(text[:at], shell.command...)
				where := fmt.Sprintf("cut at %d, after %q", at, text[max(0, at-40):at])
				if s.called() != "" {
					t.Fatalf("%s: the program was called", where)
				}
				if at >= trap && (got.code != 1 || !strings.Contains(got.stderr, "ageenv: the script ends too early")) {
					t.Fatalf("%s: exit code %d, stderr %q", where, got.code, got.stderr)
				}
				s.wantNoTrace()
			}
		})
	}
}
