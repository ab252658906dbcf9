package firstboot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var benchSizes = []int{1 << 10, 4 << 10, 64 << 10}

func BenchmarkRender(b *testing.B) {
	identity := newIdentity(b)
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			p := Params{
				Files:    []File{fileOf(b, identity, "/etc/app/.env", strings.Repeat("x", size))},
				Identity: secret.New(identity.String()),
			}
			var script secret.Text
			for b.Loop() {
				var err error
				if script, err = Render(p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(script.Len()), "script-bytes")
		})
	}
}

// From the start of the shell to its end, the file new each time; and what travels,
// against what the file has.
func BenchmarkRun(b *testing.B) {
	identity := newIdentity(b)
	for _, with := range []struct {
		name string
		has  int
	}{{"age", hasAge}, {"reader", hasPython}} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%s/%dKiB", with.name, size>>10), func(b *testing.B) {
				box := newBox(b, with.has)
				script := mustRender(b, identity, fileOf(b, identity, "/etc/app/.env", strings.Repeat("x", size)))
				for b.Loop() {
					box.put("/etc/app/.env", "old", 0o600)
					box.drop(script)
				}
				b.ReportMetric(float64(script.Len()), "script-bytes")
				b.ReportMetric(float64(script.Len())/float64(size), "script/input")
			})
		}
	}
}
