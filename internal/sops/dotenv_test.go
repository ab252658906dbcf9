package sops_test

import (
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

func TestRoundTrip(t *testing.T) {
	id := x25519(t)
	for name, text := range texts {
		if got, err := decrypt(t, encrypt(t, text, id), id); err != nil || got != text {
			t.Errorf("%s: got %.200q, %v", name, got, err)
		}
	}
}

// The store holds lines: what is no line is not kept.
func TestEmptyLinesAreDropped(t *testing.T) {
	id := x25519(t)
	if got, err := decrypt(t, encrypt(t, "\nA=1\n\n\n# b\nC=2", id), id); err != nil || got != "A=1\n# b\nC=2\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := decrypt(t, encrypt(t, "", id), id); err != nil || got != "" {
		t.Errorf("no lines: got %q, %v", got, err)
	}
}

func TestLayout(t *testing.T) {
	one, two := x25519(t), x25519(t)
	file := encrypt(t, "# note\nTOKEN=abc\n#\nNAME=\"d\"\n", one, two)

	got := regexp.MustCompile(`ENC\[AES256_GCM,data:[^,]+,iv:[^,]{44},tag:[^,]{24},type:`).ReplaceAllString(file, "ENC[…:")
	got = regexp.MustCompile(`(-----BEGIN AGE ENCRYPTED FILE-----\\n)[^\n]*(\\n-----END AGE ENCRYPTED FILE-----\\n)`).ReplaceAllString(got, "$1…$2")
	const armor = `-----BEGIN AGE ENCRYPTED FILE-----\n…\n-----END AGE ENCRYPTED FILE-----\n`
	want := strings.Join([]string{
		"#ENC[…:comment]",
		"TOKEN=ENC[…:str]",
		"#",
		"NAME=ENC[…:str]",
		"sops_age__list_0__map_enc=" + armor,
		"sops_age__list_0__map_recipient=" + one.Recipient().String(),
		"sops_age__list_1__map_enc=" + armor,
		"sops_age__list_1__map_recipient=" + two.Recipient().String(),
		"sops_lastmodified=2026-01-02T02:04:05Z",
		"sops_mac=ENC[…:str]",
		"sops_unencrypted_suffix=_unencrypted",
		"sops_version=3.13.3",
	}, "\n") + "\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Two encryptions of one text have nothing in common that depends on a key.
func TestFreshKeyAndNonces(t *testing.T) {
	id := x25519(t)
	const text = "A=same\nB=same\n# same\n# same\n"
	nonces, data := map[string]bool{}, map[string]bool{}
	keys := map[string]bool{}
	const rounds = 8
	for range rounds {
		file := encrypt(t, text, id)
		for _, m := range regexp.MustCompile(`data:([^,]+),iv:([^,]+),`).FindAllStringSubmatch(file, -1) {
			data[m[1]], nonces[m[2]] = true, true
		}
		keys[dataKey(t, file, id)] = true
	}
	const perFile = 5 // two values, two comments, the MAC
	if len(nonces) != rounds*perFile || len(data) != rounds*perFile {
		t.Errorf("of %d nonces %d are different, of the ciphertexts %d", rounds*perFile, len(nonces), len(data))
	}
	if len(keys) != rounds {
		t.Errorf("of %d data keys %d are different", rounds, len(keys))
	}
	for nonce := range nonces {
		if raw, err := base64.StdEncoding.DecodeString(nonce); err != nil || len(raw) != 32 {
			t.Errorf("a nonce has %d bytes (%v), and sops takes 32 only", len(raw), err)
		}
	}
}

// dataKey opens the first wrapped key of the file.
func dataKey(tb testing.TB, file string, id agekey.Identity) string {
	tb.Helper()
	_, enc, _ := strings.Cut(lineOf(tb, file, "sops_age__list_0__map_enc="), "=")
	key, err := agekey.Open(strings.ReplaceAll(enc, `\n`, "\n"), []agekey.Identity{id})
	if err != nil {
		tb.Fatal(err)
	}
	if key.Len() != 32 {
		tb.Fatalf("the data key has %d bytes, want 32", key.Len())
	}
	return key.Reveal()
}

func TestMetadata(t *testing.T) {
	ids := []agekey.Identity{x25519(t), hybrid(t), sshEd25519(t), x25519(t)}
	want := agekey.Texts(recipientsOf(ids...))
	file := encrypt(t, "B=1\n# note\nA=2\n", ids...)
	plain, err := sops.Decrypt(file, ids[3:], sops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	read, err := sops.ReadMetadata(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, meta := range map[string]sops.Metadata{"opened": plain.Metadata, "read": read} {
		if !slices.Equal(meta.Recipients, want) {
			t.Errorf("%s: the recipients are not in the order in which they were given", name)
		}
		if !slices.Equal(meta.Keys, []string{"B", "A"}) {
			t.Errorf("%s: keys %v", name, meta.Keys)
		}
		if !meta.LastModified.Equal(now.Truncate(1e9)) || meta.Version != sops.FormatVersion {
			t.Errorf("%s: %v, %s", name, meta.LastModified, meta.Version)
		}
	}
}

func TestWhoOpens(t *testing.T) {
	const text = "A=1\n"
	one, two, stranger := x25519(t), x25519(t), x25519(t)
	file := encrypt(t, text, one, two)
	const mark = `map_enc=-----BEGIN AGE ENCRYPTED FILE-----\n`
	damaged := strings.Replace(file, mark, mark+"AAAA", 1)
	foreign := encrypt(t, text, stranger)
	_, foreignKey, _ := strings.Cut(lineOf(t, foreign, "sops_age__list_0__map_enc="), "=")
	_, ownKey, _ := strings.Cut(lineOf(t, file, "sops_age__list_0__map_enc="), "=")
	for name, tt := range map[string]struct {
		file string
		ids  []agekey.Identity
		want error
	}{
		"first":                           {file, []agekey.Identity{one}, nil},
		"second":                          {file, []agekey.Identity{two}, nil},
		"among others":                    {file, []agekey.Identity{stranger, two}, nil},
		"stranger":                        {file, []agekey.Identity{stranger}, agekey.ErrNoMatch},
		"nobody":                          {file, nil, agekey.ErrNoMatch},
		"damaged first, by the second":    {damaged, []agekey.Identity{two}, nil},
		"damaged first, by both":          {damaged, []agekey.Identity{one, two}, nil},
		"damaged first, by the first":     {damaged, []agekey.Identity{one}, sops.ErrTampered},
		"other data key, by its holder":   {replaced(t, file, ownKey, foreignKey), []agekey.Identity{stranger}, sops.ErrTampered},
		"other data key, by the second":   {replaced(t, file, ownKey, foreignKey), []agekey.Identity{two}, nil},
		"plugin recipient, by the second": {replaced(t, file, one.Recipient().String(), pluginRecipient), []agekey.Identity{two}, nil},
		"recipient malformed":             {replaced(t, file, one.Recipient().String(), "age1x"), []agekey.Identity{two}, errLocated},
	} {
		got, err := decrypt(t, tt.file, tt.ids...)
		var located *sops.Error
		switch {
		case tt.want == errLocated && errors.As(err, &located):
		case !errors.Is(err, tt.want):
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		case tt.want == nil && got != text:
			t.Errorf("%s: got %q", name, got)
		}
	}
}

const pluginRecipient = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"

// errLocated stands for any *sops.Error.
var errLocated = errors.New("an error with a line")

func TestEncryptRefuses(t *testing.T) {
	recipients := recipientsOf(x25519(t))
	for name, tt := range map[string]struct {
		text string
		line int
		key  string
	}{
		"metadata name":       {"A=1\nsops_x=canary\n", 2, "sops_x"},
		"metadata MAC":        {"sops_mac=canary\n", 1, "sops_mac"},
		"clear suffix":        {"A=1\n\nB_unencrypted=canary\n", 3, "B_unencrypted"},
		"only clear suffix":   {"_unencrypted=canary\n", 1, "_unencrypted"},
		"empty value":         {"# canary\nA=\n", 2, "A"},
		"CR LF":               {"A=1\nB=canary\r\n", 2, ""},
		"CR at the end":       {"A=canary\r", 1, ""},
		"CR LF in a comment":  {"# canary\r\n", 1, ""},
		"no =":                {"A=1\ncanary\n", 2, ""},
		"line break in value": {"A=\"one\ncanary\"\n", 2, ""},
		"duplicate":           {"A=1\nB=2\nA=canary\n", 3, "A"},
		"space in the name":   {"canary canary=1\n", 1, ""},
		"export":              {"export A=canary\n", 1, ""},
		"digit first":         {"1A=canary\n", 1, ""},
		"no name":             {"=canary\n", 1, ""},
		"plus in the name":    {"A+B=canary\n", 1, ""},
		"byte order mark":     {"\ufeffA=canary\n", 1, ""},
		"space before":        {" # canary = 1\n", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := sops.EncryptDotenv(secret.New(tt.text), recipients, now)
			at(t, err, tt.line, tt.key)
			if file != "" {
				t.Error("a file came back beside an error")
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error holds the line: %v", err)
			}
		})
	}
	if _, err := sops.EncryptDotenv(secret.New("A="+strings.Repeat("x", sops.MaxSize)), recipients, now); !errors.Is(err, sops.ErrTooLarge) {
		t.Errorf("too large: got %v", err)
	}
	if _, err := sops.EncryptDotenv(secret.New("A=1\n"), nil, now); !errors.Is(err, agekey.ErrNoRecipient) {
		t.Errorf("no recipient: got %v", err)
	}
}
