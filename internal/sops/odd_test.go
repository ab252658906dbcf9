package sops_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// odd are files whose syntax two readers could take differently. Some are refused, for
// a reason, though sops reads them.
var odd = map[string]struct{ file, text, refused string }{
	"ini, dup key":              {"a.ini", "[s]\na = 1\na = 2\n", ""},
	"ini, section twice":        {"a.ini", "[s]\na = 1\n[s]\nb = 2\n", "the section is there twice"},
	"ini, default":              {"a.ini", "[DEFAULT]\na = 1\n[s]\nb = 2\n", ""},
	"ini, top+DEFAULT":          {"a.ini", "x = 1\n[DEFAULT]\na = 1\n[s]\nb = 2\n", "the section is there twice"},
	"ini, interp":               {"a.ini", "[s]\na = 1\nb = %(a)s/x\n", ""},
	"ini, quotes":               {"a.ini", "[s]\na = \"q; x\"\nb = 'one # two'\nc = `back;tick`\nd = \"\"\"multi\nline\"\"\"\n", ""},
	"ini, inline":               {"a.ini", "[s]\na = 1 ; comment\nb = 2 # c2\n", ""},
	"ini, colon":                {"a.ini", "[s]\na: 1\n", ""},
	"ini, keyname quotes":       {"a.ini", "[s]\n\"a b\" = 1\n`c=d` = 2\n", ""},
	"ini, sub":                  {"a.ini", "[remote \"origin\"]\nurl = x\n[a.b]\nc = d\n", ""},
	"ini, cont":                 {"a.ini", "[s]\na = one \\\ntwo\n", ""},
	"ini, crlf":                 {"a.ini", "; c\r\n; d\r\n[s]\r\na = 1\r\n", ""},
	"ini, bom":                  {"a.ini", "\xef\xbb\xbf[s]\na = 1\n", ""},
	"ini, comment end":          {"a.ini", "[s]\na = 1\n; end\n; end2\n", ""},
	"ini, comment signs":        {"a.ini", "; ; x\n#; y\n;;; z\n[s]\n#### b\na = 1\n", ""},
	"ini, comment mixed":        {"a.ini", "; a\n\n\n# b\n[s]\n\n;c\n\n;d\na = 1\n", ""},
	"ini, comment enc":          {"a.ini", "; ENC[x]\n[s]\na = 1\n", ""},
	"ini, comment section like": {"a.ini", "; x\n; [evil]\n; k = v\n[s]\na = 1\n", ""},
	"ini, empty section":        {"a.ini", "[e]\n[s]\na = 1\n", ""},
	"ini, auto key":             {"a.ini", "[s]\n- = 1\n- = 2\n", ""},
	"ini, true variants":        {"a.ini", "[s]\na = true\nb = TRUE\nc = True\nd = yes\n", ""},
	"ini, sops-like":            {"a.ini", "[s]\na = sops\n[sopsx]\nb = 1\n", ""},
	"yaml, anchors merge list":  {"a.yaml", "a: &a {x: 1}\nb: &b {y: True}\nc:\n  <<: [*a, *b]\n  z: \"True\"\n", ""},
	"yaml, override alias":      {"a.yaml", "a: &a\n  x: 1\n  y: [1, 2]\nc:\n  <<: *a\n  y: [3]\n", ""},
	"yaml, multi doc anchors":   {"a.yaml", "a: &a {x: 1}\nb: *a\n---\nc: 2\n", ""},
	"yaml, true words":          {"a.yaml", "a: TRUE\nb: yes\nc: \"TRUE\"\nd: on\ne: 'true'\nf: !!str True\n", ""},
	"yaml, types":               {"a.yaml", "a: 0x1F\nb: 1_000\nc: .inf\nd: 2026-01-02\ne: 1e3\nf: 0o14\ng: 012\n", ""},
	"yaml, binary":              {"a.yaml", "a: !!binary aGVsbG8=\n", ""},
	"yaml, custom tag":          {"a.yaml", "a: !Ref x\nb: !!str 5\n", ""},
	"yaml, null merge":          {"a.yaml", "a: &a\nb:\n  <<: *a\n  c: 1\n", "what << merges in is no mapping"},
	"yaml, merge dup":           {"a.yaml", "a: &a {x: 1}\nb: {<<: *a, x: 2, \"<<x\": 3}\n", ""},
	"yaml, deep aliases":        {"a.yaml", "a: &a {x: &x [1, &y {z: w}]}\nb: {<<: *a, q: *x, r: *y}\n", ""},
	"yaml, key alias":           {"a.yaml", "a: &k key\n*k : v\nm:\n  *k : w\n", ""},
	"yaml, comment on alias":    {"a.yaml", "a: &a # anchor\n  # in\n  x: 1 # i\nb: *a # al\nc:\n  # before\n  <<: *a # merge\n  # after\n  d: 1\n", ""},
	"json, uni":                 {"a.json", "{\"a\\u0000b\": \"True\", \"\\ud83d\\ude00\": {\"x\": \"False\"}, \"q\\\"\": 1}", ""},
	"json, dup":                 {"a.json", "{\"a\": 1, \"a\": 2}", "the name is there twice"},
	"dotenv, odd names":         {"a.env", "export  A=1\nexport\tB=2\n\tC=3\nexportD=4\nexport=5\n\"Q\"=6\n'R'=7\nA.=8\n-x=9\nN\x00=1\n", ""},
	"dotenv, alike":             {"a.env", "A=1\nexport A=2\n A=3\n", ""},
	"dotenv, comments":          {"a.env", " # x=1\n#y\nA=1\n", ""},
}

// What either release encrypts, we read as the same release reads it, or it is refused.
func TestOddFiles(t *testing.T) {
	id := x25519(t)
	ids := []agekey.Identity{id}
	for release, c := range releases {
		for name, tt := range odd {
			t.Run(release+"/"+name, func(t *testing.T) {
				c := c(t)
				sealed, err := c.run(t, "--encrypt", "--age", id.Recipient().String(), c.file(t, tt.file, tt.text))
				if err != nil {
					return // one of the two releases does not encrypt it
				}
				want, theirs := c.with(t, id).run(t, "-d", c.file(t, "sealed-"+tt.file, sealed))
				plain, ours := sops.Decrypt(sealed, ids, sops.Options{AllowUnauthenticated: true})
				// The old one makes one section of two of a name.
				if tt.refused != "" && (release == "current" || ours != nil) {
					if ours == nil || !strings.Contains(ours.Error(), tt.refused) {
						t.Errorf("got %v, want %s", ours, tt.refused)
					}
					return
				}
				if (theirs == nil) != (ours == nil) {
					t.Fatalf("sops says %v, and we say %v", theirs, ours)
				}
				if ours != nil {
					return
				}
				wildFile{file: tt.file}.checkText(t, release, plain.Text.Reveal(), want)
				if plain.NoEntries == nil && plain.Documents == 1 && plain.Store != sops.Dotenv {
					if want := flattened(t, tt.file, want); !maps.Equal(entriesOf(plain), want) {
						t.Errorf("the entries are %q, want %q", entriesOf(plain), want)
					}
				}
			})
		}
	}
}
