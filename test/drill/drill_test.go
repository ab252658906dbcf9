package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// needTerraform skips where acceptance tests were not asked for.
func needTerraform(t *testing.T) {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("runs a real Terraform or OpenTofu: set TF_ACC=1, and AGEENV_CLI to choose one")
	}
}

// runDrill runs it small, with a directory for temporary files of its own, which has
// to be empty again afterwards.
func runDrill(ctx context.Context, t *testing.T, services int, list []step, watch io.Writer) (string, error) {
	t.Helper()
	provider := providerDir(t) // not below the directory that has to be empty
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	err := run(ctx, options{services: services, provider: provider, out: io.MultiWriter(&out, watch)}, list)
	left, readErr := os.ReadDir(os.Getenv("TMPDIR"))
	if readErr != nil {
		t.Fatal(readErr)
	}
	for _, entry := range left {
		// The go command has its own, which it removes in its own time.
		if strings.HasPrefix(entry.Name(), "ageenv-") {
			t.Errorf("%s is left", entry.Name())
		}
	}
	return out.String(), err
}

var built struct {
	once sync.Once
	dir  string
	err  error
}

// providerDir has the provider, built once for all tests.
func providerDir(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "drill-test-"); built.err == nil { //nolint:usetesting // outlives the first test that needs it
			built.err = buildProvider(context.Background(), built.dir)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

// TestMain removes what was built for the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func TestAccDrill(t *testing.T) {
	needTerraform(t)
	said, err := runDrill(t.Context(), t, 5, steps, io.Discard)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{
		"it opens 5 bundles: 20 values", "the last of 5 bundles encrypted anew", "the last of 5 new scripts", "the last of 5 old scripts gone",
		"of 20 that could be read, not changed since: 20 values, of 5 services", "not changed since: 1 value, of 1 service",
		"20 values could be read, and each has changed since", "the bystander is the same, byte for byte",
		"it unwraps 2 keys and opens 6 bundles", "with the old state it opens 6 bundles of now", "with the old state it opens none",
		"24 values could be read, and each has changed since", "(status 401)", "the planted script is gone",
		"a leaked key               every script replaced", "a leaked operator          every script replaced", "a leaked API key           every script replaced",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q was not said", want)
		}
	}
	for i, s := range steps {
		if !strings.Contains(said, fmt.Sprintf("%2d/%d %s\n", i+1, len(steps), s.name)) {
			t.Errorf("step %d, %s, was not said", i+1, s.name)
		}
	}
	if t.Failed() {
		t.Log(said)
	}
}

// errEnough ends a run that has shown what it was to show.
var errEnough = errors.New("enough")

// TestAccSabotage spoils what a step looks at, and the step has to fail then: none says
// that all is well without having looked. It is one run, in which what was spoiled is
// put right again.
func TestAccSabotage(t *testing.T) {
	needTerraform(t)
	const one, two = "service-001", "service-002"
	tests := []struct {
		name  string
		step  string
		spoil func(d *drill) (restore func())
		want  string
	}{
		{"a bundle that still opens", "key: check", func(d *drill) func() {
			s := d.now.services[one]
			d.now.services[one] = d.before.services[one]
			return func() { d.now.services[one] = s }
		}, "the leaked identity opens 1 bundle, service-001 first"},
		{"a script that was not replaced", "key: check", func(d *drill) func() {
			s := d.before.services[two]
			d.before.services[two] = service{s.Ciphertext, s.ChangedAt, d.now.services[two].scriptID}
			return func() { d.before.services[two] = s }
		}, "the script of service-002 was not replaced"},
		{"an old script that is left", "key: check", func(d *drill) func() {
			s := d.before.services[two]
			d.before.services[two] = service{s.Ciphertext, s.ChangedAt, d.now.services[one].scriptID}
			return func() { d.before.services[two] = s }
		}, "the old script of service-002 is still in the account"},
		{"another script in the account", "key: check", func(d *drill) func() {
			id := d.account.Add("not ours", planted).ID
			return func() { d.account.Remove(id) }
		}, "the account has 4 scripts, and the state has 3"},
		{"another bystander", "key: check", func(d *drill) func() {
			address := bundleType + " " + bystander
			raw := d.before.raw[address]
			d.before.raw[address] += " "
			return func() { d.before.raw[address] = raw }
		}, "the bystander's ageenv_bundle changed"},
		{"a bundle that lost a value", "key: check", func(d *drill) func() {
			was := d.values[one]["API_TOKEN"]
			delete(d.values[one], "API_TOKEN")
			return func() { d.values[one]["API_TOKEN"] = was }
		}, "the bundle of service-001 does not hold what was written"},
		{"a value that is called changed", "key: check", func(d *drill) func() {
			at := d.before.services[one].ChangedAt["API_TOKEN"]
			d.before.services[one].ChangedAt["API_TOKEN"] = at.Add(-time.Second)
			return func() { d.before.services[one].ChangedAt["API_TOKEN"] = at }
		}, "API_TOKEN of service-001 is called changed, and only its key is"},
		{"a value that is left out of the list", "key: values", func(d *drill) func() {
			at := d.now.services[one].ChangedAt["API_TOKEN"]
			d.now.services[one].ChangedAt["API_TOKEN"] = time.Now().Add(time.Hour)
			return func() { d.now.services[one].ChangedAt["API_TOKEN"] = at }
		}, "7 values are listed, and 8 have not changed"},
	}
	var list []step
	for _, s := range steps {
		list = append(list, step{s.name, s.what, func(ctx context.Context, d *drill) error {
			for _, tt := range tests {
				if tt.step != s.name {
					continue
				}
				restore := tt.spoil(d)
				if err := s.run(ctx, d); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
				}
				restore()
			}
			if s.name == "key: values" {
				return errEnough
			}
			return s.run(ctx, d)
		}})
	}
	if said, err := runDrill(t.Context(), t, 2, list, io.Discard); !errors.Is(err, errEnough) {
		t.Errorf("%v\n%s", err, said)
	}
}

