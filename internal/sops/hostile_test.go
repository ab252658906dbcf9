package sops_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// filled repeats what line returns for 0, 1, 2 … up to the size in bytes.
func filled(size int, line func(i int) string) string {
	var out strings.Builder
	for i := 0; out.Len() < size; i++ {
		out.WriteString(line(i))
	}
	return out.String()
}

// Other people may write to the repository that a file comes from. No content makes
// reading take much longer than an ordinary file does.
func TestHostileFilesTakeNoTime(t *testing.T) {
	const size = 10 << 20 / raceFactor
	id, stranger := x25519(t), x25519(t)
	file := encrypt(t, "A=1\n", id)
	foreign := encrypt(t, "A=1\n", stranger)
	sealed := lineOf(t, file, "A=")[len("A="):]
	_, foreignKey, _ := strings.Cut(lineOf(t, foreign, "sops_age__list_0__map_enc="), "=")
	recipient := stranger.Recipient().String()
	pq := hybrid(t)
	for name, hostile := range map[string]string{
		"comments":        file + filled(size, func(int) string { return "#\n" }),
		"empty lines":     file + filled(size, func(int) string { return "\n" }),
		"entries":         file + filled(size, func(i int) string { return fmt.Sprintf("K%d=\n", i) }),
		"metadata":        file + filled(size, func(i int) string { return fmt.Sprintf("sops_k%d=\n", i) }),
		"sealed comments": filled(size, func(int) string { return "#" + sealed + "\n" }) + file,
		"long line":       "K=ENC[AES256_GCM,data:" + strings.Repeat("A", size) + "\n" + file,
		"long value":      "K=ENC[AES256_GCM,data:" + strings.Repeat("A", size) + sealed[len("ENC[AES256_GCM,data:"):] + "\n" + file,
		"long name":       strings.Repeat("A", size) + "=\n" + file,
		"long index":      "sops_age__list_" + strings.Repeat("1", size) + "__map_enc=x\n" + file,
		"breaks":          file + "sops_age__list_1__map_recipient=" + recipient + "\nsops_age__list_1__map_enc=" + strings.Repeat(`\n`, size/2) + "\n",
		"indexes with gaps": file + filled(size, func(i int) string {
			return fmt.Sprintf("sops_age__list_%d__map_recipient=%s\n", i+1, recipient)
		}),
		"strangers' keys": foreign + filledTo(9999/raceFactor, func(i int) string {
			return fmt.Sprintf("sops_age__list_%d__map_recipient=%s\nsops_age__list_%d__map_enc=%s\n", i+1, recipient, i+1, foreignKey)
		}),
		"hybrid recipients": foreign + filled(size, func(i int) string {
			return fmt.Sprintf("sops_age__list_%d__map_recipient=%s\n", i+1, pq.Recipient())
		}),
		"stanzas in one key": replaced(t, foreign, foreignKey, manyStanzas(size)),
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			read := func() { _, err = decrypt(t, hostile, id) }
			took := timeOf(read)
			t.Logf("%d KB in %v: %.120v", len(hostile)>>10, took.Round(time.Millisecond), err)
			checkTime(t, took, read)
		})
	}
}

