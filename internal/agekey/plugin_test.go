package agekey_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age/plugin"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const (
	yubikeyRecipient = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"
	tagRecipient     = "age1tag1q096edfp3ty6n36fj5kyq0yuesp7rdcmm7sjswzdcrekh6ash8n3uys987t"
)

func TestKindsOfPlugins(t *testing.T) {
	for text, kind := range map[string]agekey.Kind{yubikeyRecipient: "age-plugin-yubikey", tagRecipient: agekey.Tag} {
		r := mustRecipient(t, text)
		if r.Kind() != kind || r.String() != text {
			t.Errorf("got %s, kind %q", r, r.Kind())
		}
	}
	if name, is := agekey.Kind("age-plugin-yubikey").Plugin(); !is || name != "yubikey" {
		t.Errorf("got %q", name)
	}
	if _, is := agekey.Tag.Plugin(); is {
		t.Error("age itself encrypts to tagged keys")
	}
	long := plugin.EncodeRecipient(strings.Repeat("a", 65), []byte{1})
	if _, err := agekey.ParseRecipient(long); !errors.Is(err, agekey.ErrMalformedRecipient) {
		t.Errorf("a name of 65 letters: %v", err)
	}
}

// TestRecipientOfAPluginsIdentity: only a comment above the identity names it, and only
// one that can be that plugin's counts.
func TestRecipientOfAPluginsIdentity(t *testing.T) {
	other := mustRecipient(t, plugin.EncodeRecipient("yubikey", []byte{1, 2, 3})).String()
	x25519 := x25519Pair(t)
	for name, tt := range map[string]struct{ text, want string }{
		"none":                  {pluginIdentity, ""},
		"age-keygen's":          {"# public key: " + yubikeyRecipient + "\n" + pluginIdentity, yubikeyRecipient},
		"age-plugin-yubikey's":  {"#       Serial: 1, Slot: 1\n#    Recipient: " + yubikeyRecipient + "\n" + pluginIdentity, yubikeyRecipient},
		"with an empty line":    {"# Recipient: " + yubikeyRecipient + "\n\n" + pluginIdentity, yubikeyRecipient},
		"CR LF":                 {"# Recipient: " + yubikeyRecipient + "\r\n" + pluginIdentity + "\r\n", yubikeyRecipient},
		"twice the same":        {"# Recipient: " + yubikeyRecipient + "\n# public key: " + yubikeyRecipient + "\n" + pluginIdentity, yubikeyRecipient},
		"tagged":                {"# Recipient: " + tagRecipient + "\n" + pluginIdentity, tagRecipient},
		"two":                   {"# Recipient: " + yubikeyRecipient + "\n# Recipient: " + other + "\n" + pluginIdentity, ""},
		"another plugin's":      {"# Recipient: " + plugin.EncodeRecipient("tpm", []byte{1}) + "\n" + pluginIdentity, ""},
		"an X25519 key's":       {"# public key: " + x25519.recipient + "\n" + pluginIdentity, ""},
		"of the identity above": {"# public key: " + yubikeyRecipient + "\n" + x25519.identity + "\n" + pluginIdentity, ""},
		"below":                 {pluginIdentity + "\n# Recipient: " + yubikeyRecipient, ""},
		"in prose":              {"# see the recipient " + yubikeyRecipient + "\n" + pluginIdentity, ""},
		"no comment":            {"Recipient: " + yubikeyRecipient + "\n" + pluginIdentity, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ring := agekey.Sources{Files: []string{write(t, filepath.Join(t.TempDir(), "k"), tt.text)}}.Load(t.Context())
			id := ring.Identities[len(ring.Identities)-1]
			if got := id.Recipient().String(); got != tt.want || id.Recipient().Kind() != "age-plugin-yubikey" && tt.want != tagRecipient {
				t.Errorf("got %q of kind %q, want %q", got, id.Recipient().Kind(), tt.want)
			}
			if unknown := len(agekey.PluginsOfUnknownRecipient(ring.Identities)) > 0; unknown != (tt.want == "") {
				t.Errorf("unknown: %v", unknown)
			}
			if slices.Contains(agekey.Texts(agekey.Recipients(ring.Identities)), "") {
				t.Error("an unknown recipient is listed")
			}
		})
	}
}

