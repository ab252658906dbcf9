package firstboot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// untarMany reads the files 0, 1, … of the directory sys.argv[1] as tars, and prints a
// line for each: "refused", or name and digest of each file.
const untarMany = `
import hashlib, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "box")
from ageenv import untar
for i in range(int(sys.argv[2])):
    with open(os.path.join(sys.argv[1], str(i)), "rb") as f:
        data = f.read()
    try:
        files = untar.files(data)
    except untar.Malformed:
        print("refused")
        continue
    print(" ".join("%s=%s" % (name.decode(), hashlib.sha256(content).hexdigest()) for name, content in files))
`

// tarCase is a tar, and whether it can be dropped.
type tarCase struct {
	name  string
	tar   []byte
	taken bool
}

// What is checked when the script is rendered is what the box reads: the same tars,
// with the same names and contents.
func TestBoxReadsTarsAsGo(t *testing.T) {
	t.Parallel()
	cases := append(namedTars(t), sparseTars(t)...)
	named := len(cases)
	cases = append(cases, damagedTars(t)...)
	dir := t.TempDir()
	for i, c := range cases {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), c.tar, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSuffix(python(t, untarMany, "", dir, strconv.Itoa(len(cases))), "\n"), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("got %d lines for %d tars", len(lines), len(cases))
	}
	taken := 0
	for i, c := range cases {
		want := goReads(t, c.tar)
		if lines[i] != want {
			t.Errorf("%s: the box says %.100q, Go %.100q", c.name, lines[i], want)
		}
		if want != "refused" {
			taken++
		}
		if i < named && (want != "refused") != c.taken {
			t.Errorf("%s: taken is %t", c.name, !c.taken)
		}
	}
	t.Logf("%d tars, of which %d are taken", len(cases), taken)
	if damaged := len(cases) - named; taken < 100 || taken > damaged-100 {
		t.Errorf("%d of %d tars are taken: the others say little", taken, len(cases))
	}
}

// goReads is what untarMany prints, by CheckTar and Go's own reader.
func goReads(t *testing.T, data []byte) string {
	t.Helper()
	if CheckTar(bytes.NewReader(data)) != nil {
		return "refused"
	}
	var words []string
	for in := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := in.Next()
		if err == io.EOF {
			return strings.Join(words, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, fmt.Sprintf("%s=%x", h.Name, sha256.Sum256(content)))
	}
}

