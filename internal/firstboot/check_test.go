package firstboot

import (
	"errors"
	"strings"
	"testing"
)

type checkCase struct {
	name, in string
	// want is part of the error, or empty if there must be none.
	want string
}

func runChecks(t *testing.T, check func(string) error, cases []checkCase) {
	t.Helper()
	for _, tt := range cases {
		err := check(tt.in)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %q: %v", tt.name, tt.in, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %q: got %v, want %q", tt.name, tt.in, err, tt.want)
		}
	}
}

func TestCheckPath(t *testing.T) {
	runChecks(t, CheckPath, []checkCase{
		{"usual", "/etc/app/.env", ""},
		{"at the top", "/f", ""},
		{"run", "/run/secrets/app", ""},
		{"blank", "/srv/my app/it's", ""},
		{"unicode", "/srv/日本語", ""},
		{"longest name", "/" + strings.Repeat("n", 255), ""},
		{"looks like proc", "/process/x", ""},
		{"dots in a name", "/srv/a..b/...", ""},
		{"empty", "", "is empty: write an absolute path"},
		{"relative", "etc/app", "is relative"},
		{"home", "~/x", "is relative"},
		{"root", "/", "root directory"},
		{"slash at the end", "/etc/app/", "ends in a slash"},
		{"parent", "/etc/../root/x", `write "/root/x"`},
		{"parent at the end", "/etc/..", "shortest form"},
		{"dot", "/etc/./x", `write "/etc/x"`},
		{"two slashes", "//etc/x", `write "/etc/x"`},
		{"newline", "/etc/a\nb", "U+000A at byte 6"},
		{"carriage return", "/etc/a\rb", "does not print"},
		{"tab", "/etc/a\tb", "does not print"},
		{"NUL", "/etc/a\x00b", "does not print"},
		{"escape", "/etc/\x1b[31m", "does not print"},
		{"C1 control", "/etc/\u0085", "does not print"},
		{"line separator", "/etc/\u2028", "does not print"},
		{"right to left override", "/etc/\u202egpj", "does not print"},
		{"not UTF-8", "/etc/\xff", "is not UTF-8"},
		{"name too long", "/" + strings.Repeat("n", 256), "a part of 256 bytes"},
		{"too long", strings.Repeat("/abcdefg", 501), "is 4008 bytes long"},
		{"proc", "/proc/self/environ", "is in /proc"},
		{"sys", "/sys/x", "is in /sys"},
		{"dev", "/dev/shm/x", "is in /dev"},
		{"dev itself", "/dev", "is in /dev"},
		{"status", "/var/lib/ageenv/status.json", "is in /var/lib/ageenv"},
		{"private directory", "/run/ageenv.1.abcdef/x", "where the script works"},
		{"working directory", "/run/ageenv/x", "is in /run/ageenv, where the script works"},
		{"run by its old name", "/var/run/ageenv.abcdef/x", "where the script works"},
		{"looks like it", "/run/ageenv-app/x", ""},
		{"a user's mount", "/run/user/1000/app", "is in /run/user"},
		{"a user's mount by its old name", "/var/run/user/1000/app", "is in /run/user"},
		{"looks like a user's mount", "/run/users/x", ""},
		{"staged name", "/srv/.ageenv.1.abcdef.n1", "temporary files"},
	})
}

func TestCheckOwnerAndGroup(t *testing.T) {
	cases := []checkCase{
		{"root", "root", ""},
		{"number", "1000", ""},
		{"zero", "0", ""},
		{"highest", "4294967294", ""},
		{"system", "systemd-network", ""},
		{"underscore", "_apt", ""},
		{"dot and capitals", "First.Last", ""},
		{"32 letters", strings.Repeat("a", 32), ""},
		{"empty", "", "is empty"},
		{"33 letters", strings.Repeat("a", 33), "is 33 bytes long"},
		{"nobody's number", "4294967295", "too high"},
		{"far too high", "99999999999999999999", "too high"},
		{"leading zeros", "007", "write 7"},
		{"dash first", "-R", "is not the name"},
		{"digit first", "1abc", "is not the name"},
		{"pair", "root:root", "is not the name"},
		{"blank", "a b", "is not the name"},
		{"substitution", "$(id)", "is not the name"},
		{"newline", "root\n", "is not the name"},
		{"unicode", "rööt", "is not the name"},
		{"plus", "+0", "is not the name"},
	}
	runChecks(t, CheckOwner, cases)
	runChecks(t, CheckGroup, cases)
	if err := CheckGroup("-x"); err == nil || !strings.Contains(err.Error(), "group") {
		t.Errorf("a group's error must say group: %v", err)
	}
}

