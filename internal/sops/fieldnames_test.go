package sops

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Names and texts that are checked by hand are checked as these expressions do.
var (
	ageField    = regexp.MustCompile(`^(?:key_groups__list_(\d{1,4})__map_)?age__list_(\d{1,4})__(map_enc|map_recipient)$`)
	groupField  = regexp.MustCompile(`^key_groups__list_(\d{1,4})__`)
	otherField  = regexp.MustCompile(`^(?:key_groups__list_\d{1,4}__map_)?(?:pgp|kms|gcp_kms|hckms|azure_kv|hc_vault)__list_`)
	versionText = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
	namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,254}$`)
	shown       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}(\.[A-Za-z0-9_-]{1,48}){0,9}$`)
	secretRule  = regexp.MustCompile(string(SecretRule))
)

func TestHandWrittenChecks(t *testing.T) {
	seeds := []string{
		"key_groups__list_12__map_age__list_3__map_enc", "age__list_0__map_recipient", "key_groups__list_1__map_pgp__list_0__map_fp",
		"hc_vault__list_0__map_x", "3.13.3", "3.13.3-rc.1+x", "NAME_1.a-b", "data", "stringData", "a.b.c.d.e.f.g.h.i.j", "",
		strings.Repeat("n", 48), strings.Repeat("n", 255), strings.Repeat("a.", 9) + "a",
	}
	pieces := []string{"key_groups", "__list_", "__map_", "__", "age", "pgp", "kms", "gcp_kms", "0", "1234", "12345", "enc", "recipient", ".", "-", "+", "é", "\n", "\x00", "_", "A", strings.Repeat("n", 47)}
	matches := map[string]int{}
	check := func(name, text string, got, want any) {
		t.Helper()
		if got := fmt.Sprintf("%q", got); got != fmt.Sprintf("%q", want) {
			t.Errorf("%s of %q: got %s, want %q", name, text, got, want)
		}
	}
	count := func(name string, matched bool) bool {
		if matched {
			matches[name]++
		}
		return matched
	}
	of := func(text string) {
		match := ageField.FindStringSubmatch(text)
		if match == nil {
			match = make([]string, 4)
		}
		group, index, what, isKey := cutKeyField(text)
		check("key field", text, []string{group, index, what}, match[1:])
		count("key field", isKey)
		match = groupField.FindStringSubmatch(text)
		if match == nil {
			match = make([]string, 2)
		}
		inGroup, _, isGroup := cutIndex(text, keyGroups)
		check("group", text, inGroup, match[1])
		count("group", isGroup)
		for name, functions := range map[string][2]func(string) bool{
			"other key": {isOtherKey, otherField.MatchString},
			"version":   {isVersion, versionText.MatchString},
			"name":      {isName, namePattern.MatchString},
			"shown":     {isShown, shown.MatchString},
			"secret":    {func(text string) bool { return SecretRule.encrypts([]string{text}) }, secretRule.MatchString},
		} {
			check(name, text, []bool{count(name, functions[0](text))}, []bool{functions[1](text)})
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, seed := range seeds {
		of(seed)
		for range 3000 {
			text := seed
			for range 1 + random.IntN(3) {
				from := random.IntN(len(text) + 1)
				to := min(len(text), from+random.IntN(3))
				text = text[:from] + pieces[random.IntN(len(pieces))] + text[to:]
			}
			of(text)
		}
		for at := range len(seed) {
			of(seed[:at] + seed[at+1:])
		}
		for range 3000 {
			parts := slices.Clone(pieces)
			random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			of(strings.Join(parts[:1+random.IntN(5)], ""))
		}
	}
	for _, name := range []string{"key field", "group", "other key", "version", "name", "shown", "secret"} {
		if matches[name] == 0 {
			t.Errorf("nothing matches %s", name)
		}
	}
}
