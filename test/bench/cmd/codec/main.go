// Command codec encrypts and decrypts a file with the provider's packages, to be compared
// with the commands of sops and age as a process.
//
//	codec encrypt sops_dotenv|age_dotenv RECIPIENT IN OUT
//	codec decrypt sops_dotenv|age_dotenv KEY_FILE IN OUT
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "codec:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return errors.New("usage: codec encrypt|decrypt FORMAT RECIPIENT|KEY_FILE IN OUT")
	}
	in, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	var out string
	if format := bundle.Format(args[1]); args[0] == "encrypt" {
		out, err = encrypt(string(in), format, args[2])
	} else {
		out, err = decrypt(string(in), format, args[2])
	}
	if err != nil {
		return err
	}
	return os.WriteFile(args[4], []byte(out), 0o600)
}

func encrypt(text string, format bundle.Format, recipient string) (string, error) {
	to, err := agekey.ParseRecipient(recipient)
	if err != nil {
		return "", err
	}
	return bundle.Seal(bundle.Content{Text: secret.New(text)}, bundle.Params{Format: format, Recipients: []agekey.Recipient{to}}, time.Now())
}

func decrypt(text string, format bundle.Format, keyFile string) (string, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return "", err
	}
	ids, err := agekey.ParseIdentities(secret.New(string(key)))
	if err != nil {
		return "", err
	}
	opened, err := bundle.Source{Format: format}.Open(text, ids)
	return opened.Text.Reveal(), err
}