// The parsers of documents need more time, so their limits are lower; a larger file is
// refused.
func TestHostileTreesTakeNoTime(t *testing.T) {
	size := sops.MaxTree - 4096
	if raceFactor > 1 {
		size /= raceFactor
	}
	iniSize := (sops.MaxINI - 4096) / raceFactor
	id := x25519(t)
	const meta = `"sops":{"mac":"x","lastmodified":"2026-01-02T03:04:05Z","version":"3.13.3"}`
	json := func(inner string) string { return "{" + inner + meta + "}" }
	yaml := func(inner string) string {
		return inner + "\nsops:\n    mac: x\n    lastmodified: \"2026-01-02T03:04:05Z\"\n    version: 3.13.3\n"
	}
	ini := func(inner string) string { return inner + "\n[sops]\nmac = x\n" }
	for name, hostile := range map[string]string{
		"json, too large":               json(`"a":"` + strings.Repeat("x", sops.MaxTree) + `",`),
		"json, deep":                    json(`"a":` + strings.Repeat("[", size) + ","),
		"json, deep objects":            json(`"a":` + strings.Repeat(`{"a":`, size/5)),
		"json, wide":                    json(`"a":[` + strings.Repeat("0,", size/2-10) + `0],`),
		"json, many keys":               json(filled(size, func(i int) string { return fmt.Sprintf(`"%d":0,`, i) })),
		"json, long name on many":       json(`"` + strings.Repeat("n", size/2) + `":[` + strings.Repeat(`"",`, size/8) + `""],`),
		"json, long name inside":        json(`"` + strings.Repeat("n", 1000) + `":[` + strings.Repeat(`{"`+strings.Repeat("m", 500)+`":0},`, size/600) + `0],`),
		"json, metadata deep":           `{"sops":` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100) + "}",
		"json, metadata wide":           `{"sops":{"age":[` + strings.Repeat(`{"enc":"x"},`, size/12) + `{}]}}`,
		"yaml, too large":               yaml("a: " + strings.Repeat("x", sops.MaxTree)),
		"yaml, deep flow":               yaml("a: " + strings.Repeat("[", size)),
		"yaml, deep flow, closed":       yaml("a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)),
		"yaml, deep blocks":             yaml("a:\n" + filled(size/8, func(i int) string { return strings.Repeat(" ", i%1000+1) + "a:\n" })),
		"yaml, wide":                    yaml("a:\n" + strings.Repeat("- 0\n", size/4-20)),
		"yaml, many keys":               yaml(filled(size, func(i int) string { return fmt.Sprintf("k%d: 0\n", i) })),
		"yaml, comments":                yaml(strings.Repeat("#\n", size/2-100) + "a: 0"),
		"yaml, comments of one":         yaml("a: 0\n" + strings.Repeat("# c\n", size/4-100)),
		"yaml, aliases":                 yaml("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]"),
		"yaml, aliases in the metadata": "a: 0\nsops: &s\n    a: &a [x,x,x,x,x,x,x,x,x]\n    b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n    d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n    e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n    f: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
		"yaml, documents":               yaml("a: 0") + strings.Repeat("---\na: 0\n", size/12),
		"yaml, long key":                yaml(strings.Repeat("k", size-200) + ": 0"),
		"yaml, colons":                  yaml("a: {" + strings.Repeat("a: ", size/3)),
		"yaml, question marks":          yaml(strings.Repeat("? ", size/2)),
		"yaml, quotes":                  yaml("a: \"" + strings.Repeat("\\n", size/2)),
		"yaml, tags":                    yaml("a: " + strings.Repeat("!a ", size/3)),
		"ini, too large":                ini("[s]\nk=" + strings.Repeat("x", sops.MaxINI)),
		"ini, sections":                 ini(filled(iniSize, func(i int) string { return fmt.Sprintf("[s%d]\na=\n", i) })),
		"ini, keys":                     ini("[s]\n" + filled(iniSize, func(i int) string { return fmt.Sprintf("k%d=\n", i) })),
		"ini, same key":                 ini("[s]\n" + strings.Repeat("k=\n", iniSize/3)),
		"ini, comments":                 ini("[s]\n" + strings.Repeat(";\n", iniSize/2-20) + "k=\n"),
		"ini, continued":                ini("[s]\nk=" + strings.Repeat("a\\\n", iniSize/3)),
		"ini, quotes":                   ini("[s]\nk=\"\"\"" + strings.Repeat("a\n", iniSize/2-20)),
	} {
		t.Run(name, func(t *testing.T) {
			var plain sops.Plain
			var err error
			read := func() { plain, err = sops.Decrypt(hostile, []agekey.Identity{id}, sops.Options{}) }
			took := timeOf(read)
			t.Logf("%d KB in %v: %.120v", len(hostile)>>10, took.Round(time.Millisecond), err)
			if err == nil || !plain.Text.IsEmpty() {
				t.Error("it was read")
			}
			checkTime(t, took, read)
		})
	}
}

