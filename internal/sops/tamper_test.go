package sops_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Every byte of a file is changed, one at a time: by bits, and to the bytes that
// have a meaning in the format.
func TestEveryByteChanged(t *testing.T) {
	const text = "A=1\n# note\nB=\"two\"\n"
	id := x25519(t)
	file := encrypt(t, text, id)
	content := strings.Index(file, "sops_")
	if content < 100 {
		t.Fatal("the file has no entries before its metadata")
	}
	harmless := 0
	for i := range len(file) {
		original := file[i]
		tried := map[byte]bool{original: true}
		for _, b := range []byte{original ^ 0x01, original ^ 0x02, original ^ 0x10, original ^ 0x20, original ^ 0x80, '\n', '#', '=', ']', '\r'} {
			if tried[b] {
				continue
			}
			tried[b] = true
			got, err := decrypt(t, file[:i]+string([]byte{b})+file[i+1:], id)
			switch {
			case err == nil && got != text:
				t.Fatalf("byte %d, %q for %q: other text came back: %q", i, b, original, got)
			case err == nil && i < content:
				t.Errorf("byte %d, %q for %q: a changed entry or comment was not noticed", i, b, original)
			case err == nil:
				harmless++
			}
		}
	}
	// The version and the names of optional metadata are not authenticated.
	if harmless > 600 {
		t.Errorf("%d changes to metadata were not noticed", harmless)
	}
}

// Cut off anywhere, a file never gives other text.
func TestCutOffAnywhere(t *testing.T) {
	const text = "A=1\n# note\nB=2\n"
	id := x25519(t)
	file := encrypt(t, text, id)
	for i := range len(file) {
		if got, err := decrypt(t, file[:i], id); err == nil && got != text {
			t.Fatalf("cut off after %d bytes: %q came back", i, got)
		}
		if got, err := decrypt(t, file[i:], id); err == nil && got != text {
			t.Fatalf("cut off before byte %d: %q came back", i, got)
		}
	}
}

const edited = "A=1\n# note\nLEADING=01\nBOOL=True\nB=other\n"

