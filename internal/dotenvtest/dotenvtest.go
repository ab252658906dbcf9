// Package dotenvtest asks programs that read env files inside applications, for
// tests.
package dotenvtest

import (
	"embed"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

//go:embed readers
var files embed.FS

// Reader is a program that reads env files.
type Reader string

// The readers.
const (
	Compose Reader = "compose-go"
	Node16  Reader = "dotenv-16"
	Node    Reader = "dotenv"
	Next    Reader = "@next/env"
	PHP     Reader = "phpdotenv"
	Python  Reader = "python-dotenv"
	Ruby    Reader = "ruby-dotenv"
)

// Readers lists them all.
func Readers() []Reader { return []Reader{Compose, Node16, Node, Next, PHP, Python, Ruby} }

// command is the program that starts a reader, and its script.
func (r Reader) command() (program, script string) {
	switch r {
	case PHP:
		return "php", "read.php"
	case Python:
		return "/usr/bin/python3", "read.py" // Debian's, which has the package
	case Ruby:
		return "ruby", "read.rb"
	}
	return "node", "read.js"
}

// Read returns what the reader makes of a text in a file, with nothing in its
// environment. The test is skipped where the reader is not installed.
func (r Reader) Read(t *testing.T, text string) map[string]string {
	t.Helper()
	if r == Compose {
		entries, err := dotenv.ParseWithLookup(strings.NewReader(text), nil)
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		return entries
	}
	program, script := r.command()
	found, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed, so what %s reads is not tested", program, r)
	}
	modules := os.Getenv("AGEENV_TEST_NODE_MODULES")
	if script == "read.js" && modules == "" {
		t.Skipf("AGEENV_TEST_NODE_MODULES names no directory, so what %s reads is not tested: make test sets it", r)
	}
	dir := t.TempDir()
	source, err := files.ReadFile(path.Join("readers", script))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{script: string(source), "app/.env": text} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{filepath.Join(dir, script)}
	if script == "read.js" {
		args = append(args, string(r))
	}
	cmd := exec.CommandContext(t.Context(), found, append(args, filepath.Join(dir, "app"))...) //nolint:gosec // one of the programs above
	cmd.Env = []string{"NODE_PATH=" + modules}
	out, err := cmd.Output()
	if err != nil {
		problem := err.Error()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			problem += ": " + string(exit.Stderr)
		}
		if strings.Contains(problem, "ModuleNotFoundError") || strings.Contains(problem, "cannot load such file") || strings.Contains(problem, "Failed opening required") {
			t.Skipf("%s is not installed, so what it reads is not tested", r)
		}
		t.Fatalf("%s: %s", r, problem)
	}
	entries := map[string]string{}
	if err := json.Unmarshal(out, &entries); err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return entries
}
