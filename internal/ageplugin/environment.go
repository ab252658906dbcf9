package ageplugin

import (
	"os"
	"runtime"
	"slices"
	"strings"
)

// A plugin gets these variables and no other: what a program needs to find its files,
// its key and a place to show a prompt. TF_VAR_… variables may hold secrets, and so may
// any variable of a pipeline. AGEDEBUG would have age print file keys.
var passedOn = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL",
	"LANG", "LANGUAGE", "TZ", "TERM",
	"TMPDIR", "TMP", "TEMP",
	// Prompts: on a screen, by pinentry, by an agent.
	"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS",
	"GPG_TTY", "GNUPGHOME", "PINENTRY_USER_DATA", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
	// Smart cards and TPMs.
	"PCSCLITE_CSOCK_NAME", "TPM2TOOLS_TCTI", "TCTI",
}

// passedOnPrefixes begin the names of more of them.
var passedOnPrefixes = []string{"LC_", "XDG_"}

// passedOnWindows is what a program needs on Windows. Names have no case there.
var passedOnWindows = []string{
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "USERDOMAIN", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "COMMONPROGRAMFILES",
}

// scrubbed returns the variables of an environment that a plugin gets.
func scrubbed(environment []string, system string) (kept []string) {
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		windows := system == "windows"
		if windows {
			name = strings.ToUpper(name)
		}
		if slices.Contains(passedOn, name) || windows && slices.Contains(passedOnWindows, name) ||
			slices.ContainsFunc(passedOnPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			kept = append(kept, entry)
		}
	}
	return kept
}

func childEnvironment() []string { return scrubbed(os.Environ(), runtime.GOOS) }
