// Command ageplugin is an age plugin for tests, made with age's own framework. Its keys
// are X25519 keys, and what they hold in addition says how the plugin behaves.
//
// The program is to be named age-plugin-NAME, for any NAME, and writes what it is given
// into its own directory: calls, unwraps, argv, environ, files (open ones), filekeys.
//
//   - main.go: the program, and its keys
//   - behavior.go: what a key does before it answers
//   - process_unix.go, process_windows.go: sessions, signals and core files
package main

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// stanzaType marks what this plugin wraps, whatever its name.
const stanzaType = "ageenv-test"

// canary begins what the plugin says in errors, prompts and messages. Nothing of it may
// be shown, nor reach a terminal, whose title and colors it would change.
const canary = "\x1b[31m\x1b]0;PLUGIN-CANARY\x07PLUGIN-CANARY"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "sleep" {
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		time.Sleep(time.Hour)
	}
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(os.Args[0]), "age-plugin-"), ".exe")
	p, err := plugin.New(name)
	if err != nil {
		panic(err)
	}
	b := behavior{plugin: p, program: program, directory: filepath.Dir(program)}
	generate := flag.String("generate", "", "print a key file whose key behaves like this")
	p.RegisterFlags(nil)
	flag.Parse()
	if *generate != "" {
		b.generate(name, *generate)
		return
	}
	b.note("calls", strings.Join(os.Args[1:], " "))
	b.note("argv", strings.Join(os.Args, "\n"))
	b.note("files", openFiles())
	b.note("environ", strings.Join(os.Environ(), "\n"))
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return b.key(data, "recipient") })
	p.HandleIdentity(func(data []byte) (age.Identity, error) { return b.key(data, "identity") })
	code := p.Main()
	if lingers {
		time.Sleep(time.Hour)
	}
	os.Exit(code)
}

// lingers is whether the plugin stays after it has answered.
var lingers bool

type behavior struct {
	plugin             *plugin.Plugin
	program, directory string
}

// note appends to a file next to the program.
func (b behavior) note(name, text string) {
	f, err := os.OpenFile(filepath.Join(b.directory, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(text + "\n")
	_ = f.Close()
}

// openFiles lists the files that were open when the program started.
func openFiles() string {
	var found []string
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && filepath.IsAbs(target) {
			found = append(found, target)
		}
	}
	return strings.Join(found, "\n")
}

func (b behavior) generate(name, mode string) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		panic(err)
	}
	fmt.Printf("# public key: %s\n%s\n",
		plugin.EncodeRecipient(name, []byte(mode+"\n"+id.Recipient().String())),
		plugin.EncodeIdentity(name, []byte(mode+"\n"+id.String())))
}

// key is a recipient or an identity.
type key struct {
	behavior
	mode      string
	recipient *age.X25519Recipient
	identity  *age.X25519Identity
}

func (b behavior) key(data []byte, role string) (*key, error) {
	modes, text, _ := strings.Cut(string(data), "\n")
	k := &key{behavior: b}
	// "hang" hangs at unwrapping, "wrap-hang" at wrapping.
	switch wrapMode, forWrap := strings.CutPrefix(modes, "wrap-"); {
	case forWrap == (role == "recipient"):
		k.mode = wrapMode
	default:
		k.mode = "works"
	}
	var err error
	if role == "recipient" {
		k.recipient, err = age.ParseX25519Recipient(text)
	} else {
		k.identity, err = age.ParseX25519Identity(text)
	}
	return k, err
}

func (k *key) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	if err := k.behave(); err != nil {
		return nil, nil, err
	}
	k.note("filekeys", hex.EncodeToString(fileKey))
	stanzas, err := k.recipient.Wrap(fileKey)
	if err != nil {
		return nil, nil, err
	}
	stanzas[0].Type = stanzaType
	extra := func(name string, body []byte, args ...string) {
		stanzas = append(stanzas, &age.Stanza{Type: name, Args: args, Body: body})
	}
	switch k.mode {
	case "postquantum":
		return stanzas, []string{"postquantum"}, nil
	case "native": // as age's own recipient would
		stanzas[0].Type = "X25519"
	case "other-key":
		stanzas, err = k.recipient.Wrap([]byte("another file key"))
		return stanzas, nil, err
	case "scrypt":
		extra("scrypt", make([]byte, 32), "AAAAAAAAAAAAAAAAAAAAAA", "18")
	case "bad-x25519":
		extra("X25519", nil)
	case "low-order":
		extra("X25519", make([]byte, 32), strings.Repeat("A", 43))
	case "bad-hybrid":
		extra("mlkem768x25519", nil)
	case "bad-ed25519":
		extra("ssh-ed25519", nil)
	case "bad-rsa":
		extra("ssh-rsa", nil, "a", "b")
	case "large":
		for range 32 {
			stanzas = append(stanzas, &age.Stanza{Type: stanzaType, Body: make([]byte, 64<<10)})
		}
	case "many":
		for range 100 {
			stanzas = append(stanzas, stanzas[0])
		}
	}
	return stanzas, nil, nil
}

func (k *key) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := k.WrapWithLabels(fileKey)
	return stanzas, err
}

func (k *key) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != stanzaType {
			continue
		}
		own := &age.Stanza{Type: "X25519", Args: s.Args, Body: s.Body}
		fileKey, err := k.identity.Unwrap([]*age.Stanza{own})
		if err != nil {
			continue
		}
		k.note("unwraps", "one")
		k.note("filekeys", hex.EncodeToString(fileKey))
		if err := k.behave(); err != nil {
			return nil, err
		}
		switch k.mode {
		case "wrong":
			_, _ = rand.Read(fileKey)
		case "short":
			fileKey = fileKey[:15]
		case "empty":
			fileKey = []byte{}
		}
		return fileKey, nil
	}
	return nil, age.ErrIncorrectIdentity
}
