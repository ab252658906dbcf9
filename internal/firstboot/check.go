package firstboot

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// What Linux allows for a name, NAME_MAX.
	maxNameBytes = 255
	// PATH_MAX is 4096; the rest is left for what is staged beside the target.
	maxPathBytes = 4000
	// What useradd allows.
	maxAccountBytes = 32
)

// Where files would go to something that is not a disk, or would be taken for
// the script's own.
var reservedDirs = []struct{ dir, reason string }{
	{"/proc", "the kernel's own"},
	{"/sys", "the kernel's own"},
	{"/dev", "the kernel's own"},
	{"/var/lib/ageenv", "where the script keeps its status"},
	{"/run/ageenv", "where the script works"},
	{"/run/user", "whose directories are mounted when a user logs in"},
}

// CheckPath reports why a file cannot be dropped at p. It has to be absolute and
// clean, must print (a log line and a status file show it), and must not be
// where a file has no place. The error goes on after the words "the path".
func CheckPath(p string) error {
	switch {
	case p == "":
		return errors.New("is empty: write an absolute path, as /etc/app/.env")
	case !strings.HasPrefix(p, "/"):
		return fmt.Errorf("%q is relative: write it from / on", p)
	case !utf8.ValidString(p):
		return fmt.Errorf("%q is not UTF-8: write it in UTF-8", p)
	}
	if err := checkPrints(p); err != nil {
		return fmt.Errorf("%q %w", p, err)
	}
	switch {
	case p == "/":
		return errors.New(`"/" is the root directory: name a file`)
	case strings.HasSuffix(p, "/"):
		return fmt.Errorf("%q ends in a slash, as a directory does: name the file", p)
	case path.Clean(p) != p:
		return fmt.Errorf("%q is not in its shortest form: write %q", p, path.Clean(p))
	case len(p) > maxPathBytes:
		return fmt.Errorf("is %d bytes long: the limit is %d", len(p), maxPathBytes)
	}
	for name := range strings.SplitSeq(p, "/") {
		if len(name) > maxNameBytes {
			return fmt.Errorf("has a part of %d bytes: the limit is %d", len(name), maxNameBytes)
		}
	}
	// /var/run is a symlink to /run.
	place := p
	if isBelow(p, "/var/run") {
		place = strings.TrimPrefix(p, "/var")
	}
	for _, r := range reservedDirs {
		if place == r.dir || isBelow(place, r.dir) {
			return fmt.Errorf("%q is in %s, %s: choose another directory", p, r.dir, r.reason)
		}
	}
	if strings.HasPrefix(place, "/run/ageenv.") {
		return fmt.Errorf("%q is where the script works: choose another name", p)
	}
	if strings.HasPrefix(path.Base(p), ".ageenv.") {
		return fmt.Errorf("%q is named as the script's temporary files are: choose another name", p)
	}
	return nil
}

// isBelow reports whether p is in dir, at any depth.
func isBelow(p, dir string) bool { return strings.HasPrefix(p, dir+"/") }

// checkPrints refuses what would forge or garble a line of a log: line ends,
// other control characters, and characters that change how others are shown.
func checkPrints(s string) error {
	for i, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("has a character that does not print, %U at byte %d: leave it out", r, i)
		}
	}
	return nil
}

// CheckPaths reports the first path that cannot be dropped together with those
// before it: the same one twice, or one below another. It is a *ParamError. Each
// path is taken to have passed CheckPath.
func CheckPaths(paths []string) error {
	for i, p := range paths {
		for j, before := range paths[:i] {
			var problem string
			switch {
			case p == before:
				problem = fmt.Sprintf("%q is also that of files[%d]: give each file a path of its own", p, j)
			case isBelow(p, before):
				problem = fmt.Sprintf("%q is below %q, which files[%d] makes a file: move one of them", p, before, j)
			case isBelow(before, p):
				problem = fmt.Sprintf("%q has to be a directory for %q of files[%d]: move one of them", p, before, j)
			default:
				continue
			}
			return &ParamError{Index: i, Field: "Path", Problem: problem}
		}
	}
	return nil
}

// composeReads are the names that docker compose chooses by itself in a project's
// directory.
var composeReads = []string{
	"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
	"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml", ".env",
}

