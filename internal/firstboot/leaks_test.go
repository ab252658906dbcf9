package firstboot

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary is in every plaintext that must not be seen.
const canary = "canary-4f1c9e-in-plain"

// leakIn names the form in which the canary or an identity is in text, or "".
func leakIn(text string) string {
	if strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY-1") {
		return "an identity"
	}
	return formOf(canary, text)
}

func formOf(s, text string) string {
	if strings.Contains(text, s) {
		return "the text"
	}
	if strings.Contains(strings.ToLower(text), hex.EncodeToString([]byte(s))) {
		return "the text in hex"
	}
	// Base64 depends on where in a group of three the text begins. The groups
	// that it fills are looked for.
	for skip := range 3 {
		whole := (len(s) - skip) / 3 * 3
		if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(s[skip:skip+whole]))) {
			return "the text in base64"
		}
	}
	return ""
}

func TestLeakIn(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		leaks      bool
	}{
		{"plain", "x" + canary, true},
		{"base64", base64.StdEncoding.EncodeToString([]byte(canary)), true},
		{"base64 shifted by one", base64.StdEncoding.EncodeToString([]byte("x" + canary)), true},
		{"base64 shifted by two", base64.StdEncoding.EncodeToString([]byte("xy" + canary)), true},
		{"hex", hex.EncodeToString([]byte(canary)), true},
		{"identity", "AGE-SECRET-KEY-1QQQ", true},
		{"nothing", "ageenv: /etc/app/.env written", false},
	} {
		if got := leakIn(tt.text); (got != "") != tt.leaks {
			t.Errorf("%s: got %q", tt.name, got)
		}
	}
}

// Every program that the script starts writes down its arguments and its
// environment; none may hold a secret, in any shell, also when a run fails and
// when the caller traces.
func TestNothingSecretLeaves(t *testing.T) {
	identity := newIdentity(t)
	good := fileOf(t, identity, "/etc/app/.env", "A="+canary+"\n")
	altered := fileOf(t, identity, "/etc/app/other", "B="+canary+"\n")
	altered.Payload[len(altered.Payload)-1] ^= 1
	scripts := map[string]struct {
		script string
		code   int
		left   []string
	}{
		"good":    {renderUnopened(t, identity, good).Reveal(), 0, []string{"/etc/app/.env"}},
		"altered": {renderUnopened(t, identity, good, altered).Reveal(), 5, nil},
	}
	for _, shell := range shells(t) {
		for name, tt := range scripts {
			for _, trace := range []string{"", "-axv"} {
				t.Run(shell.name+"/"+name+trace, func(t *testing.T) {
					t.Parallel()
					b := newBox(t, hasPython)
					b.shell = shell.command
					if trace != "" {
						b.shell = append(append([]string{}, b.shell...), trace)
					}
					log := filepath.Join(t.TempDir(), "log")
					for _, tool := range append([]string{"python3"}, allTools...) {
						b.fake(tool, `{ echo "`+tool+`"; printf '%s\n' "$@"; /bin/cat /proc/self/environ; } >>'`+log+`'
exec REAL "$@"`)
					}
					got := b.run(secretOf(tt.script))
					if got.code != tt.code {
						t.Fatalf("exit code %d: %s", got.code, got.stderr)
					}
					logged, err := os.ReadFile(log)
					if err != nil || !strings.Contains(string(logged), "python3\n-I\n-S\n") {
						t.Fatalf("the log does not show that the reader ran (%v)", err)
					}
					for where, text := range map[string]string{"stdout": got.stdout, "stderr": got.stderr, "arguments or environment": string(logged)} {
						if leak := leakIn(text); leak != "" {
							t.Errorf("%s: %s", where, leak)
						}
					}
					b.wantClean(tt.left...)
				})
			}
		}
	}
}
