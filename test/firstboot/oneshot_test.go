package firstboot_test

import (
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/firstboot"
)

// A unit that does its work and ends, as a migration of a database, is done then: nothing
// waits for it to be active. One whose condition does not hold is skipped by systemd.
func TestUnitThatEnds(t *testing.T) {
	for _, release := range releases {
		t.Run("debian "+release, func(t *testing.T) {
			identity := newIdentity(t)
			m := newMachine(t, release)
			m.metadata["vendor-data"] = render(t, firstboot.Params{
				Files: []firstboot.File{sealed(t, identity, "/srv/app/.env", "A=1")}, Identity: secretOf(identity),
				RestartUnits: []string{"migrate.service", "skipped.service"},
				RunAfter:     []string{"echo ran >>/test/ran"},
			})
			m.unit("migrate.service", "multi-user.target", "[Service]\nType=oneshot\nEnvironmentFile=-/srv/app/.env\nExecStart=/bin/sh -c 'echo A=$A >>/test/%N'\n")
			m.unit("skipped.service", "multi-user.target", "[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/bin/sleep infinity\n")
			out := m.boot(1, eventually+`
grep -E '"(result|reason|exit_code)"' /var/lib/ageenv/status.json
cat /var/lib/ageenv/pending
grep ageenv /var/log/cloud-init-output.log
`)
			m.wantLines("the box", out[0], `  "result": "ok",`, `  "reason": "",`)
			if got := m.left("migrate"); !strings.HasSuffix(got, "A=1\n") || m.left("ran") != "ran\n" {
				t.Errorf("migrate.service: %q, the command after it: %q", got, m.left("ran"))
			}
		})
	}
}
