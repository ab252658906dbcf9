package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orders are how a run is attacked.
type orders struct {
	Seed int64
	// The first event that is answered, and how many are. A user who answers all of them
	// lets no run succeed.
	Skip, Budget int
	// Before is how many moves are made before the run starts.
	Before int
	// Burst is for how many milliseconds the same move is made again and again, and
	// Delay when that starts.
	Burst, Delay int
	// Kind is a move that is made with every draft as it appears, and no other; Prey is
	// what it leads to.
	Kind, Prey string
}

// findings are what an attacker has seen.
type findings struct {
	Events int
	Moves  map[string]int
	// Leaks are the places where a value could be read.
	Leaks []string
	// Held is how many files were open to be read at the end.
	Held int
	// FIFOs is how many lay in wait.
	FIFOs int
}

type holding struct {
	fd   int
	name string
}

// attacker is the process of the user.
type attacker struct {
	orders
	rng    *rand.Rand
	notify int
	dirs   map[int]string
	seen   findings
	held   []holding
	kept   []string
	made   int
	drafts []string
	mine   map[string]bool
	mu     sync.Mutex
}

// Where the user may write, and what the program puts there.
var (
	userDirs    = []string{"/opt/app", "/opt/app/conf", "/opt/id", "/var/lib/prometheus/node-exporter"}
	targetNames = []string{".env", "group", "keys", "new", "key.txt", "ageenv.prom"}
)

// attack starts the attacker, and returns what ends it.
func (b *box) attack(o orders) func() findings {
	b.t.Helper()
	if _, err := os.Stat(b.path("/attacker")); err != nil {
		must(b.t, os.WriteFile(b.path("/attacker"), nil, 0o600))
		self, err := os.Executable()
		must(b.t, err)
		bind(b.t, self, b.path("/attacker"), unix.MS_RDONLY)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, "/attacker")
	cmd.Dir, cmd.Env = "/", []string{"AGEENV_ATTACKER=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: b.root, Credential: &syscall.Credential{Uid: user, Gid: user}}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(b.t, err)
	out, err := cmd.StdoutPipe()
	must(b.t, err)
	must(b.t, cmd.Start())
	must(b.t, json.NewEncoder(in).Encode(o))
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		b.t.Fatalf("the attacker says %q (%v)", line, err)
	}
	return func() findings {
		defer cancel()
		must(b.t, in.Close())
		text, err := io.ReadAll(lines)
		must(b.t, err)
		must(b.t, cmd.Wait())
		var found findings
		must(b.t, json.Unmarshal(text, &found))
		return found
	}
}

// attackerMain is all that the process does: it reads its orders, says that it is ready,
// and attacks until its input ends.
func attackerMain() {
	runtime.LockOSThread()
	in := bufio.NewReader(os.Stdin)
	a := attacker{dirs: map[int]string{}, mine: map[string]bool{}}
	a.seen.Moves = map[string]int{}
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &a.orders)
	}
	if err == nil {
		a.notify, err = unix.InotifyInit1(unix.IN_CLOEXEC)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(1)
	}
	unix.Umask(0)
	a.rng = newSource(a.Seed)
	for range a.Before {
		a.act(a.pick(userDirs), a.pick(targetNames), "")
	}
	for _, dir := range userDirs {
		a.prepare(dir)
	}
	for _, dir := range append(userDirs, "/run", "/opt/app/conf/keys") {
		a.watch(dir)
	}
	fmt.Println("ready")
	go func() {
		_, _ = in.ReadByte()
		a.mu.Lock()
		a.inspect()
		_ = json.NewEncoder(os.Stdout).Encode(a.seen)
		os.Exit(0)
	}()
	if a.Burst > 0 {
		go a.burst()
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(a.notify, buffer)
		if err != nil {
			continue
		}
		a.mu.Lock()
		for _, e := range parseEvents(buffer[:n]) {
			a.answer(e)
		}
		a.mu.Unlock()
	}
}

func (a *attacker) watch(dir string) {
	if number, err := unix.InotifyAddWatch(a.notify, dir, unix.IN_ALL_EVENTS|unix.IN_ONLYDIR|unix.IN_DONT_FOLLOW); err == nil {
		a.dirs[number] = dir
	}
}

