package vultr

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// placeholderDigest pins the placeholder: accounts hold it, and a state's script_sha256 is it.
const placeholderDigest = "0bd6694d0f5f6778475016c3715b53137d50c36bc9baae31fd7c1ce1ff755089"

func TestStubIsWhatAccountsHold(t *testing.T) {
	if got := Digest(Placeholder()); got != placeholderDigest {
		t.Errorf("the placeholder's digest is %s: put the former one, %s, into formerPlaceholders and the new one here", got, placeholderDigest)
	}
	if !IsPlaceholder(placeholderDigest) || IsPlaceholder(Digest(secret.New(Placeholder().Reveal()+"\n"))) || IsPlaceholder("") {
		t.Error("the placeholder is not told from others")
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
			cmd.Stdin = strings.NewReader(Placeholder().Reveal())
			cmd.Env = []string{"PATH=/nonexistent"} // it needs no program
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), "ageenv: this startup script was scrubbed") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
