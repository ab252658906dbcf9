// Package dotenvtest asks programs that read env files inside applications, for
// tests.
package dotenvtest

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/joho/godotenv"
)

//go:embed readers
var files embed.FS

// Reader is a program that reads env files.
type Reader string

// The readers.
const (
	Compose     Reader = "compose-go"
	Node16      Reader = "dotenv-16"
	Node        Reader = "dotenv"
	NodeEnvFile Reader = "node --env-file"
	Next        Reader = "@next/env"
	Expand10    Reader = "dotenv-expand-10"
	Expand1000  Reader = "dotenv-expand-1000"
	PHP         Reader = "phpdotenv"
	NewerPHP    Reader = "newer phpdotenv"
	Python      Reader = "python-dotenv"
	NewerPython Reader = "newer python-dotenv"
	Ruby        Reader = "ruby-dotenv" // 2, which Debian has
	Ruby3       Reader = "newer ruby-dotenv"
	Go          Reader = "godotenv"
)

// Readers lists those that read what people have.
func Readers() []Reader { return []Reader{Compose, Node16, Node, Next, PHP, Python, Ruby} }

// command is the program that starts a reader, and its script.
func (r Reader) command() (program, script string) {
	switch r {
	case PHP, NewerPHP:
		return "php", "read.php"
	case Python, NewerPython:
		return "/usr/bin/python3", "read.py" // Debian's, which has the package
	case Ruby, Ruby3:
		return "ruby", "read.rb"
	}
	return "node", "read.js"
}

// newer are the variables with which a program finds the newer version of its
// library below a directory.
func (r Reader) newer(dir string) (string, error) {
	switch r {
	case NewerPHP:
		return "AGEENV_AUTOLOAD=" + dir + "/usr/share/php/Dotenv/autoload.php", nil
	case NewerPython:
		return "PYTHONPATH=" + dir + "/usr/lib/python3/dist-packages", nil
	}
	found, err := filepath.Glob(dir + "/usr/share/rubygems-integration/all/gems/dotenv-*/lib")
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("there is not one dotenv of ruby in %s", dir)
	}
	return "RUBYLIB=" + found[0], nil
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
	if r == Go {
		entries, err := godotenv.Unmarshal(text)
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
	env := []string{"NODE_PATH=" + modules}
	if r == NewerPHP || r == NewerPython || r == Ruby3 {
		newer := os.Getenv("AGEENV_TEST_NEWER_READERS")
		if newer == "" {
			t.Skipf("AGEENV_TEST_NEWER_READERS names no directory, so what %s reads is not tested: make test sets it where Debian's packages can be downloaded", r)
		}
		variable, err := r.newer(newer)
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, variable)
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
	cmd.Env = env
	out, err := cmd.Output()
	if err != nil {
		problem := err.Error()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			problem += ": " + string(exit.Stderr)
		}
		if strings.Contains(problem, "ModuleNotFoundError") || strings.Contains(problem, "cannot load such file") || strings.Contains(problem, "Failed opening required") || strings.Contains(problem, "parseEnv is not a function") {
			t.Skipf("%s is not installed, or older than what reads so, so what it reads is not tested", r)
		}
		t.Fatalf("%s: %s", r, problem)
	}
	entries := map[string]string{}
	if err := json.Unmarshal(out, &entries); err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return entries
}
