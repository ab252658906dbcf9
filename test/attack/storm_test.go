package attack

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// protections are what the kernel can do by itself about other people's files.
var protections = []string{"protected_symlinks", "protected_hardlinks", "protected_fifos", "protected_regular"}

// protect sets them, for the whole machine, until the test ends.
func protect(t *testing.T, value string) {
	t.Helper()
	for _, name := range protections {
		file := "/proc/sys/fs/" + name
		before, err := os.ReadFile(file)
		must(t, err)
		must(t, os.WriteFile(file, []byte(value), 0o600))
		t.Cleanup(func() { must(t, os.WriteFile(file, before, 0o600)) })
	}
}

// storm is a box whose runs are attacked.
type storm struct {
	*box
	jewels   *crownJewels
	identity string
	// By where the identity comes from; each with two sets of values, which take turns.
	travels, file [2]secret.Text
	totals        findings
	succeeded     int
	codes         map[string]int
	longest       time.Duration
}

func newStorm(t *testing.T, kind string) *storm {
	t.Helper()
	b := newBox(t, kind)
	identity := newIdentity(t)
	s := &storm{box: b, jewels: b.jewels(), identity: identity.String() + "\n", codes: map[string]int{}}
	s.totals.Moves = map[string]int{}
	// As if an earlier run had made the directory.
	s.put("/var/lib/ageenv/directories", "/opt/app/conf/keys\n", 0o600)
	must(t, os.Chmod(s.path("/var/lib/ageenv"), 0o700))
	for i := range s.travels {
		value := fmt.Sprintf("%s %d\n", canary, i)
		files := []firstboot.File{
			fileOf(t, identity, "/opt/app/.env", "0600", value),
			fileOf(t, identity, "/opt/app/conf/group", "0640", value),
			treeOf(t, identity, "/opt/app/conf/keys", "0640", map[string]string{"TOKEN": value, "tls.key": value}),
			fileOf(t, identity, "/opt/app/new/deep/file", "0600", value),
		}
		s.travels[i] = render(t, identity, files...)
		var err error
		s.file[i], err = firstboot.Render(firstboot.Params{Files: files, IdentityFile: "/opt/id/key.txt"})
		must(t, err)
	}
	return s
}

// arrange makes the user's directories again. What the program keeps stays.
func (s *storm) arrange(rng *rand.Rand) {
	s.t.Helper()
	for _, dir := range []string{"/opt/app", "/opt/id", "/var/lib/prometheus"} {
		must(s.t, os.RemoveAll(s.path(dir)))
	}
	for _, dir := range userDirs {
		s.directory(dir)
	}
	if rng.Intn(4) > 0 {
		s.put("/opt/app/.env", canary+" old", 0o600)
		s.put("/opt/app/conf/group", canary+" old", 0o640)
		s.put("/opt/app/conf/keys/TOKEN", canary+" old", 0o640)
		must(s.t, os.Chmod(s.path("/opt/app/conf/keys"), 0o750))
	}
	if rng.Intn(3) == 0 {
		must(s.t, setACL(s.path("/opt/app/conf"), "system.posix_acl_default", user, 7))
	}
	s.put("/opt/id/key.txt", s.identity, 0o600)
	s.give("/opt/id/key.txt")
}

