package provider_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"golang.org/x/crypto/ssh"

	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// person holds an age key.
type person struct {
	identity  string
	recipient string
	keyFile   string
}

func newPerson(tb testing.TB) person {
	tb.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		tb.Fatal(err)
	}
	return personOf(tb, id.String(), id.Recipient().String())
}

func newHybridPerson(t *testing.T) person {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return personOf(t, id.String(), id.Recipient().String())
}

func personOf(tb testing.TB, identity, recipient string) person {
	tb.Helper()
	p := person{identity: identity, recipient: recipient, keyFile: filepath.Join(tb.TempDir(), "key.txt")}
	writeFile(tb, p.keyFile, "# public key: "+p.recipient+"\n"+p.identity+"\n")
	return p
}

// newSSHPerson holds an ssh-ed25519 key without a passphrase.
func newSSHPerson(t *testing.T) person {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return sshPerson(t, key)
}

// newRSAPerson holds an ssh-rsa key without a passphrase.
func newRSAPerson(t *testing.T) person {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return sshPerson(t, key)
}

func sshPerson(t *testing.T, key crypto.PrivateKey) person {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	p := person{identity: string(pem.EncodeToMemory(block)), keyFile: filepath.Join(t.TempDir(), "id_ssh")}
	p.recipient = identitiesOf(t, p.identity)[0].Recipient().String()
	writeFile(t, p.keyFile, p.identity)
	return p
}

func writeFile(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// world is what a test's provider lives in: an environment, an operator, a clock
// and a Vultr account. With AGEENV_LIVE=1 and VULTR_API_KEY the account is the real
// one; sim is nil then, and tests that need to act behind the provider's back skip.
type world struct {
	t        testing.TB
	operator person
	env      map[string]string
	now      func() time.Time
	sim      *vultrsim.Server
}

// inParallel are the tests that run beside others. To say it twice is a panic.
var inParallel sync.Map

const simKey = "SIMULATORKEY0123456789"

// A test in a world of its own runs beside others: it waits for processes most of
// the time.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	if _, again := inParallel.LoadOrStore(tb, true); !again {
		if t, ok := tb.(*testing.T); ok { // a benchmark runs alone
			t.Parallel()
		}
	}
	return newWorldWith(tb, vultrsim.Options{})
}

// newWorldWith is newWorld with a simulator of these options.
func newWorldWith(tb testing.TB, o vultrsim.Options) *world {
	tb.Helper()
	w := &world{t: tb, operator: newPerson(tb), now: time.Now}
	w.env = map[string]string{
		"HOME":              tb.TempDir(),
		"SOPS_AGE_KEY_FILE": w.operator.keyFile,
	}
	if os.Getenv("AGEENV_LIVE") == "1" && os.Getenv("VULTR_API_KEY") != "" {
		w.env["VULTR_API_KEY"] = os.Getenv("VULTR_API_KEY")
		return w
	}
	o.APIKey = simKey
	w.sim = vultrsim.New(o)
	url, stop, err := w.sim.Start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(stop)
	w.env["VULTR_API_KEY"], w.env["VULTR_API_URL"] = simKey, url
	return w
}

// simulator returns the simulator, or skips the test where the account is live.
func (w *world) simulator() *vultrsim.Server {
	w.t.Helper()
	if w.sim == nil {
		w.t.Skip("acts behind the provider's back, which is for the simulator only")
	}
	return w.sim
}

// factories are providers that read the world's environment each time they start.
func (w *world) factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"ageenv": func() (tfprotov6.ProviderServer, error) {
			environment := provider.ReadEnvironment(func(name string) (string, bool) { v, ok := w.env[name]; return v, ok })
			p := provider.New(provider.Options{Version: "test", Environment: environment, Now: func() time.Time { return w.now() }})()
			return provider.NewServer(p), nil
		},
		"echo": echoprovider.NewProviderServer(),
	}
}

// config puts a provider block with the operator as escrow before the text.
func (w *world) config(text string) string {
	return w.escrowConfig([]string{w.operator.recipient}, text)
}

// escrowConfig is config with other operators.
func (w *world) escrowConfig(recipients []string, text string) string {
	return fmt.Sprintf("provider \"ageenv\" {\n  escrow_recipients = [\"%s\"]\n%s}\n%s", strings.Join(recipients, `", "`), fastVultr(w.sim != nil), text)
}

// fastVultr lifts the rate limit where no real API is behind it.
func fastVultr(simulated bool) string {
	if !simulated {
		return ""
	}
	return "  vultr = { requests_per_second = 5000 }\n"
}
