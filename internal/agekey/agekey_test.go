package agekey_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// keyPair is one identity text with its recipient.
type keyPair struct {
	identity, recipient string
	kind                agekey.Kind
}

func x25519Pair(t *testing.T) keyPair {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{id.String(), id.Recipient().String(), agekey.X25519}
}

func hybridPair(t *testing.T) keyPair {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{id.String(), id.Recipient().String(), agekey.Hybrid}
}

func sshPair(t *testing.T, key any, public any, kind agekey.Kind) keyPair {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "somebody@somewhere")
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))), kind}
}

func allPairs(t *testing.T) map[string]keyPair {
	t.Helper()
	edPub, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]keyPair{
		"x25519":      x25519Pair(t),
		"hybrid":      hybridPair(t),
		"ssh-ed25519": sshPair(t, edKey, edPub, agekey.SSHEd25519),
		"ssh-rsa":     sshPair(t, rsaKey, &rsaKey.PublicKey, agekey.SSHRSA),
	}
}

func mustRecipient(t *testing.T, s string) agekey.Recipient {
	t.Helper()
	r, err := agekey.ParseRecipient(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustIdentities(t *testing.T, s string) []agekey.Identity {
	t.Helper()
	ids, err := agekey.ParseIdentities(secret.New(s))
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestEveryKindSealsAndOpens(t *testing.T) {
	pairs := allPairs(t)
	plain := secret.New("TOKEN=canary\n")
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			recipient := mustRecipient(t, pair.recipient+" \n")
			if recipient.Kind() != pair.kind || recipient.String() != pair.recipient {
				t.Fatalf("got %s %s", recipient.Kind(), recipient)
			}
			keyFile := pair.identity
			if pair.kind == agekey.X25519 || pair.kind == agekey.Hybrid {
				keyFile = "# a comment\n\n" + keyFile + "\n"
			}
			ids := mustIdentities(t, keyFile)
			if got := ids[0].Recipient().String(); got != pair.recipient {
				t.Fatalf("the identity's recipient is %s, want %s", got, pair.recipient)
			}
			armored, err := agekey.SealArmored(plain, []agekey.Recipient{recipient})
			if err != nil {
				t.Fatal(err)
			}
			binary, err := agekey.Seal(plain, []agekey.Recipient{recipient})
			if err != nil {
				t.Fatal(err)
			}
			for form, sealed := range map[string]string{"armored": armored, "binary": string(binary)} {
				if !agekey.IsFile(sealed) || agekey.IsArmored(sealed) != (form == "armored") {
					t.Errorf("%s: not recognised", form)
				}
				got, err := agekey.Open(sealed, ids)
				if err != nil || !got.Equal(plain) {
					t.Errorf("%s: %v", form, err)
				}
				if _, err := agekey.Open(sealed, mustIdentities(t, x25519Pair(t).identity)); !errors.Is(err, agekey.ErrNoMatch) {
					t.Errorf("%s: a stranger got %v", form, err)
				}
				if _, err := agekey.Open(sealed, nil); !errors.Is(err, agekey.ErrNoMatch) {
					t.Errorf("%s: nobody got %v", form, err)
				}
			}
		})
	}
}

