package provider_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkEntries counts what a bundle of many entries costs: CPU seconds of Terraform
// and the provider together, per command. They grow with the number of entries, and not
// with its square; at 5,000 each command takes less than 10.
func BenchmarkEntries(b *testing.B) {
	for _, count := range []int{1, 1000, 5000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			spent := map[string]time.Duration{}
			for range b.N {
				entriesRun(b, count, spent)
			}
			for command, cpu := range spent {
				b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/"+command)
			}
		})
	}
}

// entriesRun makes, changes and destroys a bundle of so many entries.
func entriesRun(b *testing.B, count int, spent map[string]time.Duration) {
	b.Helper()
	w := newWorld(b)
	cli := newCLI(b, w)
	entries := map[string]string{}
	for i := range count - 1 {
		entries[fmt.Sprintf("ENTRY_%d", i)] = fmt.Sprintf("value %d", i)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		b.Fatal(err)
	}
	writeFile(b, filepath.Join(cli.dir, "entries.json"), string(text))
	config := func(last string) string {
		return bundleConfig(w, fmt.Sprintf(`entries_wo = merge(jsondecode(file("entries.json")), { LAST = %q })`, last), bundleRecipients(newPerson(b)))
	}
	// Another recipient with every configuration: each entry is encrypted again.
	run := func(name string, args ...string) {
		b.Helper()
		cmd := cli.command(args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v\n%s", name, err, out)
		}
		spent[name] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	plan := filepath.Join(b.TempDir(), "tfplan")
	cli.write(config("first"))
	run("plan-new", "plan", "-out="+plan)
	run("apply-new", "apply", plan)
	run("plan-unchanged", "plan", "-detailed-exitcode")
	cli.write(config("second"))
	run("plan-changed", "plan", "-out="+plan)
	run("apply-changed", "apply", plan)
	run("destroy", "destroy", "-auto-approve")
}
