package firstboot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// put makes a file of the box, ahead of a boot.
func (m *machine) put(path, text string, mode os.FileMode) {
	m.t.Helper()
	m.write(filepath.Join(m.dir, "upper", path), text, mode)
}

func (m *machine) write(file, text string, mode os.FileMode) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		m.t.Fatal(err)
	}
}

// unit makes a unit that is wanted by another.
func (m *machine) unit(name, wantedBy, text string) {
	m.t.Helper()
	m.put("/etc/systemd/system/"+name, text, 0o644)
	wants := filepath.Join(m.dir, "upper/etc/systemd/system", wantedBy+".wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Symlink("../"+name, filepath.Join(wants, name)); err != nil {
		m.t.Fatal(err)
	}
}

// noUnit takes away what unit has made.
func (m *machine) noUnit(name, wantedBy string) {
	m.t.Helper()
	dir := filepath.Join(m.dir, "upper/etc/systemd/system")
	for _, file := range []string{filepath.Join(dir, name), filepath.Join(dir, wantedBy+".wants", name)} {
		if err := os.Remove(file); err != nil {
			m.t.Fatal(err)
		}
	}
}

// from has the metadata service answer otherwise from a boot on.
func (m *machine) from(boot int, changes map[string]any) {
	m.t.Helper()
	answer := maps.Clone(m.metadata)
	maps.Copy(answer, changes)
	m.answer(fmt.Sprintf("v1.json.%d", boot), answer)
}

func (m *machine) answer(name string, metadata map[string]any) {
	m.t.Helper()
	text, err := json.Marshal(metadata)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(filepath.Join(m.dir, name), string(text), 0o600)
}

// hook is a shell script that runs ahead of a boot, on the outside, with the box's
// root and the machine's directory as arguments.
func (m *machine) hook(boot int, script string) {
	m.t.Helper()
	m.write(filepath.Join(m.dir, fmt.Sprintf("test/before.%d", boot)), "#!/bin/sh -eu\n"+script, 0o755)
}

// boot boots the box as often as that. After each boot probe runs in the box, as
// bash, when cloud-init is done; what it printed is returned, boot by boot.
func (m *machine) boot(boots int, probe string) []string {
	m.t.Helper()
	m.write(filepath.Join(m.dir, "test/probe"), "#!/bin/bash\nexec >/test/out.$(cat /test/boot) 2>&1\n"+probe, 0o755)
	m.answer("v1.json", m.metadata)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(boots)*m.patience)
	defer cancel()
	cmd := m.command(ctx, boots)
	// What is cut off there can still be told about here.
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("BOOT_TIMEOUT=%.0f", m.patience.Seconds()*3/4))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		m.t.Errorf("%v: %s", err, said.String())
	}
	var out []string
	for boot := 1; boot <= boots; boot++ {
		text, err := os.ReadFile(filepath.Join(m.dir, fmt.Sprintf("test/out.%d", boot)))
		if err != nil {
			console, _ := os.ReadFile(filepath.Join(m.dir, fmt.Sprintf("console.%d", boot)))
			m.t.Fatalf("boot %d did not come to its end: %v\n%s", boot, err, console)
		}
		out = append(out, string(text))
	}
	return out
}

// left is a file that the box has written to /test.
func (m *machine) left(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "test", name))
	if err != nil {
		m.t.Error(err)
	}
	return string(text)
}

// wantLines asserts that each of lines is one of the text.
func (m *machine) wantLines(what, text string, lines ...string) {
	m.t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text+"\n", "\n"+line+"\n") {
			m.t.Errorf("%s: no line %q in\n%s", what, line, text)
		}
	}
}