// attacked does one run.
func (s *storm) attacked(number int, seed int64) {
	s.t.Helper()
	rng := newSource(seed)
	s.arrange(rng)
	o := orders{Seed: seed, Skip: rng.Intn(60), Budget: []int{0, 1, 1, 2, 5, 1000}[rng.Intn(6)]}
	if rng.Intn(8) == 0 {
		o.Before = 1 + rng.Intn(3)
	}
	if rng.Intn(3) == 0 {
		o.Burst, o.Delay = 1+rng.Intn(40), rng.Intn(250)
	}
	scripts := s.travels
	if rng.Intn(6) == 0 {
		scripts = s.file
	}
	wrong := s.jewels.check()
	stop := s.attack(o)
	got := s.run(scripts[number%2])
	wrong = append(wrong, s.jewels.check()...)
	found := stop()
	for _, leak := range found.Leaks {
		wrong = append(wrong, "the user can read a value: "+leak)
	}
	if got.hung {
		wrong = append(wrong, fmt.Sprintf("the run did not end within %v", limit))
	}
	for _, bad := range []string{"unexpected", "Traceback", canary} {
		if strings.Contains(got.out, bad) {
			wrong = append(wrong, "the run says "+got.out)
			break
		}
	}
	s.longest = max(s.longest, got.took)
	s.codes[fmt.Sprintf("%d %s", got.code, s.reason())]++
	if got.code == 0 && s.reason() == "" {
		s.succeeded++
	}
	if o.Budget+o.Before+o.Burst == 0 {
		// The user only looked.
		text, _ := os.ReadFile(s.path("/opt/app/.env"))
		if got.code != 0 || string(text) != fmt.Sprintf("%s %d\n", canary, number%2) {
			wrong = append(wrong, fmt.Sprintf("nobody hindered it, and the file is %.40q: %s", text, got.out))
		}
	}
	s.totals.Events += found.Events
	s.totals.Held += found.Held
	for kind, n := range found.Moves {
		s.totals.Moves[kind] += n
	}
	for _, text := range wrong {
		s.t.Errorf("run %d, seed %d, %+v, code %d: %s", number, seed, o, got.code, text)
	}
	if len(wrong) > 0 {
		// What is changed now is not to be reported with each run.
		s.jewels.was = s.jewels.look()
		s.jewels.check()
	}
}

// A user works against every step of every run: root's files are never changed, opened or
// waited for, no value can be read, every run ends, and a third of them succeed.
func TestStorm(t *testing.T) {
	needRoot(t)
	runs := environment("AGEENV_ATTACK_RUNS", 100)
	for _, protected := range []string{"0", "1"} {
		t.Run("protected "+protected, func(t *testing.T) {
			protect(t, protected)
			for _, kind := range []string{"ext4", "tmpfs"} {
				t.Run(kind, func(t *testing.T) {
					t.Parallel()
					s := newStorm(t, kind)
					began := time.Now()
					for n := range runs {
						s.attacked(n, int64(environment("AGEENV_ATTACK_SEED", 1))*1000+int64(n))
					}
					s.report(runs, time.Since(began))
					s.afterwards()
				})
			}
		})
	}
}

func (s *storm) report(runs int, took time.Duration) {
	s.t.Logf("%d runs in %v, the longest in %v: %d succeeded; %d events, %d files held open", runs, took.Round(time.Second), s.longest.Round(time.Millisecond), s.succeeded, s.totals.Events, s.totals.Held)
	for _, counts := range []map[string]int{s.codes, s.totals.Moves} {
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			lines = append(lines, fmt.Sprintf("%s: %d", name, counts[name]))
		}
		s.t.Log(strings.Join(lines, ", "))
	}
	if s.succeeded*3 < runs {
		s.t.Errorf("only %d of %d runs succeeded", s.succeeded, runs)
	}
	if runs < 100 {
		return
	}
	if s.succeeded == runs {
		s.t.Error("every run succeeded: the attacker does nothing")
	}
	for _, kind := range moveNames() {
		// Only the shell program has names that can be guessed.
		if s.totals.Moves[kind] == 0 && kind != "guessed name" {
			s.t.Errorf("the attacker never tried: %s", kind)
		}
	}
}

// afterwards runs the script in peace: all is in place, and nothing is left over, but for
// what the user has taken away.
func (s *storm) afterwards() {
	s.t.Helper()
	for _, dir := range []string{"/opt/app", "/opt/id", "/var/lib/prometheus"} {
		must(s.t, os.RemoveAll(s.path(dir)))
	}
	for _, dir := range userDirs {
		s.directory(dir)
	}
	s.drop(s.travels[0])
	value := canary + " 0\n"
	s.want("/opt/app/.env", value, 0, 0o600)
	s.want("/opt/app/conf/group", value, 0, 0o640)
	s.want("/opt/app/conf/keys/TOKEN", value, 0, 0o640)
	s.want("/opt/app/new/deep/file", value, 0, 0o600)
	s.wantMode("/opt/app/conf/keys", 0, 0, 0o750)
	s.wantMode("/opt/app/new/deep", user, user, 0o755)
	s.wantNoDrafts()
	names, err := filepath.Glob(s.path("/etc/*"))
	must(s.t, err)
	if len(names) > 6 {
		s.t.Errorf("something was put into /etc: %q", names)
	}
}

func environment(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
