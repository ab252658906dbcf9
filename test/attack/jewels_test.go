package attack

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// crownJewels are files of root's on a box that no user's directory leads to.
type crownJewels struct {
	b     *box
	watch int
	was   map[string]string
}

// Each is root's alone. /etc/open can be entered by everybody, but not listed.
var jewels = []string{"/etc/shadow", "/etc/open", "/etc/open/inner", "/root/secret", "/var/lib/private", "/var/lib/private/inner", "/var/lib/vacant"}

// Openings and changes of a file that it was not to have. The user may make a second name
// for it, and move that: this is no change of its own.
const harm = unix.IN_OPEN | unix.IN_ACCESS | unix.IN_MODIFY | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO

func (b *box) jewels() *crownJewels {
	b.t.Helper()
	for _, p := range jewels {
		if strings.HasSuffix(p, "/inner") {
			must(b.t, os.MkdirAll(filepath.Dir(b.path(p)), 0o755))
		}
	}
	must(b.t, os.MkdirAll(b.path("/var/lib/vacant"), 0o700))
	must(b.t, os.Chmod(b.path("/var/lib/private"), 0o700))
	must(b.t, os.Chmod(b.path("/etc/open"), 0o711))
	b.put("/etc/shadow", "root:*:1::::::\n", 0o640)
	must(b.t, os.Chown(b.path("/etc/shadow"), 0, 42))
	for _, p := range []string{"/etc/open/inner", "/root/secret", "/var/lib/private/inner"} {
		b.put(p, "root's own "+p, 0o600)
	}
	c := &crownJewels{b: b}
	var err error
	c.watch, err = unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(b.t, err)
	b.t.Cleanup(func() { _ = unix.Close(c.watch) })
	c.was = c.look()
	for _, p := range jewels {
		_, err := unix.InotifyAddWatch(c.watch, b.path(p), harm)
		must(b.t, err)
	}
	return c
}

// look describes each: owner, mode, times and bytes.
func (c *crownJewels) look() map[string]string {
	c.b.t.Helper()
	found := map[string]string{}
	for _, p := range jewels {
		var st unix.Stat_t
		must(c.b.t, unix.Lstat(c.b.path(p), &st))
		text := fmt.Sprintf("inode %d, %d:%d %o, read %d.%09d, written %d.%09d", st.Ino, st.Uid, st.Gid, st.Mode, st.Atim.Sec, st.Atim.Nsec, st.Mtim.Sec, st.Mtim.Nsec)
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			file, err := os.OpenFile(c.b.path(p), os.O_RDONLY|unix.O_NOATIME, 0)
			must(c.b.t, err)
			content := make([]byte, 4096)
			n, _ := file.Read(content)
			_ = file.Close()
			text += fmt.Sprintf(", %x", sha256.Sum256(content[:n]))
		}
		found[p] = text
	}
	return found
}

// check reports what has been done to them since they were looked at.
func (c *crownJewels) check() []string {
	c.b.t.Helper()
	var wrong []string
	for _, e := range readEvents(c.watch) {
		wrong = append(wrong, fmt.Sprintf("%s: event %#x %s", jewels[min(e.watch, len(jewels))-1], e.mask, e.name))
	}
	for p, now := range c.look() {
		if now != c.was[p] {
			wrong = append(wrong, fmt.Sprintf("%s: was %s, is %s", p, c.was[p], now))
		}
	}
	// Of the look itself.
	readEvents(c.watch)
	return wrong
}

func (c *crownJewels) want() {
	c.b.t.Helper()
	for _, text := range c.check() {
		c.b.t.Error(text)
	}
}

type event struct {
	watch int
	mask  uint32
	name  string
}

// readEvents returns what an inotify descriptor has now.
func readEvents(fd int) []event {
	var events []event
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buffer)
		if err != nil || n <= 0 {
			return events
		}
		events = append(events, parseEvents(buffer[:n])...)
	}
}

func parseEvents(text []byte) []event {
	var events []event
	for len(text) >= unix.SizeofInotifyEvent {
		number := func(at int) uint32 {
			return uint32(text[at]) | uint32(text[at+1])<<8 | uint32(text[at+2])<<16 | uint32(text[at+3])<<24
		}
		end := unix.SizeofInotifyEvent + int(number(12))
		name, _, _ := strings.Cut(string(text[unix.SizeofInotifyEvent:end]), "\x00")
		events = append(events, event{int(number(0)), number(4), name})
		text = text[end:]
	}
	return events
}
