package sops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// filled repeats what line returns for 0, 1, 2 … up to the size in bytes.
func filled(size int, line func(i int) string) string {
	var out strings.Builder
	for i := 0; out.Len() < size; i++ {
		out.WriteString(line(i))
	}
	return out.String()
}

// A file comes from a repository that somebody else may write to: whatever is in
// it, reading it takes no more than a moment.
func TestHostileFilesTakeNoTime(t *testing.T) {
	const size, limit = 10 << 20 / raceFactor, 10 * time.Second
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
			start := time.Now()
			_, err := decrypt(t, hostile, id)
			took := time.Since(start)
			t.Logf("%d KB in %v: %.120v", len(hostile)>>10, took.Round(time.Millisecond), err)
			if took > limit {
				t.Errorf("it took %v", took)
			}
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
