package vultr

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// stubDigest pins the stub: accounts hold it, and a state's script_sha256 is it.
const stubDigest = "0bd6694d0f5f6778475016c3715b53137d50c36bc9baae31fd7c1ce1ff755089"

func TestStubIsWhatAccountsHold(t *testing.T) {
	if got := Digest(Stub()); got != stubDigest {
		t.Errorf("the stub's digest is %s: put the former one, %s, into formerStubs and the new one here", got, stubDigest)
	}
	if !IsStub(stubDigest) || IsStub(Digest(secret.New(Stub().Reveal()+"\n"))) || IsStub("") {
		t.Error("the stub is not told from others")
	}
}

func TestStubFailsAndSaysWhy(t *testing.T) {
	for _, shell := range []string{"sh", "bash", "dash"} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("no %s here", shell)
			}
			cmd := exec.Command(path, "-s")
			cmd.Stdin = strings.NewReader(Stub().Reveal())
			cmd.Env = []string{"PATH=/nonexistent"} // it needs no program
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), "ageenv: this startup script was scrubbed") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
