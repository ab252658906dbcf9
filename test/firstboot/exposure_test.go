package firstboot_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// How long another user can read the script, at a boot of nothing else: the seconds in
// templates/guides/threat-model.md are from here.
func TestExposure(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) { exposure(t, newMachine(t, release), release) })
	}
}

func exposure(t *testing.T, m *machine, release string) {
	t.Helper()
	identity := newIdentity(t)
	m.metadata["vendor-data"] = fenced(t, firstboot.Params{
		Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
	})
	m.spies()
	m.boot(2, "systemctl stop window.service\n")
	m.wantWindow()
	if window := m.left("window"); release != "12" && strings.Contains(window, "/cloud-init") {
		t.Errorf("another user reads a copy of cloud-init's:\n%s", window)
	}
}

// wantWindow asserts that window.py has found the metadata service open at the first
// boot only, at no moment of the second, and logs how long everything was readable.
func (m *machine) wantWindow() {
	m.t.Helper()
	window := m.left("window")
	if !strings.Contains(window, "boot 1: the metadata service by a bound socket is readable") || !strings.Contains(window, "boot 2: watched for ") ||
		strings.Contains(window, "boot 2: the metadata service") {
		m.t.Error("not what another user should find, who looks all the time:")
	}
	m.t.Logf("readable by another user:\n%s", window)
}