// stopAt cancels a run when it says a text.
type stopAt struct {
	text   string
	cancel context.CancelCauseFunc
}

func (s stopAt) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.text) {
		s.cancel(errInterrupted)
	}
	return len(p), nil
}

func TestAccInterrupted(t *testing.T) {
	needTerraform(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	said, err := runDrill(ctx, t, 2, steps, stopAt{" fleet\n", cancel})
	var at *stepError
	if !errors.Is(err, errInterrupted) || !errors.As(err, &at) || at.name != "fleet" {
		t.Errorf("got %v, want it to be interrupted\n%s", err, said)
	}
}

// TestUnchanged holds the list against times around the incident.
func TestUnchanged(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	since := at("2026-03-01T12:00:00.5Z")
	for name, tt := range map[string]struct {
		changed map[string]time.Time
		listed  bool
	}{
		"before":                             {map[string]time.Time{"A": at("2026-02-01T00:00:00Z")}, true},
		"in the same second, on either side": {map[string]time.Time{"A": at("2026-03-01T12:00:00Z")}, true},
		"a second later":                     {map[string]time.Time{"A": at("2026-03-01T12:00:01Z")}, false},
		"nobody knows":                       {map[string]time.Time{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			now := fleet{services: map[string]service{"s": {ChangedAt: tt.changed}}}
			if got := len(unchanged([]value{{"s", "A"}}, now, since)) == 1; got != tt.listed {
				t.Errorf("listed: %t, want %t", got, tt.listed)
			}
		})
	}
}

// TestTimeline reads what the CLI says with -json.
func TestTimeline(t *testing.T) {
	events, err := readEvents([]byte(`{"@timestamp":"2026-03-01T12:00:01Z","type":"change_summary","changes":{"operation":"plan"}}
{"@timestamp":"2026-03-01T12:00:04Z","type":"apply_complete","hook":{"resource":{"resource_type":"ageenv_bundle"},"action":"update"}}
{"@timestamp":"2026-03-01T12:00:03Z","type":"apply_complete","hook":{"resource":{"resource_type":"ageenv_bundle"},"action":"update"}}
{"@timestamp":"2026-03-01T12:00:09Z","type":"apply_complete","hook":{"resource":{"resource_type":"ageenv_vultr_startup_script"},"action":"create"}}
{"@timestamp":"2026-03-01T12:00:10Z","type":"diagnostic","diagnostic":{"severity":"error","summary":"Too bad","detail":"Do this."}}
`))
	if err != nil {
		t.Fatal(err)
	}
	began, err := time.Parse(time.RFC3339, "2026-03-01T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	line := timeline{began: began, ended: began.Add(time.Minute), events: events}
	if took, n := line.encrypted(); took != 4*time.Second || n != 2 {
		t.Errorf("encrypted %d in %s", n, took)
	}
	if took, n := line.replaced(); took != 9*time.Second || n != 1 {
		t.Errorf("replaced %d in %s", n, took)
	}
	if line.said() != "Error: Too bad\nDo this.\n" {
		t.Errorf("said %q", line.said())
	}
	if _, err := readEvents([]byte("no JSON\n")); err == nil {
		t.Error("what is no JSON is accepted")
	}
}

// TestNames: services sort in the order of their numbers, which the list is shown in.
func TestNames(t *testing.T) {
	d := &drill{options: options{services: 120}, people: map[string]agekey.Identity{}}
	if all := d.serviceNames(); len(all) != 120 || !slices.IsSorted(all) {
		t.Error("the services' names are not in order")
	}
}