// edits are changes to the encrypted form of edited, each of which is refused.
// Where sops refuses too, it is the MAC that notices (kind ErrTampered).
var edits = map[string]struct {
	change func(tb testing.TB, file string) string
	kind   error  // or nil
	line   int    // 0: the error names no line
	key    string // with line
}{
	"appended empty duplicate": {func(_ testing.TB, file string) string { return file + "A=\n" }, nil, 12, "A"},
	"inserted empty key":       {func(_ testing.TB, file string) string { return "NEW=\n" + file }, nil, 1, "NEW"},
	"appended empty key":       {func(_ testing.TB, file string) string { return file + "NEW=\n" }, nil, 12, "NEW"},
	"inserted plain entry":     {func(_ testing.TB, file string) string { return "NEW=x\n" + file }, nil, 1, "NEW"},
	"inserted clear suffix":    {func(_ testing.TB, file string) string { return "N_unencrypted=x\n" + file }, nil, 1, "N_unencrypted"},
	"inserted plain comment":   {func(_ testing.TB, file string) string { return "# hello\n" + file }, nil, 1, ""},
	"comment made plain": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "#ENC["), "# note")
	}, nil, 2, ""},
	"text after the bracket": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), lineOf(tb, file, "A=")+"x")
	}, sops.ErrTampered, 1, "A"},
	"space after the bracket": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), lineOf(tb, file, "A=")+" ")
	}, sops.ErrTampered, 1, "A"},
	"text after a comment's bracket": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "#ENC["), lineOf(tb, file, "#ENC[")+"\tx")
	}, sops.ErrTampered, 2, ""},
	"value blanked": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), "A=")
	}, nil, 1, "A"},
	"value made plain": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), "A=1")
	}, nil, 1, "A"},
	"leading zero to int": {func(tb testing.TB, file string) string { return retyped(tb, file, "LEADING=", "int") }, nil, 3, "LEADING"},
	"word to bool":        {func(tb testing.TB, file string) string { return retyped(tb, file, "BOOL=", "bool") }, nil, 4, "BOOL"},
	"word to int":         {func(tb testing.TB, file string) string { return retyped(tb, file, "BOOL=", "int") }, nil, 4, "BOOL"},
	"number to float":     {func(tb testing.TB, file string) string { return retyped(tb, file, "A=", "float") }, nil, 1, "A"},
	"number to bytes":     {func(tb testing.TB, file string) string { return retyped(tb, file, "A=", "bytes") }, sops.ErrTampered, 1, "A"},
	"value to comment":    {func(tb testing.TB, file string) string { return retyped(tb, file, "A=", "comment") }, nil, 1, "A"},
	"comment to value":    {func(tb testing.TB, file string) string { return retyped(tb, file, "#ENC[", "str") }, nil, 2, ""},
	"renamed": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), "C"+lineOf(tb, file, "A=")[1:])
	}, sops.ErrTampered, 1, "C"},
	"name in other case": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), "a"+lineOf(tb, file, "A=")[1:])
	}, sops.ErrTampered, 1, "a"},
	"values swapped": {func(tb testing.TB, file string) string {
		a, b := lineOf(tb, file, "A="), lineOf(tb, file, "B=")
		return replaced(tb, replaced(tb, file, b, "B"+a[1:]), a+"\n#", "A"+b[1:]+"\n#")
	}, sops.ErrTampered, 1, "A"},
	"entry made a comment": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), "#"+lineOf(tb, file, "A=")[2:])
	}, sops.ErrTampered, 1, ""},
	"comment made an entry": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "#ENC["), "NEW="+lineOf(tb, file, "#ENC[")[1:])
	}, sops.ErrTampered, 2, "NEW"},
	"deleted": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "BOOL=")+"\n", "")
	}, sops.ErrTampered, 0, ""},
	"reordered": {func(tb testing.TB, file string) string {
		a := lineOf(tb, file, "A=") + "\n"
		return replaced(tb, file, a, "") + a
	}, sops.ErrTampered, 0, ""},
	"repeated": {func(tb testing.TB, file string) string { return file + lineOf(tb, file, "A=") + "\n" }, nil, 12, "A"},
	"entry of another file": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "A="), lineOf(tb, encrypt(tb, "A=2\n", x25519(tb)), "A="))
	}, sops.ErrTampered, 1, "A"},
	"later": {func(tb testing.TB, file string) string {
		return replaced(tb, file, "2026-01-02T02:04:05Z", "2027-01-02T02:04:05Z")
	}, sops.ErrTampered, 0, ""},
	"same moment in another zone": {func(tb testing.TB, file string) string {
		return replaced(tb, file, "2026-01-02T02:04:05Z", "2026-01-02T03:04:05+01:00")
	}, sops.ErrTampered, 0, ""},
	"time malformed": {func(tb testing.TB, file string) string {
		return replaced(tb, file, "2026-01-02T02:04:05Z", "yesterday")
	}, nil, 8, "sops_lastmodified"},
	"other kind of MAC": {func(_ testing.TB, file string) string { return file + "sops_mac_only_encrypted=true\n" }, sops.ErrTampered, 0, ""},
	"MAC of another file": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "sops_mac="), lineOf(tb, encrypt(tb, edited, x25519(tb)), "sops_mac="))
	}, sops.ErrTampered, 0, ""},
	"MAC in clear": {func(tb testing.TB, file string) string {
		return replaced(tb, file, lineOf(tb, file, "sops_mac="), "sops_mac="+strings.Repeat("0", 128))
	}, sops.ErrTampered, 0, ""},
	"no MAC":     {func(tb testing.TB, file string) string { return without(tb, file, "sops_mac=") }, sops.ErrNotSOPS, 0, ""},
	"empty MAC":  {func(tb testing.TB, file string) string { return without(tb, file, "sops_mac=") + "sops_mac=\n" }, sops.ErrNotSOPS, 0, ""},
	"no version": {func(tb testing.TB, file string) string { return without(tb, file, "sops_version=") }, sops.ErrNotSOPS, 0, ""},
	"no time":    {func(tb testing.TB, file string) string { return without(tb, file, "sops_lastmodified=") }, sops.ErrNotSOPS, 0, ""},
	"no data key": {func(tb testing.TB, file string) string {
		return without(tb, without(tb, file, "sops_age__list_0__map_enc="), "sops_age__list_0__map_recipient=")
	}, agekey.ErrNoMatch, 0, ""},
	"no recipient": {func(tb testing.TB, file string) string {
		return without(tb, file, "sops_age__list_0__map_recipient=")
	}, sops.ErrNotSOPS, 0, ""},
	"list begins at 1": {func(_ testing.TB, file string) string {
		return strings.ReplaceAll(file, "sops_age__list_0_", "sops_age__list_1_")
	}, sops.ErrNotSOPS, 0, ""},
	"list index with a zero": {func(tb testing.TB, file string) string {
		return replaced(tb, file, "list_0__map_enc", "list_00__map_enc")
	}, nil, 6, "sops_age__list_00__map_enc"},
	"MAC twice":           {func(tb testing.TB, file string) string { return file + lineOf(tb, file, "sops_mac=") + "\n" }, nil, 12, "sops_mac"},
	"version malformed":   {func(tb testing.TB, file string) string { return replaced(tb, file, "3.13.3", "new") }, nil, 11, "sops_version"},
	"threshold malformed": {func(_ testing.TB, file string) string { return file + "sops_shamir_threshold=x\n" }, nil, 12, "sops_shamir_threshold"},
	"keys beside key groups": {func(_ testing.TB, file string) string {
		return file + "sops_key_groups__list_1__map_age__list_0__map_recipient=age1x\n"
	}, nil, 12, "sops_key_groups__list_1__map_age__list_0__map_recipient"},
	"CR LF":        {func(_ testing.TB, file string) string { return strings.ReplaceAll(file, "\n", "\r\n") }, nil, 1, ""},
	"nothing left": {func(testing.TB, string) string { return "" }, sops.ErrNotSOPS, 0, ""},
	"too large":    {func(_ testing.TB, file string) string { return file + strings.Repeat("\n", sops.MaxSize) }, sops.ErrTooLarge, 0, ""},
}

