package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// use has Terraform run with the identity of one operator, and the account's API key,
// for the operators of these names.
func (d *drill) use(who string, operators ...string) {
	var recipients, services []string
	for _, name := range operators {
		recipients = append(recipients, d.people[name].Recipient().String())
	}
	services = d.serviceNames()
	d.cli.Env = append(stage.QuietEnvironment(filepath.Join(d.dir, "home"), filepath.Join(d.dir, "tmp")),
		"VULTR_API_URL="+d.url, "VULTR_API_KEY="+d.apiKey, "SOPS_AGE_KEY_FILE="+filepath.Join(d.dir, "keys", who),
		"TF_VAR_operators="+`["`+strings.Join(recipients, `","`)+`"]`,
		"TF_VAR_services="+`["`+strings.Join(services, `","`)+`"]`,
		"TF_VAR_inputs="+filepath.Join(d.dir, "inputs"),
	)
}

// stateFile is where the CLI keeps the state.
func (d *drill) stateFile() string { return filepath.Join(d.cli.Dir, "terraform.tfstate") }

// event is a line of the CLI's output with -json, as far as it is looked at.
type event struct {
	Time       time.Time `json:"@timestamp"`
	Type       string    `json:"type"`
	Diagnostic struct{ Severity, Summary, Detail string }
	Hook       struct {
		Action   string
		Resource struct {
			Type string `json:"resource_type"`
		}
	}
	Changes struct{ Operation string }
}

// timeline is when a run did what.
type timeline struct {
	began, ended time.Time
	events       []event
}

// apply runs terraform apply and reads the state that it left.
func (d *drill) apply(ctx context.Context, args ...string) (timeline, error) {
	t := timeline{began: time.Now()}
	r, err := d.cli.Run(ctx, append([]string{"apply", "-json", "-auto-approve"}, args...)...)
	t.ended = time.Now()
	if err != nil {
		return t, err
	}
	if t.events, err = readEvents(r.Stdout); err != nil {
		return t, err
	}
	if r.Code != 0 {
		return t, &stage.Fault{Command: filepath.Base(d.cli.Path) + " apply", Code: r.Code, Said: t.said()}
	}
	d.now, err = readFleet(d.stateFile())
	return t, err
}

func readEvents(output []byte) (events []event, err error) {
	for line := range bytes.Lines(output) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, errors.New("the CLI's output is not a JSON document per line")
		}
		events = append(events, e)
	}
	return events, nil
}

// said is what a run said of what went wrong.
func (t timeline) said() string {
	var text strings.Builder
	for _, e := range t.events {
		if e.Type == "diagnostic" && e.Diagnostic.Severity == "error" {
			fmt.Fprintf(&text, "Error: %s\n%s\n", e.Diagnostic.Summary, e.Diagnostic.Detail)
		}
	}
	return text.String()
}

// done are the times at which a run finished doing something to resources of a type.
func (t timeline) done(kind string, actions ...string) (times []time.Time) {
	for _, e := range t.events {
		if e.Type == "apply_complete" && e.Hook.Resource.Type == kind && slices.Contains(actions, e.Hook.Action) {
			times = append(times, e.Time)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// The resources that are looked at.
const (
	keyType    = "ageenv_key"
	bundleType = "ageenv_bundle"
	scriptType = "ageenv_vultr_startup_script"
)

// encrypted is how long it took until every bundle was encrypted anew, replaced until
// every script had a successor.
func (t timeline) encrypted() (took time.Duration, bundles int) {
	times := t.done(bundleType, "update", "create")
	if len(times) == 0 {
		return 0, 0
	}
	return times[len(times)-1].Sub(t.began), len(times)
}

func (t timeline) replaced() (took time.Duration, scripts int) {
	times := t.done(scriptType, "create")
	if len(times) == 0 {
		return 0, 0
	}
	return times[len(times)-1].Sub(t.began), len(times)
}

// show prints when what was done, from the command on.
func (t timeline) show(r *stage.Report) {
	type row struct {
		at   time.Time
		what string
	}
	rows := []row{{t.began, "the command"}, {t.ended, "the command has ended"}}
	for _, e := range t.events {
		if e.Type == "change_summary" && e.Changes.Operation == "plan" {
			rows = append(rows, row{e.Time, "planned"})
		}
	}
	for _, of := range []struct{ kind, action, one, first, last string }{
		{keyType, "create", "the new key", "the first new key", "the last of %d new keys"},
		{keyType, "update", "the key wrapped anew", "the first key wrapped anew", "the last of %d keys wrapped anew"},
		{bundleType, "update", "the bundle encrypted anew", "the first bundle encrypted anew", "the last of %d bundles encrypted anew"},
		{scriptType, "update", "the script changed in place", "the first script changed in place", "the last of %d scripts changed in place"},
		{scriptType, "create", "the new script", "the first new script", "the last of %d new scripts"},
		{scriptType, "delete", "the old script gone", "the first old script gone", "the last of %d old scripts gone"},
	} {
		switch times := t.done(of.kind, of.action); len(times) {
		case 0:
		case 1:
			rows = append(rows, row{times[0], of.one})
		default:
			rows = append(rows, row{times[0], of.first}, row{times[len(times)-1], fmt.Sprintf(of.last, len(times))})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.at.Compare(b.at) })
	for _, row := range rows {
		r.Line("%s  +%6.2f s  %s", row.at.UTC().Format("15:04:05.000"), row.at.Sub(t.began).Seconds(), row.what)
	}
}

// planEmpty is an error if a plan has changes.
func (d *drill) planEmpty(ctx context.Context) error {
	const changes = 2
	r, err := d.cli.Run(ctx, "plan", "-json", "-detailed-exitcode")
	switch {
	case err != nil:
		return err
	case r.Code == changes:
		return errors.New("the next plan is not empty")
	case r.Code != 0:
		events, err := readEvents(r.Stdout)
		if err != nil {
			return err
		}
		return &stage.Fault{Command: filepath.Base(d.cli.Path) + " plan", Code: r.Code, Said: timeline{events: events}.said()}
	}
	d.Line("the next plan is empty")
	return nil
}
