package firstboot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agevectors"
)

// readOne opens one file with the package below sys.argv[1] and the identities in the
// file sys.argv[2]. It prints the outcome in the words of the vectors, and after that
// line the plaintext.
const readOne = `
import sys
sys.path.insert(0, sys.argv[1])
from ageenv import reader
sealed, plain = sys.stdin.buffer.read(), b""
with open(sys.argv[2], "rb") as f:
    identities = f.read()
try:
    plain, outcome = reader.open_file(identities, sealed), "success"
except reader.Refused as e:
    outcome = e.fault
    assert e.code == reader.REASONS[outcome]
sys.stdout.buffer.write(outcome.encode() + b"\n" + plain)
`

// packedReader is a package that holds the reader alone, in the form that the script
// carries.
func packedReader(t testing.TB) string {
	t.Helper()
	text, err := readStripped(boxFiles, "box/ageenv/reader.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ageenv"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"__init__.py": "", "reader.py": text} {
		if err := os.WriteFile(filepath.Join(dir, "ageenv", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read runs a reader in a process of its own.
func read(t testing.TB, python, reader, identities string, sealed []byte) (string, []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(file, []byte(identities), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-I", "-S", "-B", "-c", readOne, reader, file)
	cmd.Env = []string{}
	cmd.Stdin = bytes.NewReader(sealed)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("the reader crashed: %v: %s", err, stderr.String())
	}
	outcome, plain, _ := bytes.Cut(stdout.Bytes(), []byte("\n"))
	return string(outcome), plain
}

// leftOut says why a vector is not for a reader of binary X25519 files, or "".
func leftOut(v agevectors.Vector) string {
	switch {
	case v.Armored:
		return "armored"
	case v.Passphrase:
		return "scrypt"
	case slices.ContainsFunc(v.Identities, func(s string) bool { return strings.HasPrefix(s, "AGE-SECRET-KEY-PQ-") }):
		return "hybrid"
	}
	return ""
}

func loadVectors(t *testing.T) []agevectors.Vector {
	t.Helper()
	vectors, err := agevectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

func TestReaderPassesOfficialVectors(t *testing.T) {
	python, reader := needPython(t), packedReader(t)
	someone := newIdentity(t).String()
	applicable, outcomes, others := 0, map[string]int{}, map[string]int{}
	for _, v := range loadVectors(t) {
		if why := leftOut(v); why != "" {
			others[why]++
			continue
		}
		applicable++
		outcomes[v.Expect]++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			// The empty file names no identity: nobody can open it.
			identities := strings.Join(append(v.Identities, someone), "\n") + "\n"
			got, plain := read(t, python, reader, identities, v.File)
			if got != v.Expect {
				t.Fatalf("got %s, want %s", got, v.Expect)
			}
			if v.Expect != "success" {
				if len(plain) > 0 {
					t.Errorf("%d bytes were let out", len(plain))
				}
				return
			}
			if sum := sha256.Sum256(plain); hex.EncodeToString(sum[:]) != v.Payload {
				t.Error("the payload differs")
			}
		})
	}
	t.Logf("%d vectors apply: %v; left out: %v", applicable, outcomes, others)
	// Far fewer would mean that they are no longer found or understood.
	if applicable < 60 {
		t.Errorf("only %d vectors apply", applicable)
	}
	for _, outcome := range []string{"success", "header failure", "no match", "HMAC failure", "payload failure"} {
		if outcomes[outcome] == 0 {
			t.Errorf("no vector expects %s", outcome)
		}
	}
}

// What is left out above must be refused all the same, and not half read: armor
// and other recipients are not for this reader.
func TestReaderRefusesOtherVectors(t *testing.T) {
	python, reader := needPython(t), packedReader(t)
	someone := newIdentity(t).String()
	tried := 0
	for _, v := range loadVectors(t) {
		if leftOut(v) == "" {
			continue
		}
		tried++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got, plain := read(t, python, reader, someone+"\n", v.File)
			if got != "header failure" && got != "no match" && got != "hybrid" || len(plain) > 0 {
				t.Errorf("got %s and %d bytes", got, len(plain))
			}
			if v.Armored && got != "header failure" {
				t.Errorf("armor: got %s", got)
			}
		})
	}
	if tried == 0 {
		t.Error("no vector was tried")
	}
}

// What only a newer age opens is told apart, whichever identity is at hand.
func TestReaderKnowsHybrid(t *testing.T) {
	python, reader := needPython(t), packedReader(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, canary, hybrid.Recipient())
	for _, identity := range []string{hybrid.String(), newIdentity(t).String()} {
		if got, _ := read(t, python, reader, identity+"\n", sealed); got != "hybrid" {
			t.Errorf("got %s", got)
		}
	}
}

func TestReaderRefusesIdentities(t *testing.T) {
	python, reader := needPython(t), packedReader(t)
	identity := newIdentity(t)
	good := identity.String()
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, canary, identity.Recipient())
	last := "Q"
	if strings.HasSuffix(good, last) {
		last = "P"
	}
	for _, tt := range []struct {
		name, identities, want string
	}{
		{"good", good + "\n", "success"},
		{"no line end", good, "success"},
		{"comments", "# created\n\n" + good + "\n", "success"},
		{"empty", "", "identity"},
		{"comments only", "# " + good + "\n", "identity"},
		{"lower case", strings.ToLower(good), "identity"},
		{"mixed case", good[:30] + strings.ToLower(good[30:]), "identity"},
		{"checksum", good[:len(good)-1] + last, "identity"},
		{"cut off", good[:len(good)-1], "identity"},
		{"too long", good + "Q", "identity"},
		{"letter outside", good[:20] + "B" + good[21:], "identity"},
		{"blank after", good + " ", "identity"},
		{"CR after", good + "\r\n", "identity"},
		{"hybrid", hybrid.String(), "identity"},
		{"one bad among good", good + "\nrubbish\n", "identity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := read(t, python, reader, tt.identities, sealed); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A process of its own for each case costs more than the case. It prints
// "outcome: hex-of-plaintext" for each.
const readMany = `
import os, sys
sys.path.insert(0, sys.argv[1])
from ageenv import reader
with open(sys.argv[2], "rb") as f:
    identities = f.read()
for i in range(int(sys.argv[4])):
    with open(os.path.join(sys.argv[3], str(i)), "rb") as f:
        sealed = f.read()
    plain = b""
    try:
        plain, outcome = reader.open_file(identities, sealed), "success"
    except reader.Refused as e:
        outcome = e.fault
    print("%s: %s" % (outcome, plain.hex()))
`

// The oracle is age itself: whatever it does with a damaged file, the reader
// does.
func TestReaderAgreesWithAge(t *testing.T) {
	t.Parallel()
	python, reader := needPython(t), packedReader(t)
	identity, other := newIdentity(t), newIdentity(t)
	whole := seal(t, canary, other.Recipient(), identity.Recipient())
	folder := t.TempDir()

	cases := [][]byte{whole}
	add := func(parts ...[]byte) { cases = append(cases, bytes.Join(parts, nil)) }
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= byte(1 + i%255)
		add(damaged)
	}
	for i := 0; i < len(whole); i += 7 {
		add(whole[:i])
		add(whole[:i], whole[i+1:])
		add(whole[:i], []byte{'\n'}, whole[i:])
		add(whole[:i], []byte{' '}, whole[i:])
	}
	intro, rest, _ := bytes.Cut(whole, []byte("\n"))
	intro = append(bytes.Clone(intro), '\n')
	words := func(n int) []byte { return []byte("-> x" + strings.Repeat(" y", n-1) + "\n\n") }
	body := func(n int) []byte {
		return []byte("-> x\n" + strings.Repeat(strings.Repeat("A", 64)+"\n", n) + "\n")
	}
	for _, extra := range [][]byte{
		words(1), words(128), words(129), words(130), bytes.Repeat(words(1), 1022), bytes.Repeat(words(1), 1023),
		body(1), body(32255), body(32256), body(32257), body(33000),
		[]byte("-> x\nAA\n"), []byte("-> x\nAB\n"), []byte("-> x\nA\n"), []byte("-> \n\n"), []byte("->\n\n"), []byte("-->\n\n"),
		[]byte("-> X25519\n\n"), []byte("-> X25519 AA\n\n"), []byte("-> x\n\n-> x\n\n"), []byte("\n"), []byte("-> x\x7f\n\n"),
	} {
		add(intro, extra, rest)
	}
	add(intro, whole[bytes.Index(whole, []byte("--- ")):])
	opened := 0
	for i, sealed := range cases {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), sealed, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keyFile := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(keyFile, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-I", "-S", "-B", "-c", readMany, reader, keyFile, folder, fmt.Sprint(len(cases))).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("got %d lines, want %d", len(lines), len(cases))
	}
	for i, line := range lines {
		got, text, _ := strings.Cut(line, ": ")
		want := ageOutcome(cases[i], identity)
		if got != want {
			t.Errorf("case %d (%d bytes): got %s, age: %s", i, len(cases[i]), got, want)
		}
		if want == "success" {
			opened++
			if text != hex.EncodeToString([]byte(canary)) {
				t.Errorf("case %d: other bytes", i)
			}
		} else if text != "" {
			t.Errorf("case %d: bytes were let out", i)
		}
	}
	t.Logf("%d files, of which %d opened", len(cases), opened)
	if opened == 0 {
		t.Error("not even the whole file was opened")
	}
}

func ageOutcome(sealed []byte, identity age.Identity) string {
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var noMatch *age.NoIdentityMatchError
	switch {
	case errors.As(err, &noMatch):
		return "no match"
	case err != nil && strings.HasSuffix(err.Error(), "bad header MAC"):
		return "HMAC failure"
	case err != nil:
		return "header failure"
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return "payload failure"
	}
	return "success"
}

// The oldest that is promised is 3.6; whichever are installed are tried.
func TestReaderOnOtherPythons(t *testing.T) {
	reader, identity := packedReader(t), newIdentity(t)
	plain := strings.Repeat(canary, 5000)
	sealed := seal(t, plain, identity.Recipient())
	candidates := filepath.SplitList(os.Getenv("AGEENV_TEST_PYTHONS"))
	for minor := 6; minor < 20; minor++ {
		candidates = append(candidates, fmt.Sprintf("python3.%d", minor))
	}
	candidates = append(candidates, "/usr/bin/python3", "/usr/libexec/platform-python")
	tried := 0
	for _, python := range candidates {
		version, err := exec.Command(python, "--version").Output()
		if err != nil {
			continue
		}
		tried++
		t.Run(strings.TrimSpace(string(version)), func(t *testing.T) {
			got, opened := read(t, python, reader, identity.String(), sealed)
			if got != "success" || string(opened) != plain {
				t.Errorf("got %s and %d bytes", got, len(opened))
			}
		})
	}
	if tried == 0 {
		t.Skip("no other python is installed (AGEENV_TEST_PYTHONS may list some)")
	}
}

func TestReaderIsQuick(t *testing.T) {
	python, reader := needPython(t), packedReader(t)
	identity := newIdentity(t)
	sealed := seal(t, strings.Repeat("x", 4<<10), identity.Recipient())
	best, alone := time.Hour, time.Hour
	for range 5 {
		start := time.Now()
		if got, _ := read(t, python, reader, identity.String(), sealed); got != "success" {
			t.Fatal(got)
		}
		best = min(best, time.Since(start))
		start = time.Now()
		if err := exec.Command(python, "-I", "-S", "-c", "import hashlib, hmac").Run(); err != nil {
			t.Fatal(err)
		}
		alone = min(alone, time.Since(start))
	}
	t.Logf("4 KiB in %v, interpreter included, which takes %v alone", best, alone)
	if best > 8*alone {
		t.Errorf("4 KiB took %v, and the interpreter alone %v", best, alone)
	}
}
