package process_test

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/process"
)

const (
	role   = "AGEENV_TEST_PROCESS_ROLE"
	name   = "AGEENV_TEST_PROCESS_SECRET"
	canary = "canary-in-the-environment"
)

// TestMain lets the test binary play the process whose environment is taken.
func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "quiet":
		process.QuietStandardLog()
		fallthrough
	case "loud":
		requestHTTP2()
		os.Exit(0)
	case "take":
		taken := process.TakeVariables(name, "AGEENV_TEST_NOT_SET")
		if len(taken) != 1 || taken[name] != canary {
			os.Exit(3)
		}
		fallthrough
	case "keep":
		child, err := exec.Command("env").Output()
		if err != nil {
			os.Exit(4)
		}
		initial, err := os.ReadFile("/proc/self/environ")
		if err != nil {
			os.Exit(5)
		}
		process.NoDumps()
		_, _ = os.Stdout.Write(append(child, initial...))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func environmentsSeen(t *testing.T, as string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), role + "=" + as, name + "=" + canary, "OTHER=stays"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(out, []byte{0}, []byte("\n")))
}

func TestTakenVariablesAreGone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc, which only Linux has")
	}
	if seen := environmentsSeen(t, "keep"); strings.Count(seen, canary) != 2 {
		t.Fatalf("the test sees the environment %d times where nothing is taken, want 2", strings.Count(seen, canary))
	}
	seen := environmentsSeen(t, "take")
	if strings.Contains(seen, canary) {
		t.Error("the value is still in a child's environment or in /proc/self/environ")
	}
	if strings.Count(seen, "OTHER=stays") != 2 {
		t.Error("another variable was touched")
	}
}