func TestOpenRefusesWhatIsNotWhole(t *testing.T) {
	pair := x25519Pair(t)
	ids := mustIdentities(t, pair.identity)
	sealed, err := agekey.Seal(secret.New("a text that is long enough"), []agekey.Recipient{mustRecipient(t, pair.recipient)})
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"empty":          "",
		"no age file":    "TOKEN=x\n",
		"cut off":        string(sealed[:len(sealed)-1]),
		"longer":         string(sealed) + "x",
		"flipped":        string(sealed[:len(sealed)-3]) + string(sealed[len(sealed)-3]^1) + string(sealed[len(sealed)-2:]),
		"unclosed armor": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
	} {
		if _, err := agekey.Open(bad, ids); !errors.Is(err, agekey.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
	if _, err := agekey.Open(strings.Repeat("x", agekey.MaxSize*2), ids); !errors.Is(err, agekey.ErrTooLarge) {
		t.Errorf("a huge file: got %v", err)
	}
}

func TestParseRecipientErrors(t *testing.T) {
	pairs := allPairs(t)
	good := pairs["x25519"].recipient
	for name, tt := range map[string]struct {
		in   string
		want error
	}{
		"empty":              {"", agekey.ErrMalformedRecipient},
		"prose":              {"hunter2-canary", agekey.ErrMalformedRecipient},
		"cut off":            {good[:len(good)-1], agekey.ErrMalformedRecipient},
		"one letter off":     {good[:len(good)-1] + "b", agekey.ErrMalformedRecipient},
		"two in one":         {good + "\n" + good, agekey.ErrRecipientList},
		"ssh cut off":        {"ssh-ed25519 AAAAC3Nza", agekey.ErrMalformedRecipient},
		"ssh dsa":            {"ssh-dss AAAAB3NzaC1kc3M=", agekey.ErrMalformedRecipient},
		"plugin, cut off":    {"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3", agekey.ErrMalformedRecipient},
		"tag, cut off":       {"age1tag1q096edfp3ty6n36fj5kyq0yuesp7rdcmm7sjswzdcrekh6ash8n3uys987", agekey.ErrMalformedRecipient},
		"identity":           {pairs["x25519"].identity, agekey.ErrPrivateKey},
		"identity in a file": {"# created: x\n" + pairs["x25519"].identity, agekey.ErrPrivateKey},
		"lower identity":     {strings.ToLower(pairs["hybrid"].identity), agekey.ErrPrivateKey},
		"ssh private key":    {pairs["ssh-ed25519"].identity, agekey.ErrPrivateKey},
	} {
		_, err := agekey.ParseRecipient(tt.in)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
		checkQuiet(t, name, err, tt.in)
	}
}

func TestParseIdentitiesErrors(t *testing.T) {
	pairs := allPairs(t)
	good := pairs["x25519"].identity
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(edKey, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ in, want string }{
		"empty":          {"", "no identity"},
		"only comments":  {"# created: today\n\n", "no identity"},
		"recipient":      {"\n" + pairs["x25519"].recipient, "line 2: this is a recipient"},
		"plugin":         {"AGE-PLUGIN-YUBIKEY-1QQQ", "line 1: this is not a whole identity of an age plugin"},
		"cut off":        {good + "\n" + good[:40], "line 2: this is not an identity"},
		"lower case":     {strings.ToLower(good), "line 1: this is not an identity"},
		"encrypted file": {"age-encryption.org/v1\n-> scrypt", "itself encrypted"},
		"armored file":   {"-----BEGIN AGE ENCRYPTED FILE-----\n", "itself encrypted"},
		"locked ssh key": {string(pem.EncodeToMemory(locked)), "passphrase"},
		"ssh key cut":    {pairs["ssh-rsa"].identity[:200], "not a whole SSH private key"},
	} {
		_, err := agekey.ParseIdentities(secret.New(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		checkQuiet(t, name, err, tt.in)
	}
}

// checkQuiet fails if an error holds a piece of its input of eight bytes or more.
func checkQuiet(t *testing.T, name string, err error, input string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, line := range strings.Split(input, "\n") {
		for i := 0; i+8 <= len(line); i += 4 {
			piece := line[i : i+8]
			if strings.HasPrefix(line, "-----") || strings.HasPrefix(line, "age-encryption.org") || strings.Contains("AGE-SECRET-KEY-PQ-1 AGE-SECRET-KEY-1 ssh-ed25519 ", piece) {
				continue
			}
			if strings.Contains(err.Error(), piece) {
				t.Errorf("%s: the error holds a piece of the input: %v", name, err)
				return
			}
		}
	}
}

func TestIdentityRedactsItself(t *testing.T) {
	pair := x25519Pair(t)
	ids := mustIdentities(t, pair.identity)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, ids); strings.Contains(got, pair.identity[20:30]) {
			t.Errorf("%s shows the identity", verb)
		}
	}
	if ids[0].Text().Reveal() != pair.identity {
		t.Error("Text must give the identity")
	}
}

func TestMixedRecipients(t *testing.T) {
	pairs := allPairs(t)
	get := func(names ...string) (rs []agekey.Recipient) {
		for _, name := range names {
			rs = append(rs, mustRecipient(t, pairs[name].recipient))
		}
		return rs
	}
	for name, tt := range map[string]struct {
		recipients []agekey.Recipient
		want       error
	}{
		"classic":     {get("x25519", "ssh-ed25519", "ssh-rsa"), nil},
		"hybrid":      {get("hybrid"), nil},
		"mixed":       {get("x25519", "hybrid"), agekey.ErrMixedRecipients},
		"mixed (ssh)": {get("hybrid", "ssh-rsa"), agekey.ErrMixedRecipients},
		"none":        {nil, agekey.ErrNoRecipient},
	} {
		if _, err := agekey.Seal(secret.New("x"), tt.recipients); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestUnionIsSortedAndUnique(t *testing.T) {
	a, b := mustRecipient(t, x25519Pair(t).recipient), mustRecipient(t, x25519Pair(t).recipient)
	got := agekey.Texts(agekey.Union([]agekey.Recipient{b, a}, []agekey.Recipient{a}))
	if len(got) != 2 || got[0] >= got[1] {
		t.Errorf("got %v", got)
	}
}

func TestWrapAndUnwrap(t *testing.T) {
	operator, stranger := x25519Pair(t), x25519Pair(t)
	id, err := agekey.GenerateX25519()
	if err != nil {
		t.Fatal(err)
	}
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	wrapped, err := agekey.Wrap([]agekey.DatedIdentity{{Identity: id, CreatedAt: created}}, []agekey.Recipient{mustRecipient(t, operator.recipient)})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := agekey.Unwrap(wrapped, mustIdentities(t, operator.identity))
	if err != nil || len(ids) != 1 || !ids[0].Text().Equal(id.Text()) {
		t.Fatalf("got %v, %v", ids, err)
	}
	keyFile, err := agekey.Open(wrapped, mustIdentities(t, operator.identity))
	if err != nil {
		t.Fatal(err)
	}
	want := "# created: 2026-01-02T02:04:05Z\n# public key: " + id.Recipient().String() + "\n" + id.Text().Reveal() + "\n"
	if keyFile.Reveal() != want {
		t.Error("the key file inside is not in age-keygen's form")
	}
	if got, ok := agekey.CreatedAt(keyFile); !ok || !got.Equal(created) {
		t.Errorf("created at %v", got)
	}
	if _, ok := agekey.CreatedAt(id.Text()); ok {
		t.Error("a key file without a date has none")
	}
	if _, err := agekey.Unwrap(wrapped, mustIdentities(t, stranger.identity)); !errors.Is(err, agekey.ErrNoMatch) {
		t.Errorf("a stranger got %v", err)
	}
}

// What sops takes as several recipients, and a recipients file, are named for what
// they are. A comma in an SSH key's comment is none of that.
func TestRecipientLists(t *testing.T) {
	one, two, ssh := x25519Pair(t).recipient, hybridPair(t).recipient, allPairs(t)["ssh-ed25519"].recipient
	const plugin = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"by commas":             {one + "," + two, agekey.ErrRecipientList},
		"by commas and spaces":  {one + ", " + two, agekey.ErrRecipientList},
		"a comma at the end":    {one + ",", agekey.ErrRecipientList},
		"by a space":            {one + " " + one, agekey.ErrRecipientList},
		"with a plugin's":       {plugin + "," + one, agekey.ErrRecipientList},
		"one that is malformed": {one + "," + two[:50], agekey.ErrRecipientList},
		"by SSH keys":           {ssh + "," + ssh, agekey.ErrRecipientList},
		"behind a comment":      {ssh + " me@home," + one, agekey.ErrRecipientList},
		"a file":                {"# alice\n" + one + "\n# bob\n" + ssh + "\n", agekey.ErrRecipientList},
		"a file from Windows":   {"# alice\r\n" + one + "\r\n", agekey.ErrRecipientList},
		"two SSH keys in lines": {ssh + "\n" + ssh, agekey.ErrRecipientList},
		"with a private key":    {one + "," + x25519Pair(t).identity, agekey.ErrPrivateKey},
		"a comma in a comment":  {ssh + " Doe, Jane", nil},
		"spaces around":         {" " + one + "\n", nil},
		"a plugin's":            {plugin, nil},
		"two that are none":     {"age1x,age1y", agekey.ErrMalformedRecipient},
		"a comment":             {"# alice", agekey.ErrMalformedRecipient},
	} {
		if _, err := agekey.ParseRecipient(tt.text); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}