func TestPluginsFor(t *testing.T) {
	known := mustIdentities(t, "# Recipient: "+yubikeyRecipient+"\n"+pluginIdentity)
	unknown := mustIdentities(t, plugin.EncodeIdentity("tpm", []byte{1}))
	missing := mustIdentities(t, plugin.EncodeIdentity("missing", []byte{1}))
	dir := t.TempDir()
	for _, program := range []string{"age-plugin-yubikey", "age-plugin-tpm"} {
		if err := os.WriteFile(filepath.Join(dir, program), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	for name, tt := range map[string]struct {
		ids        []agekey.Identity
		recipients []string
		want       []string
	}{
		"its own":        {known, []string{yubikeyRecipient}, []string{"age-plugin-yubikey"}},
		"another one":    {known, []string{tagRecipient}, nil},
		"unknown":        {unknown, []string{tagRecipient}, []string{"age-plugin-tpm"}},
		"no plugin's":    {mustIdentities(t, x25519Pair(t).identity), []string{yubikeyRecipient}, nil},
		"not on PATH":    {missing, []string{tagRecipient}, nil},
		"two of unknown": {slices.Concat(unknown, unknown), nil, []string{"age-plugin-tpm"}},
	} {
		if got := agekey.PluginsFor(tt.ids, tt.recipients); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestMissingPlugins(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	there := p.Identity("works").Recipient()
	recipients := []agekey.Recipient{there, mustRecipient(t, yubikeyRecipient), mustRecipient(t, tagRecipient), mustRecipient(t, x25519Pair(t).recipient)}
	if got := agekey.MissingPlugins(recipients); !slices.Equal(got, []string{"age-plugin-yubikey"}) {
		t.Errorf("missing are %q", got)
	}
}

func sealTo(t *testing.T, text string, ids ...agekey.Identity) string {
	t.Helper()
	sealed, err := agekey.SealArmored(secret.New(text), agekey.Recipients(ids))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func opens(t *testing.T, sealed, want string, ids ...agekey.Identity) {
	t.Helper()
	if got, err := agekey.Open(sealed, ids); err != nil || got.Reveal() != want {
		t.Errorf("got %q and %v, want %q", got.Reveal(), err, want)
	}
}

// TestPluginAsOperator: each opens alone, and the plugin is asked only where it must be.
func TestPluginAsOperator(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	key, soft := p.Identity("works"), agekeytest.X25519(t)
	sealed := sealTo(t, "text", key, soft)
	p.Forget()
	opens(t, sealed, "text", key, soft)
	if calls := p.Noted("calls"); len(calls) != 0 {
		t.Errorf("the plugin was started though another identity opens it: %q", calls)
	}
	if _, err := agekey.Open(sealed, agekey.WithoutPluginCalls([]agekey.Identity{key})); !errors.Is(err, agekey.ErrNoMatch) || agekey.PluginFailed(err) {
		t.Errorf("without asking: %v", err)
	}
	if calls := p.Noted("calls"); len(calls) != 0 {
		t.Errorf("the plugin was asked: %q", calls)
	}
	for range 3 {
		opens(t, sealed, "text", key)
	}
	opens(t, sealed, "text", agekey.WithoutPluginCalls([]agekey.Identity{key})...)
	if calls := p.Noted("calls"); len(calls) != 1 {
		t.Errorf("the plugin was started %d times for one file, want once", len(calls))
	}
	opens(t, sealTo(t, "other", key), "other", key)
	if unwraps := p.Noted("unwraps"); len(unwraps) != 2 {
		t.Errorf("the plugin unwrapped %d times, want once a file", len(unwraps))
	}
	opens(t, sealed, "text", soft)

	wrapped, err := agekey.Wrap([]agekey.DatedIdentity{{Identity: soft, CreatedAt: time.Now()}}, []agekey.Recipient{key.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := agekey.Unwrap(wrapped, []agekey.Identity{key}); err != nil || ids[0].Recipient().String() != soft.Recipient().String() {
		t.Errorf("a wrap: %v", err)
	}
}

func TestConcurrentOpensAskOnce(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	key := p.Identity("works")
	sealed := sealTo(t, "text", key)
	p.Forget()
	done := make(chan error)
	for range 5 {
		go func() {
			_, err := agekey.Open(sealed, []agekey.Identity{key})
			done <- err
		}()
	}
	for range 5 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if calls := p.Noted("calls"); len(calls) != 1 {
		t.Errorf("the plugin was started %d times, want once", len(calls))
	}
}

// TestSeveralIdentitiesOfAPlugin are asked in one go; those of another plugin too.
func TestSeveralIdentitiesOfAPlugin(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	one, two := p.Identity("works"), p.Identity("works")
	missing := mustIdentities(t, pluginIdentity)[0]
	opens(t, sealTo(t, "text", two), "text", missing, one, two)
	_, err := agekey.Open(sealTo(t, "text", two), []agekey.Identity{missing, one})
	if !errors.Is(err, agekey.ErrNoMatch) || !agekey.PluginFailed(err) || !strings.HasPrefix(err.Error(), "the program age-plugin-yubikey is not on PATH") {
		t.Errorf("got %v", err)
	}
	_, err = agekey.Open(sealTo(t, "text", two), []agekey.Identity{one})
	if !errors.Is(err, agekey.ErrNoMatch) || agekey.PluginFailed(err) {
		t.Errorf("a plugin that opens other files: %v", err)
	}
}

// TestIdentityFoundTwice: a key file is often found in two places, and its user is asked
// once.
func TestIdentityFoundTwice(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	file := write(t, filepath.Join(t.TempDir(), "keys.txt"), p.KeyFile("refuse"))
	ids := agekey.Sources{Files: []string{file}, KeyFile: file, UserKeys: file}.Load(t.Context()).Identities
	sealed := sealTo(t, "text", ids...)
	p.Forget()
	if _, err := agekey.Open(sealed, ids); !agekey.PluginFailed(err) {
		t.Errorf("got %v", err)
	}
	if unwraps := p.Noted("unwraps"); len(unwraps) != 1 {
		t.Errorf("it is asked %d times, want once", len(unwraps))
	}
}

// TestAlteredFile: an altered copy of a file keeps nobody from opening the file itself,
// and costs no touch more.
func TestAlteredFile(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	key := p.Identity("works")
	for _, order := range []string{"good first", "altered first"} {
		sealed, err := agekey.Seal(secret.New("text"), []agekey.Recipient{key.Recipient()})
		if err != nil {
			t.Fatal(err)
		}
		altered := string(sealed[:len(sealed)-1]) + string(sealed[len(sealed)-1]^1)
		p.Forget()
		if order == "good first" {
			opens(t, string(sealed), "text", key)
		}
		for range 2 {
			if _, err := agekey.Open(altered, []agekey.Identity{key}); !agekey.PluginFailed(err) || !strings.Contains(err.Error(), "the file was altered") {
				t.Errorf("%s: the altered file: %v", order, err)
			}
		}
		opens(t, string(sealed), "text", key)
		if calls := p.Noted("calls"); len(calls) != 1 {
			t.Errorf("%s: it is asked %d times, want once", order, len(calls))
		}
	}
}

// TestPluginHarmsNoOther: a plugin that makes malformed stanzas can't lock the other
// recipients out.
func TestPluginHarmsNoOther(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	soft := agekeytest.X25519(t)
	for _, mode := range []string{"scrypt", "bad-x25519", "low-order", "bad-hybrid", "bad-ed25519", "bad-rsa"} {
		hard := p.Identity("wrap-" + mode)
		sealed, err := agekey.SealArmored(secret.New("text"), agekey.Recipients([]agekey.Identity{hard, soft}))
		var failure *ageplugin.Error
		if !errors.As(err, &failure) || failure.Fault != ageplugin.Harmful || !strings.Contains(err.Error(), "keep the other recipients from opening") {
			t.Errorf("%s: got %v", mode, err)
			opens(t, sealed, "text", soft)
		}
	}
	// What is of another key, or of age's own kind, harms nobody.
	for _, mode := range []string{"native", "other-key"} {
		opens(t, sealTo(t, "text", p.Identity("wrap-"+mode), soft), "text", soft)
	}
}

func TestPluginThatFails(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	before := ageplugin.SetTimeout(2 * time.Second)
	t.Cleanup(func() { ageplugin.SetTimeout(before) })
	for mode, says := range map[string]string{
		"refuse": "refused", "pin": "asked for a PIN", "confirm": "confirmation", "crash": "ended without an answer", "wrong": "gave a key that does not open it",
	} {
		t.Run(mode, func(t *testing.T) {
			key := p.Identity(mode)
			sealed := sealTo(t, "text", key)
			p.Forget()
			for range 2 {
				_, err := agekey.Open(sealed, []agekey.Identity{agekeytest.X25519(t), key})
				if !agekey.PluginFailed(err) || !errors.Is(err, agekey.ErrNoMatch) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), agekeytest.PluginCanary) {
					t.Errorf("got %v, want %q", err, says)
				}
			}
			if calls := p.Noted("calls"); len(calls) != 1 {
				t.Errorf("asked %d times for one file", len(calls))
			}
		})
	}
	t.Run("hang", func(t *testing.T) {
		ids := mustIdentities(t, p.KeyFile("hang")+p.KeyFile("works"))
		var says []string
		p.Forget()
		for range 4 {
			_, err := agekey.Open(sealTo(t, "text", ids[0]), ids)
			says = append(says, fmt.Sprint(err))
		}
		for i, want := range []string{"did not answer", "did not answer", "was not asked again", "was not asked again"} {
			if !strings.Contains(says[i], want) {
				t.Errorf("the file %d: %s, want %q", i, says[i], want)
			}
		}
	})
}

func TestPluginEndsWithTheContext(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	key := p.Identity("hang")
	sealed := sealTo(t, "text", key)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	_, err := agekey.Open(sealed, agekey.WithContext(ctx, []agekey.Identity{key}))
	if !agekey.PluginFailed(err) || !strings.Contains(err.Error(), "interrupted") || time.Since(began) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
	// To give up is no answer: the next one asks again.
	_, err = agekey.Open(sealed, agekey.WithContext(ctx, []agekey.Identity{key}))
	if !strings.Contains(fmt.Sprint(err), "interrupted") {
		t.Errorf("got %v", err)
	}
	hanging := p.Identity("wrap-hang").Recipient()
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var failure *ageplugin.Error
	if _, err := agekey.Seal(secret.New("text"), []agekey.Recipient{hanging.WithContext(ctx)}); !errors.As(err, &failure) || failure.Fault != ageplugin.Canceled {
		t.Errorf("sealing: %v", err)
	}
}

func TestPluginsLabels(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	quantum, soft, hybrid := p.Identity("wrap-postquantum").Recipient(), agekeytest.X25519(t).Recipient(), agekeytest.Hybrid(t).Recipient()
	for name, tt := range map[string]struct {
		with agekey.Recipient
		want error
	}{"classic": {soft, agekey.ErrMixedPlugins}, "post-quantum": {hybrid, nil}} {
		both := []agekey.Recipient{quantum, tt.with}
		if err := agekey.CheckTogether(both); err != nil {
			t.Errorf("%s: at plan nobody can know: %v", name, err)
		}
		if _, err := agekey.SealArmored(secret.New("text"), both); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	tagged := mustRecipient(t, tagRecipient)
	for with, want := range map[agekey.Recipient]error{soft: nil, hybrid: agekey.ErrMixedRecipients} {
		if err := agekey.CheckTogether([]agekey.Recipient{tagged, with}); !errors.Is(err, want) {
			t.Errorf("a tagged key with %s: %v", with.Kind(), err)
		}
	}
	if _, err := agekey.Seal(secret.New("text"), []agekey.Recipient{tagged, soft}); err != nil {
		t.Errorf("age itself encrypts to tagged keys: %v", err)
	}
	if _, err := agekey.Seal(secret.New("text"), []agekey.Recipient{p.Identity("wrap-refuse").Recipient()}); err == nil || strings.Contains(err.Error(), agekeytest.PluginCanary) {
		t.Errorf("a plugin that refuses: %v", err)
	}
}

func TestPluginIdentityRedactsItself(t *testing.T) {
	id := mustIdentities(t, pluginIdentity)[0]
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x"} {
		if text := fmt.Sprintf(verb, id); strings.Contains(strings.ToUpper(text), "AGE-PLUGIN") || strings.Contains(text, fmt.Sprintf("%x", "AGE-PLUGIN")) {
			t.Errorf("%s shows %s", verb, text)
		}
	}
}

// TestPluginWithRealAge: age opens with the plugin what we sealed, and we what age did.
func TestPluginWithRealAge(t *testing.T) {
	age := os.Getenv("AGEENV_TEST_AGE")
	if age == "" {
		t.Skip("no age to test with: set AGEENV_TEST_AGE")
	}
	p := agekeytest.NewPlugin(t)
	dir := t.TempDir()
	file := p.KeyFile("works")
	keyFile := write(t, filepath.Join(dir, "key.txt"), file)
	key, soft := agekeytest.Parse(t, file), agekeytest.X25519(t)
	softFile := write(t, filepath.Join(dir, "soft.txt"), soft.Text().Reveal())
	run := func(in string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), age, args...)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("age %q: %v", args, err)
		}
		return string(out)
	}
	sealed := sealTo(t, "text", key, soft)
	for _, with := range []string{keyFile, softFile} {
		if got := run(sealed, "-d", "-i", with); got != "text" {
			t.Errorf("age gives %q with %s", got, filepath.Base(with))
		}
	}
	theirs := run("text", "-a", "-r", key.Recipient().String(), "-r", soft.Recipient().String())
	opens(t, theirs, "text", key)
	opens(t, theirs, "text", soft)
}