// makeTar writes entries, each with the size of its content.
func makeTar(t *testing.T, entries ...tarEntry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if e.Typeflag == 0 {
			e.Typeflag = tar.TypeReg
		}
		e.Size = int64(len(e.content))
		e.Mode = 0o600
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type tarEntry struct {
	tar.Header
	content string
}

func plainEntry(name, content string) tarEntry {
	return tarEntry{tar.Header{Name: name}, content}
}

func entryOf(format tar.Format, name, content string) tarEntry {
	return tarEntry{tar.Header{Name: name, Format: format}, content}
}

// rawHeader is a ustar header of a regular file, with fields put over it.
func rawHeader(name string, size int, fields map[int]string) []byte {
	block := make([]byte, 512)
	copy(block, name)
	copy(block[100:], "0000600\x000000000\x000000000\x00")
	copy(block[124:], fmt.Sprintf("%011o\x0000000000000\x00", size))
	copy(block[156:], "0")
	copy(block[257:], "ustar\x0000")
	for at, text := range fields {
		copy(block[at:], text)
	}
	return checksum(block)
}

// checksum puts the checksum of a header right.
func checksum(block []byte) []byte {
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block {
		sum += int(c)
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
	return block
}

func namedTars(t *testing.T) []tarCase {
	t.Helper()
	zeros := func(n int) []byte { return make([]byte, n) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	block := func(text string) []byte { return append([]byte(text), zeros(-len(text)&511)...) }
	special := func(kind byte) []byte {
		return makeTar(t, tarEntry{tar.Header{Name: "KEY", Linkname: "other", Typeflag: kind}, ""})
	}
	pax := func(records map[string]string) []byte {
		return makeTar(t, tarEntry{tar.Header{Name: "KEY", Format: tar.FormatPAX, PAXRecords: records}, "x"})
	}
	rawPAX := func(records string) []byte {
		return join(rawHeader("h", len(records), map[int]string{156: "x"}), block(records), rawHeader("KEY", 1, nil), block("x"), zeros(1024))
	}
	var zipped bytes.Buffer
	whole := makeTar(t, plainEntry("KEY", "value"), plainEntry("a.b-C_9", strings.Repeat("x", 513)), plainEntry("EMPTY", ""))
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(whole); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	many := func(n int) []byte {
		var entries []tarEntry
		for i := range n {
			entries = append(entries, plainEntry("K"+strconv.Itoa(i), "x"))
		}
		return makeTar(t, entries...)
	}
	long, longer := strings.Repeat("n", 255), strings.Repeat("n", 256)
	size := func(field string) []byte {
		return join(rawHeader("KEY", 0, map[int]string{124: field}), block("x"), zeros(1024))
	}
	cases := []tarCase{
		{"plain", whole, true},
		{"one", makeTar(t, plainEntry("K", "")), true},
		{"gzip", zipped.Bytes(), false},
		{"nothing", nil, false},
		{"text", []byte("KEY=value\n"), false},
		{"long text", bytes.Repeat([]byte("KEY=value\n"), 200), false},
		{"no entries", zeros(1024), false},
		{"one block of zeros", zeros(512), false},
		{"PAX header alone", rawPAX("9 path=A\n")[:1024], false},
		{"global PAX header", join(rawHeader("h", 9, map[int]string{156: "g"}), block("9 path=A\n"), whole), false},
		{"symlink", special(tar.TypeSymlink), false},
		{"hard link", special(tar.TypeLink), false},
		{"character device", special(tar.TypeChar), false},
		{"block device", special(tar.TypeBlock), false},
		{"directory", special(tar.TypeDir), false},
		{"pipe", special(tar.TypeFifo), false},
		{"contiguous", special(tar.TypeCont), false},
		{"of a vendor", join(rawHeader("KEY", 0, map[int]string{156: "Z"}), zeros(1024)), false},
		{"kind NUL", join(rawHeader("KEY", 1, map[int]string{156: "\x00"}), block("x"), zeros(1024)), true},
		{"kind NUL, a directory", join(rawHeader("KEY/", 0, map[int]string{156: "\x00"}), zeros(1024)), false},
		{"twice", makeTar(t, plainEntry("KEY", "1"), plainEntry("KEY", "2")), false},
		{"twice by PAX", join(rawHeader("A", 0, nil), rawPAX("9 path=A\n")), false},
		{"hidden", makeTar(t, plainEntry(".KEY", "1")), false},
		{"dash first", makeTar(t, plainEntry("-KEY", "1")), false},
		{"path", makeTar(t, plainEntry("a/KEY", "1")), false},
		{"absolute", makeTar(t, plainEntry("/KEY", "1")), false},
		{"above", makeTar(t, plainEntry("..", "1")), false},
		{"blank", makeTar(t, plainEntry("K Y", "1")), false},
		{"line end", makeTar(t, plainEntry("KEY\n", "1")), false},
		{"not ASCII", makeTar(t, plainEntry("KÉY", "1")), false},
		{"no name", join(rawHeader("", 0, nil), zeros(1024)), false},
		{"prefix", join(rawHeader("KEY", 0, map[int]string{345: "dir"}), zeros(1024)), false},
		{"prefix, name by PAX", join(rawHeader("h", 9, map[int]string{156: "x"}), block("9 path=A\n"), rawHeader("KEY", 0, map[int]string{345: "dir"}), zeros(1024)), true},
		{"name without an end", join(rawHeader(strings.Repeat("n", 100), 0, nil), zeros(1024)), true},
		{"V7", join(rawHeader("KEY", 1, map[int]string{257: strings.Repeat("\x00", 8)}), block("x"), zeros(1024)), true},
		{"V7 with a prefix", join(rawHeader("KEY", 1, map[int]string{257: strings.Repeat("\x00", 8), 345: "dir"}), block("x"), zeros(1024)), true},
		{"star", join(rawHeader("KEY", 1, map[int]string{508: "tar\x00"}), block("x"), zeros(1024)), true},
		{"star with a prefix", join(rawHeader("KEY", 1, map[int]string{345: "dir", 508: "tar\x00"}), block("x"), zeros(1024)), false},
		{"GNU", makeTar(t, entryOf(tar.FormatGNU, "KEY", "x")), true},
		{"PAX", pax(map[string]string{"comment": "x", "SCHILY.xattr.user.a": "b"}), true},
		{"long name, GNU", makeTar(t, entryOf(tar.FormatGNU, long, "1"), plainEntry("KEY", "2")), true},
		{"long name, PAX", makeTar(t, entryOf(tar.FormatPAX, long, "1"), plainEntry("KEY", "2")), true},
		{"too long a name, GNU", makeTar(t, entryOf(tar.FormatGNU, longer, "1")), false},
		{"too long a name, PAX", makeTar(t, entryOf(tar.FormatPAX, longer, "1")), false},
		{"long names before PAX", join(rawHeader("l", 5, map[int]string{156: "L", 257: "ustar  \x00"}), block("LONG\x00"), rawPAX("9 path=A\n")), true},
		{"long link", join(rawHeader("l", 5, map[int]string{156: "K", 257: "ustar  \x00"}), block("LINK\x00"), whole), true},
		{"long name that is empty", join(rawHeader("l", 0, map[int]string{156: "L", 257: "ustar  \x00"}), whole), true},
		{"PAX header of 2 MiB", join(rawHeader("h", 2<<20, map[int]string{156: "x"}), zeros(2<<20), whole), false},
		{"two PAX headers", join(rawPAX("9 path=B\n")[:1024], rawPAX("9 path=A\n")), true},
		{"many", many(3000), true},
		{"rubbish after the end", join(whole, bytes.Repeat([]byte("rubbish "), 100)), true},
		{"entry after the end", join(whole, rawHeader("MORE", 0, nil), zeros(1024)), true},
		{"entry after one block of zeros", join(whole[:len(whole)-512], rawHeader("MORE", 0, nil), zeros(1024)), false},
		{"rubbish after one block of zeros", join(whole[:len(whole)-512], []byte("rubbish")), false},
		{"no end", whole[:len(whole)-1024], true},
		{"half an end", whole[:len(whole)-512], true},
		{"end cut off", whole[:len(whole)-100], false},
		{"header cut off", whole[:len(whole)-1200], false},
		{"content cut off", whole[:514], false},
		{"padding cut off", whole[:600], true},
		{"after a content", whole[:1024], true},
		{"PAX comment on sparse files", pax(map[string]string{"comment": "GNU.sparse."}), true},
		{"PAX size", rawPAX("10 size=1\n"), true},
		{"PAX size of zero", join(rawPAX("10 size=0\n")[:1536], zeros(1024)), true},
		{"PAX size, huge", rawPAX("29 size=9223372036854775807\n"), false},
		{"PAX size, too many digits", rawPAX("29 size=99999999999999999999\n"), false},
		{"PAX size, negative", rawPAX("11 size=-1\n"), false},
		{"PAX size, a word", rawPAX("10 size=x\n"), false},
		{"PAX path, empty", rawPAX("8 path=\n"), true},
		{"PAX path with NUL", rawPAX("11 path=A\x00\n"), false},
		{"PAX record without a line end", rawPAX("9 path=A "), false},
		{"PAX record too short", rawPAX("8 path=A\n"), false},
		{"PAX record too long", rawPAX("11 path=A\n"), false},
		{"PAX record, negative", rawPAX("-9 path=A\n"), false},
		{"PAX record, plus", rawPAX("+10 path=A\n"), false},
		{"PAX record, plus, right", rawPAX("+11 path=AB\n"), false},
		{"PAX record without a key", rawPAX("4 =\n"), false},
		{"PAX record without =", rawPAX("9 path A\n"), false},
		{"PAX record of NULs", rawPAX("\x00\x00"), false},
		{"PAX record, then rubbish", rawPAX("9 path=A\nx"), false},
		{"size, huge", size("77777777777\x00"), false},
		{"size, negative", size("-0000000001\x00"), false},
		{"size, plus", size("+0000000001\x00"), false},
		{"size with blanks", size("          1 "), true},
		{"size with NUL inside", size("1\x00         1"), true},
		{"size that is empty", join(rawHeader("KEY", 0, map[int]string{124: strings.Repeat("\x00", 12)}), zeros(1024)), true},
		{"size, a word", size("0x000000001\x00"), false},
		{"size, binary", size("\x80" + strings.Repeat("\x00", 10) + "\x01"), true},
		{"size, binary, huge", size("\x80" + strings.Repeat("\x7f", 11)), false},
		{"size, binary, negative", size(strings.Repeat("\xff", 12)), false},
		{"size, binary, most negative", size("\xc0" + strings.Repeat("\x00", 11)), false},
		{"owner, a word", join(rawHeader("KEY", 1, map[int]string{108: "nobody\x00"}), block("x"), zeros(1024)), false},
		{"owner, binary", join(rawHeader("KEY", 1, map[int]string{108: "\x80\x00\x00\x00\x7f\xff\xff\xff"}), block("x"), zeros(1024)), true},
		{"device, a word", join(rawHeader("KEY", 1, map[int]string{329: "word"}), block("x"), zeros(1024)), false},
		{"checksum", func() []byte { b := bytes.Clone(whole); b[0]++; return b }(), false},
		{"checksum of the second", func() []byte { b := bytes.Clone(whole); b[1024]++; return b }(), false},
	}
	for _, record := range []string{"22 GNU.sparse.major=1\n", "25 GNU.sparse.realsize=9\n", "21 GNU.sparse.map=0,1\n", "24 GNU.sparse.offset=0\n"} {
		cases = append(cases, tarCase{"PAX " + record, rawPAX(record), false})
	}
	return cases
}

// sparseTars are the real tar's, in each of its ways to write a file with holes.
func sparseTars(t *testing.T) []tarCase {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "HOLES"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "HOLES"), 1<<20); err != nil {
		t.Fatal(err)
	}
	var cases []tarCase
	for _, args := range [][]string{
		{"--format=gnu", "--sparse"},
		{"--format=posix", "--sparse", "--sparse-version=0.0"},
		{"--format=posix", "--sparse", "--sparse-version=0.1"},
		{"--format=posix", "--sparse", "--sparse-version=1.0"},
		{"--format=gnu"},
		{"--format=posix"},
		{"--format=ustar"},
		{"--format=v7"},
		{"--format=oldgnu"},
	} {
		out, err := exec.Command("tar", append(args, "-C", dir, "-cf", "-", "HOLES")...).Output()
		if err != nil {
			t.Fatalf("tar: %v", err)
		}
		cases = append(cases, tarCase{"tar " + strings.Join(args, " "), out, len(args) == 1})
	}
	return cases
}

// damagedTars are tars with bytes of their headers changed, most with a checksum that
// is right. Beyond byte 345 are times, which the box does not look at.
func damagedTars(t *testing.T) []tarCase {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	var cases []tarCase
	bases := [][]byte{
		makeTar(t, entryOf(tar.FormatUSTAR, "KEY", strings.Repeat("x", 600)), entryOf(tar.FormatUSTAR, "B", "y")),
		makeTar(t, entryOf(tar.FormatGNU, "KEY", "x"), entryOf(tar.FormatGNU, strings.Repeat("n", 120), "y")),
		makeTar(t, entryOf(tar.FormatPAX, strings.Repeat("n", 120), "x"), entryOf(tar.FormatPAX, "B", "y")),
	}
	alphabet := []byte("\x00 01279aAK/.-xLKgS=\n\x80\xff")
	for i := range 3000 {
		data := bytes.Clone(bases[i%len(bases)])
		for range 1 + random.UintN(3) {
			data[random.UintN(uint(len(data)/512))*512+random.UintN(345)] = alphabet[random.UintN(uint(len(alphabet)))]
		}
		if i%8 != 0 {
			for at := 0; at+512 <= len(data); at += 512 {
				if block := data[at : at+512]; bytes.HasPrefix(block[257:], []byte("usta")) || at == 0 {
					checksum(block)
				}
			}
		}
		if i%16 == 1 {
			data = data[:random.UintN(uint(len(data)))]
		}
		cases = append(cases, tarCase{fmt.Sprintf("damaged %d", i), data, false})
	}
	return cases
}