// The memory that a small file needs is limited.
func TestHostileMemory(t *testing.T) {
	if raceFactor > 1 {
		t.Skip("the race detector takes memory of its own")
	}
	const limit = 256 << 20
	end := "\nsops:\n    mac: x\n    lastmodified: \"2026-01-02T03:04:05Z\"\n    version: 3.13.3\n"
	size := sops.MaxTree - 4096
	for name, hostile := range map[string]string{
		"comments":             strings.Repeat("#\n", size/2) + "a: 0" + end,
		"comments at the end":  "a: 0" + end + strings.Repeat("#\n", size/2),
		"comments, by aliases": "a: &a\n" + strings.Repeat("    #\n", size/6-100000) + "    x: 1\nl: [" + strings.Repeat("*a,", 20000) + "*a]" + end,
		"comments, merged":     "a: &a\n" + strings.Repeat("    #\n", size/12) + "    x: 1\nl:\n    <<: [" + strings.Repeat("*a,", 20000) + "*a]" + end,
		"metadata cycle":       "a: 0\nsops: &s\n    <<: *s\n    mac: x\n",
		"metadata cycle 2":     "a: 0\nsops: &s\n    age: [*s]\n    mac: x\n",
		"metadata cycle 3":     "a: &a {<<: [*a]}\nsops:\n    <<: *a\n    mac: x\n",
		"metadata is the file": "a: &a {b: &b {c: *a}}\nsops: *a\n",
		"metadata merges":      "a: &a {" + filled(size/4, func(i int) string { return fmt.Sprintf("k%d: 0, ", i) }) + "z: 0}\nsops:\n    <<: [" + strings.Repeat("*a, ", size/8) + "*a]\n    mac: x\n",
		"anchor keys":          "? &a {x: 1}\n: *a" + end,
		"deep merge":           strings.Repeat("{<<: ", 9000) + "{}" + strings.Repeat("}", 9000) + end,
		"merge of merges":      "a: {" + strings.Repeat("<<: {", 90) + "x: 1" + strings.Repeat("}", 90) + "}" + end,
		"merge of scalars":     "a: {<<: x}" + end,
		"merge of a list":      "a: {<<: [[{x: 1}]]}" + end,
		"merge tag":            "a: {!!merge x: {y: 1}}" + end,
		"merge tag on a list":  "a: {!!merge <<: [x, {y: 1}]}" + end,
		"null key":             "~: 1\n? \n: 2" + end,
	} {
		t.Run(name, func(t *testing.T) {
			var plain sops.Plain
			var err error
			read := func() { plain, err = sops.Decrypt(hostile, nil, sops.Options{AllowUnauthenticated: true}) }
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			took := timeOf(read)
			runtime.ReadMemStats(&after)
			used := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d KB, %d MB in %v: %.120v", len(hostile)>>10, used>>20, took.Round(time.Millisecond), err)
			if err == nil || !plain.Text.IsEmpty() {
				t.Error("it was read")
			}
			if used > limit {
				t.Errorf("it took %d MB", used>>20)
			}
			checkTime(t, took, read)
		})
	}
}

func filledTo(count int, line func(i int) string) string {
	var out strings.Builder
	for i := range count {
		out.WriteString(line(i))
	}
	return out.String()
}

// manyStanzas is a binary age header of about that many bytes, with a stanza
// after the other that only a key agreement can tell to be somebody else's.
func manyStanzas(size int) string {
	share := strings.Repeat("B", 42) + "A"
	return "age-encryption.org/v1" + `\n` +
		filled(size, func(int) string { return "-> X25519 " + share + `\n` + share + `\n` }) +
		"--- " + share + `\n`
}