// answer does something about an event.
func (a *attacker) answer(e event) {
	dir := a.dirs[e.watch]
	// What it has made itself tells nothing.
	if dir == "" || strings.HasPrefix(e.name, ".x") {
		return
	}
	a.seen.Events++
	if e.name != "" && e.mask&(unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_ATTRIB) != 0 {
		if e.mask&unix.IN_ISDIR != 0 {
			a.watch(dir + "/" + e.name)
		} else if isFIFO(dir + "/" + e.name) {
			// Open at this end, it would keep nobody waiting.
			a.seen.FIFOs++
		} else if fd, err := unix.Open(dir+"/"+e.name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err == nil {
			a.hold(fd, dir+"/"+e.name)
		}
		if strings.HasPrefix(e.name, ".ageenv.") {
			a.drafts = append(a.drafts, dir+"/"+e.name)
		}
	}
	if a.Kind != "" && dir != "/run" {
		if strings.HasPrefix(e.name, ".ageenv.") && e.mask&unix.IN_CREATE != 0 && !a.mine[e.name] {
			a.act(dir, e.name, a.Kind)
		}
		return
	}
	if dir == "/run" {
		// Only to be looked at: names are made after what is there.
		if strings.HasPrefix(e.name, "ageenv.") && (a.Kind != "" || a.Budget > 0 && a.Skip == 0) {
			a.count("guessed name")
			for _, at := range userDirs {
				moves["guessed name"](a, at, "")
			}
		}
		return
	}
	if a.Skip > 0 {
		a.Skip--
		return
	}
	if a.Budget <= 0 {
		return
	}
	a.Budget--
	name := e.name
	switch roll := a.rng.Intn(10); {
	case roll < 2 && len(a.drafts) > 0:
		dir, name = path.Split(a.drafts[len(a.drafts)-1])
		dir = path.Clean(dir)
	case roll < 4 || name == "":
		name = a.pick(targetNames)
	}
	a.act(dir, name, "")
}

// act makes a move, any if it is not named.
func (a *attacker) act(dir, name, kind string) {
	if kind == "" {
		kind = a.pick(moveNames())
	}
	a.count(kind)
	moves[kind](a, dir, name)
}

func (a *attacker) count(kind string) { a.seen.Moves[kind]++ }

func moveNames() []string {
	var names []string
	for name := range moves {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// burst makes one move in a tight loop: what it hits, no event announces.
func (a *attacker) burst() {
	runtime.LockOSThread()
	a.mu.Lock()
	kind, dir, name := a.pick([]string{"swap directory", "exchange", "symlink", "FIFO", "lease", "hard link"}), a.pick(userDirs), a.pick(targetNames)
	a.mu.Unlock()
	time.Sleep(time.Duration(a.Delay) * time.Millisecond)
	until := time.Now().Add(time.Duration(a.Burst) * time.Millisecond)
	for i := 0; time.Now().Before(until) && i < 2000; i++ {
		a.mu.Lock()
		a.act(dir, name, kind)
		a.mu.Unlock()
	}
}

// inspect looks for values in everything that the user can open, or has opened.
func (a *attacker) inspect() {
	a.seen.Held = len(a.held)
	for _, h := range a.held {
		if readsCanary(h.fd) {
			a.seen.Leaks = append(a.seen.Leaks, "a descriptor of "+h.name)
		}
	}
	for _, dir := range []string{"/etc", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var"} {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || p == "/etc/open" || p == "/var/lib/private" {
				return fs.SkipDir
			}
			if !d.Type().IsRegular() {
				return nil
			}
			fd, err := unix.Open(p, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil //nolint:nilerr // this one is safe
			}
			if readsCanary(fd) {
				a.seen.Leaks = append(a.seen.Leaks, p)
			}
			return unix.Close(fd)
		})
	}
}

func isFIFO(p string) bool {
	var st unix.Stat_t
	return unix.Lstat(p, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

func readsCanary(fd int) bool {
	text := make([]byte, 1<<20)
	n, err := unix.Pread(fd, text, 0)
	return err == nil && strings.Contains(string(text[:n]), canary)
}
