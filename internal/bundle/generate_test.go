package bundle_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

func TestGenerate(t *testing.T) {
	p := bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Compose}
	for name, tt := range map[string]struct {
		generator bundle.Generator
		ok        func(value string) bool
	}{
		"length":  {bundle.Generator{Length: 32}, func(v string) bool { return len(v) == 32 && strings.Trim(v, bundle.DefaultCharset) == "" }},
		"charset": {bundle.Generator{Length: 64, Charset: "ab"}, func(v string) bool { return len(v) == 64 && strings.Trim(v, "ab") == "" }},
		"bytes": {bundle.Generator{Bytes: 33}, func(v string) bool {
			raw, err := base64.StdEncoding.DecodeString(v)
			return err == nil && len(raw) == 33
		}},
		"hex": {bundle.Generator{Bytes: 16, Encoding: bundle.Hex}, func(v string) bool { raw, err := hex.DecodeString(v); return err == nil && len(raw) == 16 }},
		"base64url": {bundle.Generator{Bytes: 16, Encoding: bundle.Base64URL}, func(v string) bool {
			raw, err := base64.RawURLEncoding.DecodeString(v)
			return err == nil && len(raw) == 16
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.generator.Check("NAME", p); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for range 50 {
				value, err := tt.generator.Generate("NAME", p)
				if err != nil || !tt.ok(value.Reveal()) {
					t.Fatalf("it made %q, %v", value.Reveal(), err)
				}
				seen[value.Reveal()] = true
			}
			if len(seen) != 50 {
				t.Errorf("of 50 values %d differ", len(seen))
			}
		})
	}
}

// Every character comes up, and none much more often than another.
func TestGenerateIsEven(t *testing.T) {
	const each = 2000
	g := bundle.Generator{Length: len(bundle.DefaultCharset)}
	count := map[rune]int{}
	for range each {
		value, err := g.Generate("N", bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Compose})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range value.Reveal() {
			count[c]++
		}
	}
	for _, c := range bundle.DefaultCharset {
		// Ten standard deviations.
		if n := count[c]; n < each-450 || n > each+450 {
			t.Errorf("%c came up %d times, of about %d", c, n, each)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	compose := bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Compose}
	for name, tt := range map[string]struct {
		generator bundle.Generator
		params    bundle.Params
		key, want string
	}{
		"guessed":             {bundle.Generator{Length: 10}, compose, "N", "59 bits of randomness"},
		"guessed bytes":       {bundle.Generator{Bytes: 7}, compose, "N", "56 bits"},
		"one character":       {bundle.Generator{Length: 100, Charset: "a"}, compose, "N", "0 bits"},
		"blank":               {bundle.Generator{Length: 100, Charset: "ab "}, compose, "N", "a blank"},
		"not ASCII":           {bundle.Generator{Length: 100, Charset: "aä"}, compose, "N", "outside ASCII"},
		"twice":               {bundle.Generator{Length: 100, Charset: "aba"}, compose, "N", "twice"},
		"name":                {bundle.Generator{Length: 100}, compose, "N+", "not one that every program reads"},
		"name of bytes":       {bundle.Generator{Bytes: 100}, compose, "LD_PRELOAD", "takes over"},
		"quotes and portable": {bundle.Generator{Length: 100, Charset: "'`"}, bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Portable}, "N", "portable"},
	} {
		if err := tt.generator.Check(tt.key, tt.params); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// What is made is held, also where one value in some could not be.
func TestGenerateIsHeld(t *testing.T) {
	p := bundle.Params{Format: bundle.SOPSDotenv, Dialect: dotenv.Portable}
	g := bundle.Generator{Length: 64, Charset: "`\\ab"}
	if err := g.Check("N", p); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		value, err := g.Generate("N", p)
		if err != nil || p.CheckEntry("N", value) != nil {
			t.Fatalf("it made what can't be held: %v", err)
		}
	}
}