// retyped changes the type of the value in the line that begins so.
func retyped(tb testing.TB, file, start, kind string) string {
	tb.Helper()
	old := lineOf(tb, file, start)
	head, _, found := strings.Cut(old, ",type:")
	if !found {
		tb.Fatal("the line holds no encrypted value")
	}
	return replaced(tb, file, old+"\n", head+",type:"+kind+"]\n")
}

func without(tb testing.TB, file, start string) string {
	tb.Helper()
	return replaced(tb, file, lineOf(tb, file, start)+"\n", "")
}

func TestEditsAreRefused(t *testing.T) {
	id := x25519(t)
	file := encrypt(t, edited, id)
	if got, err := decrypt(t, file, id); err != nil || got != edited {
		t.Fatalf("got %q, %v", got, err)
	}
	for name, tt := range edits {
		t.Run(name, func(t *testing.T) {
			got, err := decrypt(t, tt.change(t, file), id)
			if err == nil {
				t.Fatalf("it was not noticed, and %q came back", got)
			}
			if tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("got %v, want %v", err, tt.kind)
			}
			var located *sops.Error
			switch {
			case tt.line != 0:
				at(t, err, tt.line, tt.key)
			case errors.As(err, &located):
				t.Errorf("got %v, want no line", err)
			}
		})
	}
}

// Changes that are not authenticated and change nothing that is read.
func TestHarmlessEdits(t *testing.T) {
	id := x25519(t)
	file := encrypt(t, edited, id)
	for name, change := range map[string]func(file string) string{
		"number to int":    func(file string) string { return retyped(t, file, "A=", "int") },
		"metadata first":   func(file string) string { i := strings.Index(file, "sops_"); return file[i:] + file[:i] },
		"empty lines":      func(file string) string { return "\n" + strings.ReplaceAll(file, "\n", "\n\n") },
		"no final LF":      func(file string) string { return strings.TrimSuffix(file, "\n") },
		"unknown metadata": func(file string) string { return file + "sops_new=1\n" },
		"other version":    func(file string) string { return replaced(t, file, "3.13.3", "3.8.0-rc.1") },
		"other suffix":     func(file string) string { return replaced(t, file, "suffix=_unencrypted", "suffix=L") },
		"some values only": func(file string) string { return file + "sops_encrypted_regex=^A$\n" },
		"threshold of one": func(file string) string { return file + "sops_shamir_threshold=2\n" },
		"no suffix line":   func(file string) string { return without(t, file, "sops_unencrypted_suffix=") },
		"fraction of time": func(file string) string { return replaced(t, file, "02:04:05Z", "02:04:05.9Z") },
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := decrypt(t, change(file), id); err != nil || got != edited {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// sops' MAC covers no comments, nor do these bind themselves to a place. What is
// pinned here is that this reaches no entry.
func TestCommentsAreNotBoundToTheirPlace(t *testing.T) {
	id := x25519(t)
	file := encrypt(t, "# note\nA=1\nB=2\n", id)
	comment := lineOf(t, file, "#ENC[") + "\n"
	for name, tt := range map[string]struct{ file, want string }{
		"removed":        {replaced(t, file, comment, ""), "A=1\nB=2\n"},
		"moved":          {replaced(t, file, comment, "") + comment, "A=1\nB=2\n# note\n"},
		"repeated":       {comment + file, "# note\n# note\nA=1\nB=2\n"},
		"empty inserted": {"#\n" + file, "#\n# note\nA=1\nB=2\n"},
	} {
		if got, err := decrypt(t, tt.file, id); err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