func TestCheckMode(t *testing.T) {
	runChecks(t, CheckMode, []checkCase{
		{"default", DefaultMode, ""},
		{"three digits", "640", ""},
		{"read only", "0400", ""},
		{"everybody", "0644", ""},
		{"empty", "", "is not a mode"},
		{"two digits", "60", "is not a mode"},
		{"five digits", "00600", "is not a mode"},
		{"not octal", "0680", "is not a mode"},
		{"symbolic", "u=rw", "is not a mode"},
		{"prefix", "0o600", "is not a mode"},
		{"newline", "600\n", "is not a mode"},
		{"setuid", "4600", "write 0600"},
		{"setgid", "2640", "write 0640"},
		{"sticky", "1600", "write 0600"},
		{"executable by owner", "0700", "write 0600"},
		{"executable by others", "0601", "write 0600"},
		{"owner cannot read", "0200", "write 0600"},
		{"nobody", "0000", "write 0400"},
	})
}

func TestCheckPaths(t *testing.T) {
	for _, tt := range []struct {
		name  string
		paths []string
		index int
		want  string
	}{
		{"none", nil, 0, ""},
		{"siblings", []string{"/a/b", "/a/bc", "/a/c"}, 0, ""},
		{"same", []string{"/a", "/b", "/a"}, 2, "also that of files[0]"},
		{"below", []string{"/a", "/a/b"}, 1, "files[0] makes a file"},
		{"above", []string{"/x", "/a/b/c", "/a"}, 2, "has to be a directory"},
	} {
		err := CheckPaths(tt.paths)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		var p *ParamError
		if !errors.As(err, &p) || p.Index != tt.index || p.Field != "Path" || !strings.Contains(p.Problem, tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func TestDefaultsAreAccepted(t *testing.T) {
	if err := errors.Join(CheckOwner(DefaultOwner), CheckGroup(DefaultGroup), CheckMode(DefaultMode)); err != nil {
		t.Error(err)
	}
}

// The oracle is the shell itself.
func TestQuoteIsExact(t *testing.T) {
	texts := append([]string{"", "'", "''", `'\''`, "\t", "\x01\x7f", "\xff\xfe"}, hostileNames...)
	var script strings.Builder
	for _, text := range texts {
		q, err := quote(text)
		if err != nil {
			t.Fatal(err)
		}
		script.WriteString("printf '%s\\n' " + q + "\n")
	}
	b := newBox(t, 0)
	for _, shell := range shells(t) {
		b.shell = shell.command
		got := b.run(secretOf(script.String()))
		if want := strings.Join(texts, "\n") + "\n"; got.stdout != want {
			t.Errorf("%s: got %q, want %q", shell.name, got.stdout, want)
		}
	}
	for _, text := range []string{"\x00", "a\nb", "\r"} {
		if q, err := quote(text); err == nil {
			t.Errorf("%q must be refused, got %s", text, q)
		}
	}
}

// docker compose runs as root and reads .env: its owner could make anybody root. And a
// file in the place of the identity file would destroy that.
func TestCheckFileAmong(t *testing.T) {
	p := Params{IdentityFile: "/etc/age/key", RecreateCompose: []string{"/srv/app"}}
	for _, tt := range []struct{ path, owner, mode, field string }{
		{"/srv/app/.env", "", "0640", ""},
		{"/srv/app/.env", "root", "0600", ""},
		{"/srv/app/.env", "0", "0600", ""},
		{"/srv/app/.env", "1000", "0600", "Owner"},
		{"/srv/app/compose.override.yml", "app", "0600", "Owner"},
		{"/srv/app/.env", "root", "0660", "Mode"},
		{"/srv/app/app.env", "1000", "0600", ""},
		{"/srv/app/conf/.env", "1000", "0600", ""},
		{"/etc/age/key", "", "0600", "Path"},
		{"/etc/age", "", "0600", "Path"},
		{"/etc/age/key/x", "", "0600", "Path"},
		{"/etc/age/key2", "", "0600", ""},
	} {
		err := CheckFileConflicts(3, File{Path: tt.path, Owner: tt.owner, Mode: tt.mode}, p)
		field := ""
		var pe *ParamError
		if errors.As(err, &pe) && pe.Index == 3 {
			field = pe.Field
		}
		if field != tt.field || (err == nil) != (tt.field == "") {
			t.Errorf("%v: got %v, want an error about %q", tt, err, tt.field)
		}
	}
}
