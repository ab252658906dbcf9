package dotenv_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func TestDialects(t *testing.T) {
	want := []dotenv.Dialect{dotenv.Compose, dotenv.Docker, dotenv.Systemd, dotenv.Shell, dotenv.Portable}
	if got := dotenv.Dialects(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for what, err := range map[string]error{
		"CheckKey": nothing.CheckKey("A"), "CheckValue": nothing.CheckValue("A", hidden),
		"Parse": parseError(nothing, "A="+hidden),
	} {
		if err == nil || err.Error() != "there is no such dialect: use compose, docker, systemd, shell or portable" {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func parseError(dialect dotenv.Dialect, text string) error {
	_, err := dotenv.Parse(secret.New(text), dialect)
	return err
}

// message is an error's text, or "".
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestCheckValue says for each kind of value which dialects can't hold it, and what
// they say.
func TestCheckValue(t *testing.T) {
	const docker, systemd, portable = " docker ", " systemd ", " portable "
	const all = " compose docker systemd shell portable "
	const (
		lineBreak    = "a line break; compose, systemd, shell and portable can"
		tooLong      = "a line of more than 65,535 bytes, name included; compose, systemd, shell and portable can"
		invalid      = "invalid UTF-8; shell can"
		noncharacter = "a Unicode noncharacter (such as U+FFFE); compose, docker and shell can"
		backtick     = "a backtick together with a single quote or a backslash at the end; compose, docker, systemd and shell can"
	)
	for name, tt := range map[string]struct {
		key, value string
		refusedBy  string
		what       string // after "the … dialect can't hold"
	}{
		"empty":                  {"K", "", "", ""},
		"line break":             {"K", hidden + "\nx", docker, lineBreak},
		"CR LF at the end":       {"K", hidden + "\r\n", docker, lineBreak},
		"CR at the end":          {"K", hidden + "\r", docker, "a CR at a value's end, which it drops; compose, systemd, shell and portable can"},
		"CR inside":              {"K", hidden + "\rx", "", ""},
		"NUL":                    {"K", hidden + "\x00", all, "a NUL byte; no dialect can: encode the value, for example as base64"},
		"invalid UTF-8":          {"K", hidden + "\xff", "compose" + docker + systemd + portable, invalid},
		"half a surrogate pair":  {"K", hidden + "\xed\xa0\x80", "compose" + docker + systemd + portable, invalid},
		"invalid, shell's name":  {"UID", hidden + "\xff", "compose" + docker + systemd + portable, "invalid UTF-8; no dialect can: encode the value, for example as base64"},
		"noncharacter":           {"K", hidden + "\uffff", systemd + portable, noncharacter},
		"noncharacter far up":    {"K", hidden + "\U0010fffe", systemd + portable, noncharacter},
		"another, shell's name":  {"UID", hidden + "\ufdd0", systemd + portable, "a Unicode noncharacter (such as U+FFFE); compose and docker can"},
		"replacement character":  {"K", hidden + "\ufffd", "", ""},
		"all of docker's line":   {"K", strings.Repeat("x", 65533), "", ""},
		"more than that":         {"K", strings.Repeat("x", 65534), docker, tooLong},
		"more by a longer name":  {"KK", strings.Repeat("x", 65533), docker, tooLong},
		"quote and backtick":     {"K", hidden + "'`", portable, backtick},
		"backtick and backslash": {"K", hidden + "`\\", portable, backtick},
		"backtick and two":       {"K", hidden + "`\\\\", "", ""},
		"quote and backslash":    {"K", hidden + "'\\", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dialect := range dotenv.Dialects() {
				want := ""
				if strings.Contains(tt.refusedBy, string(dialect)) {
					want = tt.key + ": the " + string(dialect) + " dialect can't hold " + tt.what
				}
				if got := message(dialect.CheckValue(tt.key, tt.value)); got != want {
					t.Errorf("%s: got %q, want %q", dialect, got, want)
				}
			}
		})
	}
}

func TestCheckKey(t *testing.T) {
	const (
		noName   = "the name is not one that every program reads: use letters, digits and _, and no digit first"
		dotted   = "the name has a . or a -, which only the dialects compose and docker can hold: use letters, digits and _"
		takeOver = ": this name takes over the program that reads it, so it is refused: set it where the program is started"
		shells   = "a name that a shell keeps for itself; compose, docker and systemd can"
	)
	rows := map[string]string{
		"A": "", "_a9": "", "LD": "", "PATH_": "", "HOME": "", "LANG": "", "ENV": "", "BASH": "", "OPTARG": "",
		"":    "the name is empty: write NAME=value",
		"A-B": dotted, "9": noName, "A.B": dotted, "-A": noName, ".A": noName, "A\n": noName, "É": noName,
		"sops_mac":      "sops_mac: names that begin with sops_ belong to sops' metadata: choose another",
		"A_unencrypted": "A_unencrypted: sops stores names that end in _unencrypted in clear: choose another",
	}
	for _, name := range []string{"PATH", "IFS", "BASH_ENV", "LD_AUDIT"} {
		rows[name] = name + takeOver
	}
	for _, name := range []string{
		"_", "UID", "EUID", "PPID", "SHELLOPTS", "BASHOPTS", "GROUPS", "RANDOM", "SECONDS", "LINENO",
		"path", "USERNAME", "BASH_COMPAT", "MODULE_PATH", "WATCH",
	} {
		rows[name] = shells
	}
	for key, want := range rows {
		t.Run(key, func(t *testing.T) {
			for _, dialect := range dotenv.Dialects() {
				want := want
				if want == dotted && (dialect == dotenv.Compose || dialect == dotenv.Docker) {
					want = ""
				}
				if want == shells {
					want = ""
					if dialect == dotenv.Shell || dialect == dotenv.Portable {
						want = key + ": the " + string(dialect) + " dialect can't hold " + shells
					}
				}
				if got := message(dialect.CheckKey(key)); got != want {
					t.Errorf("%s: got %q, want %q", dialect, got, want)
				}
			}
		})
	}
}
