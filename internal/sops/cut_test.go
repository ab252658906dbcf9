package sops

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// encPattern is what cutEncrypted stands for.
var encPattern = regexp.MustCompile(`^ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]+),tag:([A-Za-z0-9+/=]+),type:([a-z]+)\]$`)

// checkCut fails unless the pattern accepts the same and yields the same parts. It
// returns whether they accept the value.
func checkCut(tb testing.TB, value string) bool {
	tb.Helper()
	got, ok := cutEncrypted(value)
	var want parts
	match := encPattern.FindStringSubmatch(value)
	if match != nil {
		want = parts{data: match[1], nonce: match[2], tag: match[3], kind: match[4]}
	}
	if ok != (match != nil) || got != want {
		tb.Errorf("%q: got %q, %t; the pattern has %q, %t", value, got, ok, want, match != nil)
	}
	return ok
}

// Values that are one change away from a right one, and some that are not.
var cutSeeds = []string{
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:str]",
	"ENC[AES256_GCM,data:,iv:YQ==,tag:Yg==,type:str]",
	"ENC[AES256_GCM,data:YWJj,iv:,tag:Yg==,type:str]",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:,type:str]",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:]",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:Str]",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:str]]",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:str]\n",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:str,]",
	"ENC[AES256_GCM,data:YW\nJj,iv:YQ==,tag:Yg==,type:str]",
	"ENC[AES256_GCM,data:YW\xffJj,iv:YQ==,tag:Yg==,type:str]",
	"ENC[AES256_GCM,data:YWJj,tag:Yg==,iv:YQ==,type:str]",
	"ENC[AES256_GCM,data:YWJj,iv:YQ==,tag:Yg==,type:str",
	"ENC[AES256_GCM,data:]", "ENC[AES256_GCM,data:,iv:,tag:,type:]", "ENC[]", "ENC[AES256_GCM,data:", "]", "",
}

func TestCutEncrypted(t *testing.T) {
	accepted := 0
	for _, seed := range cutSeeds {
		if checkCut(t, seed) {
			accepted++
		}
	}
	if accepted != 2 {
		t.Errorf("%d of the values are accepted, want 2", accepted)
	}
	// Every byte at every place, in place of what is there and in addition to it; and
	// every place cut out.
	whole := cutSeeds[0]
	for at := range len(whole) {
		checkCut(t, whole[:at]+whole[at+1:])
		for c := range 256 {
			checkCut(t, whole[:at]+string([]byte{byte(c)})+whole[at+1:])
			checkCut(t, whole[:at]+string([]byte{byte(c)})+whole[at:])
		}
	}
	// Pieces in any order, some twice.
	pieces := []string{"ENC[", "AES256_GCM,", "data:", "YWJj", ",", "iv:", "tag:", "type:", "str", "]", "=", "\n", "é", "ENC[AES256_GCM,data:"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		swapped := strings.SplitAfter(whole, ",")
		for range random.IntN(3) {
			swapped[random.IntN(len(swapped))] = pieces[random.IntN(len(pieces))]
		}
		checkCut(t, strings.Join(swapped, ""))
	}
}

func FuzzCutEncrypted(f *testing.F) {
	for _, seed := range cutSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) { checkCut(t, value) })
}
