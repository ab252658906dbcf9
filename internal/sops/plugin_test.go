package sops_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// TestPluginIsAskedOnce: a file has the data key wrapped for each recipient by itself, and
// a plugin gets all of them at once.
func TestPluginIsAskedOnce(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	hard, soft := p.Identity("works"), x25519(t)
	ids := []agekey.Identity{p.Identity("works"), p.Identity("works"), soft, hard}
	file := encrypt(t, "A=one\n", ids...)
	p.Forget()
	if got, err := decrypt(t, file, x25519(t), hard); err != nil || got != "A=one\n" {
		t.Errorf("got %q and %v", got, err)
	}
	if calls := p.Noted("calls"); len(calls) != 1 {
		t.Errorf("the plugin was started %d times, want once", len(calls))
	}
	p.Forget()
	if got, err := decrypt(t, file, hard, soft); err != nil || got != "A=one\n" {
		t.Errorf("got %q and %v", got, err)
	}
	if calls := p.Noted("calls"); len(calls) != 0 {
		t.Errorf("the plugin was started though another identity opens the file: %q", calls)
	}
	meta, err := sops.ReadMetadata(file)
	if err != nil || len(meta.Recipients) != 4 || meta.Recipients[3] != hard.Recipient().String() {
		t.Errorf("recipients %q, %v", meta.Recipients, err)
	}
}

// TestPluginThatFails: the error is the plugin's, and counts as one of a file that
// nothing here opens.
func TestPluginThatFails(t *testing.T) {
	p := agekeytest.NewPlugin(t)
	hard, soft := p.Identity("refuse"), x25519(t)
	file := encrypt(t, "A=one\n", hard, soft)
	_, err := decrypt(t, file, hard)
	if !errors.Is(err, agekey.ErrNoMatch) || !agekey.PluginFailed(err) || strings.Contains(err.Error(), agekeytest.PluginCanary) {
		t.Errorf("got %v", err)
	}
	// A wrapped key that is damaged is not for the plugin, and hides no failure of it.
	enc := lineOf(t, file, "sops_age__list_1__map_enc=")
	damaged := replaced(t, file, enc, enc[:len(enc)/2]+"A"+enc[len(enc)/2:])
	if _, err := decrypt(t, damaged, hard); !agekey.PluginFailed(err) {
		t.Errorf("beside a damaged key: %v", err)
	}
	if _, err := decrypt(t, damaged, p.Identity("works")); !errors.Is(err, sops.ErrTampered) {
		t.Errorf("only a damaged key and a stranger's plugin: %v", err)
	}
}

// TestPluginOfAGroup: the error of key groups says what the plugin did.
func TestPluginOfAGroup(t *testing.T) {
	c := realSOPS(t)
	p := agekeytest.NewPlugin(t)
	c.env = append(c.env, "PATH="+p.Dir())
	for mode, says := range map[string]string{"works": "", "pin": "asked for a PIN"} {
		hard, soft := p.Identity(mode), x25519(t)
		c.file(t, ".sops.yaml", "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: ["+hard.Recipient().String()+"]\n      - age: ["+soft.Recipient().String()+"]\n")
		file, err := c.run(t, "--encrypt", c.file(t, "plain.env", "A=one\n"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := decrypt(t, file, soft, hard)
		switch {
		case says == "" && (err != nil || got != "A=one\n"):
			t.Errorf("got %q and %v", got, err)
		case says != "" && (!errors.Is(err, agekey.ErrNoMatch) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "Opened: group 2")):
			t.Errorf("got %v", err)
		}
	}
}

// TestPluginOfANeedlessGroup: nobody is asked for a group that is not needed.
func TestPluginOfANeedlessGroup(t *testing.T) {
	c := realSOPS(t)
	p := agekeytest.NewPlugin(t)
	c.env = append(c.env, "PATH="+p.Dir())
	hard, one, two := p.Identity("refuse"), x25519(t), x25519(t)
	groups := "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n"
	for _, id := range []agekey.Identity{hard, one, two} {
		groups += "      - age: [" + id.Recipient().String() + "]\n"
	}
	c.file(t, ".sops.yaml", groups)
	file, err := c.run(t, "--encrypt", c.file(t, "plain.env", "A=one\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.Forget()
	if got, err := decrypt(t, file, hard, one, two); err != nil || got != "A=one\n" {
		t.Errorf("got %q and %v", got, err)
	}
	if calls := p.Noted("calls"); len(calls) != 0 {
		t.Errorf("the plugin was started %d times, and two other groups open the file", len(calls))
	}
}
