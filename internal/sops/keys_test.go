package sops_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// With key groups it takes an identity of as many of them as the threshold says.
func TestKeyGroups(t *testing.T) {
	c := realSOPS(t)
	one, two, three, spare := x25519(t), hybrid(t), x25519(t), x25519(t)
	c.file(t, ".sops.yaml", fmt.Sprintf(`creation_rules:
  - shamir_threshold: 2
    key_groups:
      - age: [%s, %s]
      - age: [%s]
      - age: [%s]
`, one.Recipient(), spare.Recipient(), two.Recipient(), three.Recipient()))
	for file, text := range map[string]string{"a.env": "A=1\nB=2\n", "a.json": `{"A": "1"}`, "a.yaml": "A: x\n", "a.ini": "[s]\na = b\n", "a.bin": "bytes\n"} {
		t.Run(file, func(t *testing.T) {
			sealed, err := c.run(t, "--encrypt", c.file(t, file, text))
			if err != nil {
				t.Fatal(err)
			}
			meta, err := sops.ReadMetadata(sealed)
			if err != nil || len(meta.Recipients) != 4 {
				t.Fatalf("the metadata shows %q, %v", meta.Recipients, err)
			}
			for name, tt := range map[string]struct {
				ids  []agekey.Identity
				open bool
				says string
			}{
				"first and second": {[]agekey.Identity{one, two}, true, ""},
				"spare and third":  {[]agekey.Identity{spare, three}, true, ""},
				"second and third": {[]agekey.Identity{three, two}, true, ""},
				"all":              {[]agekey.Identity{three, one, two, spare}, true, ""},
				"one group alone": {[]agekey.Identity{one, spare}, false, "its data key is split among 3 key groups, and it takes an identity of 2 of them. Opened: group 1. " +
					"Not opened: group 2 (age1pq1" + two.Recipient().String()[7:24] + "…), group 3 (" + three.Recipient().String() + "): none of the identities opens it"},
				"nobody": {nil, false, "Opened: none. Not opened: group 1 (" + one.Recipient().String() + ", " + spare.Recipient().String() + "), group 2"},
			} {
				plain, err := sops.Decrypt(sealed, tt.ids, sops.Options{})
				if (err == nil) != tt.open {
					t.Errorf("%s: %v", name, err)
				}
				if !tt.open && (!errors.Is(err, agekey.ErrNoMatch) || !strings.Contains(err.Error(), tt.says)) {
					t.Errorf("%s: the error is %v, want %s", name, err, tt.says)
				}
				if err == nil && strings.TrimSpace(plain.Text.Reveal()) == "" {
					t.Errorf("%s: nothing came back", name)
				}
			}
		})
	}
}

// An old sops makes the groups of X25519 alone, and the error says the same of them.
func TestKeyGroupsOfBothReleases(t *testing.T) {
	one, two := x25519(t), x25519(t)
	for release, c := range releases {
		t.Run(release, func(t *testing.T) {
			c := c(t)
			c.file(t, ".sops.yaml", fmt.Sprintf("creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n", one.Recipient(), two.Recipient()))
			for file, text := range map[string]string{"a.env": "A=1\n", "a.json": `{"A": "1"}`, "a.yaml": "A: x\n", "a.ini": "[s]\na = b\n", "a.bin": "bytes\n"} {
				if release == "oldest" && (file == "a.env" || file == "a.ini") {
					continue // 3.8.1 fails over the threshold in dotenv, and writes one into INI that no release reads
				}
				sealed, err := c.run(t, "--encrypt", c.file(t, file, text))
				if err != nil {
					t.Fatal(err)
				}
				if plain, err := sops.Decrypt(sealed, []agekey.Identity{two, one}, sops.Options{}); err != nil || plain.Text.IsEmpty() {
					t.Errorf("%s: %v", file, err)
				}
				_, err = sops.Decrypt(sealed, []agekey.Identity{two}, sops.Options{})
				if want := "Opened: group 2. Not opened: group 1 (" + one.Recipient().String() + ")"; !errors.Is(err, agekey.ErrNoMatch) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: the error is %v, want %s", file, err, want)
				}
			}
		})
	}
}

// sops finds the user's SSH key in ~/.ssh, and so do we. The old one takes no SSH recipients.
func TestUserSSHKeyAsSOPSFindsIt(t *testing.T) {
	c := realSOPS(t)
	for name, id := range map[string]agekey.Identity{"id_ed25519": sshEd25519(t), "id_rsa": agekeytest.SSHRSA(t)} {
		t.Run(name, func(t *testing.T) {
			c := c
			home := t.TempDir()
			if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(id.Text().Reveal()), 0o600); err != nil {
				t.Fatal(err)
			}
			sealed := c.encrypted(t, "a.yaml", "A: x\n", id)
			c.env = []string{"HOME=" + home}
			if out, err := c.run(t, "-d", c.file(t, "sealed.yaml", sealed)); err != nil || out != "A: x\n" {
				t.Errorf("sops gives %q, %v", out, err)
			}
			ring := agekey.SourcesFromEnvironment(func(name string) (string, bool) { return home, name == "HOME" }).Load(t.Context())
			if plain, err := sops.Decrypt(sealed, ring.Identities, sops.Options{}); err != nil || plain.Text.Reveal() != "A: x\n" {
				t.Errorf("we give %v (problems %q)", err, ring.Problems)
			}
		})
	}
}