// CheckFileConflicts reports why a file cannot be dropped together with the rest: it is
// where the identity is looked for, or docker compose, which runs as root, would take
// it from somebody else. Its path, owner and mode are taken to have passed their own
// checks. The error is a *ParamError with that index.
func CheckFileConflicts(index int, f File, p Params) error {
	if p.IdentityFile != "" && (f.Path == p.IdentityFile || isBelow(f.Path, p.IdentityFile) || isBelow(p.IdentityFile, f.Path)) {
		return &ParamError{index, "Path", fmt.Sprintf("%q is in the way of the identity file %q: move one of them", f.Path, p.IdentityFile)}
	}
	directory, name := path.Split(f.Path)
	if !slices.Contains(composeReads, name) || !slices.Contains(p.RecreateCompose, path.Clean(directory)) {
		return nil
	}
	if f.Owner != "" && f.Owner != "root" && f.Owner != "0" {
		return &ParamError{index, "Owner", fmt.Sprintf("is %q, and docker compose reads %q as root: who can write it could make the containers root's. Leave the owner out; for what a container's own user reads, choose another name and env_file or secrets", f.Owner, f.Path)}
	}
	if mode, err := strconv.ParseUint(f.Mode, 8, 16); err == nil && mode&0o022 != 0 {
		return &ParamError{index, "Mode", fmt.Sprintf("lets others than root write %q, which docker compose reads as root: write 0640 or less", f.Path)}
	}
	return nil
}

var (
	accountName   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]*$`) })
	accountNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]+$`) })
	octalMode     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-7]{3,4}$`) })
)

// CheckOwner reports why s can be neither a user's name nor a user ID. Whether
// the box has the user shows only there.
func CheckOwner(s string) error { return checkAccount(s, "user") }

// CheckGroup is CheckOwner for a group.
func CheckGroup(s string) error { return checkAccount(s, "group") }

func checkAccount(s, kind string) error {
	switch {
	case s == "":
		return fmt.Errorf("is empty: write the name or number of a %s, as root or 0", kind)
	case accountNumber().MatchString(s):
		// The highest number means "leave it as it is" to chown(2).
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n == 1<<32-1 {
			return fmt.Errorf("%q is too high: the numbers of a %s end at 4294967294", s, kind)
		}
		if s[0] == '0' && s != "0" {
			return fmt.Errorf("%q has leading zeros: write %d", s, n)
		}
		return nil
	case len(s) > maxAccountBytes:
		return fmt.Errorf("is %d bytes long: the name of a %s has at most %d", len(s), kind, maxAccountBytes)
	case !accountName().MatchString(s):
		return fmt.Errorf("%q is not the name of a %s: write letters, digits, '.', '_' or '-', beginning with a letter or '_'; or a number", s, kind)
	}
	return nil
}

// CheckMode reports why s is not a mode for a file that holds secrets: three or
// four octal digits, readable by its owner, nothing executable, no setuid,
// setgid or sticky bit.
func CheckMode(s string) error {
	if !octalMode().MatchString(s) {
		return fmt.Errorf("%q is not a mode: write three or four octal digits, as %s", s, DefaultMode)
	}
	mode, err := strconv.ParseUint(s, 8, 16)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a mode: write three or four octal digits, as %s", s, DefaultMode)
	case mode&0o7000 != 0:
		return fmt.Errorf("%q has a setuid, setgid or sticky bit: write %04o", s, mode&0o777)
	case mode&0o111 != 0:
		return fmt.Errorf("%q makes the file executable: write %04o", s, mode&0o666)
	case mode&0o400 == 0:
		return fmt.Errorf("%q does not let the owner read the file: write %04o", s, mode|0o400)
	}
	return nil
}

var lowerHexDigest = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })

func checkDigest(s string) error {
	if s != "" && !lowerHexDigest().MatchString(s) {
		return errors.New("is not a SHA-256 digest: write 64 lower-case hex digits, or nothing")
	}
	return nil
}

// CheckName reports why s cannot be Params.Name.
func CheckName(s string) error {
	if len(s) > maxNameBytes {
		return fmt.Errorf("is %d bytes long: the limit is %d", len(s), maxNameBytes)
	}
	if !utf8.ValidString(s) {
		return errors.New("is not UTF-8: write it in UTF-8")
	}
	return checkPrints(s)
}

func checkExposure(e Exposure) error {
	if e != "" && !slices.Contains(Exposures(), e) {
		return fmt.Errorf("%q is not an exposure: write %q or %q", string(e), ExposureFile, ExposureEnv)
	}
	return nil
}

func checkLayout(l Layout) error {
	if l != "" && !slices.Contains(Layouts(), l) {
		return fmt.Errorf("%q is not a layout: write %q or %q", string(l), LayoutFile, LayoutDirectory)
	}
	return nil
}

// CheckIdentityFile reports why p cannot be where an identity is looked for. It
// goes into a systemd unit, which reads a blank at the end away and takes a
// backslash there for the line going on.
func CheckIdentityFile(p string) error {
	if strings.HasSuffix(p, " ") || strings.HasSuffix(p, `\`) {
		return fmt.Errorf("%q ends in a blank or a backslash, which systemd cannot read: choose another name", p)
	}
	if p == "/var/lib/ageenv/identity" {
		return fmt.Errorf("%q is where the script keeps an identity of its own: choose another name", p)
	}
	return CheckPath(p)
}
