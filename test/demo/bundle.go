package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// sopsVariable names the sops to try the bundle with, as in the tests.
const sopsVariable = "AGEENV_TEST_SOPS"

// findSOPS returns the real sops, or nothing if there is none.
func findSOPS() string {
	if path := os.Getenv(sopsVariable); path != "" {
		return path
	}
	path, err := exec.LookPath("sops")
	if err != nil {
		return ""
	}
	return path
}

// openWithSOPS has the real program decrypt and verify a file, with the
// operator's key file.
func (d *demo) openWithSOPS(ctx context.Context, program, file string) (secret.Text, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return secret.Text{}, err
	}
	home := filepath.Join(d.dir, "home")
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "SOPS_AGE_KEY_FILE=" + d.keyFile}
	r, err := stage.Run(ctx, stage.Command(ctx, filepath.Dir(file), env, program, "-d", filepath.Base(file)))
	switch {
	case err != nil:
		return secret.Text{}, err
	case r.Code != 0:
		return secret.Text{}, fmt.Errorf("sops -d ended with code %d", r.Code)
	}
	return secret.New(string(r.Stdout)), nil
}

// openedEntries decrypts a bundle with this repository's reader and reads the
// text as docker compose does.
func openedEntries(bundle string, by agekey.Identity) (map[string]secret.Text, error) {
	plain, err := sops.Decrypt(bundle, []agekey.Identity{by}, sops.Options{})
	if err != nil {
		return nil, err
	}
	return readAsCompose(plain.Text)
}

// dataKey returns the key that a bundle's values are encrypted with. It reads the
// metadata by itself, so that rotation is not judged by the code that does it.
func dataKey(bundle string, by agekey.Identity) (secret.Text, error) {
	for line := range strings.SplitSeq(bundle, "\n") {
		name, wrapped, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "sops_age__list_") || !strings.HasSuffix(name, "__map_enc") {
			continue
		}
		armored := strings.ReplaceAll(wrapped, `\n`, "\n")
		opened, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), by.Age())
		var other *age.NoIdentityMatchError
		if errors.As(err, &other) {
			continue
		}
		if err != nil {
			return secret.Text{}, errors.New("a wrapped data key can't be read")
		}
		var key bytes.Buffer
		if _, err := io.Copy(&key, opened); err != nil {
			return secret.Text{}, errors.New("a wrapped data key is cut off")
		}
		return secret.New(key.String()), nil
	}
	return secret.Text{}, errors.New("no data key in the bundle is wrapped to the operator")
}
