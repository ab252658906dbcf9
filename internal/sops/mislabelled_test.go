package sops_test

import (
	"strings"
	"testing"
)

// Which recipient a wrapped key names is not authenticated: it says what is tried first,
// and not what opens.
func TestMislabelledRecipients(t *testing.T) {
	one, two := x25519(t), x25519(t)
	file := encrypt(t, "A=1\n", one, two)
	first, second := one.Recipient().String(), two.Recipient().String()
	swapped := strings.NewReplacer(first, second, second, first).Replace(file)
	if swapped == file {
		t.Fatal("nothing is swapped")
	}
	if got, err := decrypt(t, swapped, two); err != nil || got != "A=1\n" {
		t.Errorf("with swapped names it gives %q, %v", got, err)
	}
	bothFirst := strings.ReplaceAll(file, second, first)
	if got, err := decrypt(t, bothFirst, one); err != nil || got != "A=1\n" {
		t.Errorf("the first of two with one name: %q, %v", got, err)
	}
	if got, err := decrypt(t, bothFirst, two); err != nil || got != "A=1\n" {
		t.Errorf("the second, with the name of the first: %q, %v", got, err)
	}
}
