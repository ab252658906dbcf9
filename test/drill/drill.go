package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// options are what a run is asked to do.
type options struct {
	services int
	provider string // the directory of one that is built already; empty: build it
	out      io.Writer
}

// drill is what the steps know and hand on.
type drill struct {
	*stage.Report
	options options

	dir     string // private; everything is made below it
	cli     stage.CLI
	account *vultrsim.Server
	url     string
	stop    func()
	apiKey  string

	people map[string]agekey.Identity // operators, by name; each has a key file of that name
	values values

	leaked   agekey.Identity // of the incident at hand
	leakedAt time.Time
	before   fleet // the state when it was found
	now      fleet
	oldState string // a copy of the state file from then, as a backup or a bucket's versions keep it
	figures  []figure
}

// step is one thing that is done and shown.
type step struct {
	name string
	what string // a line or two for the user
	run  func(ctx context.Context, d *drill) error
}

// steps are all of them, in order.
var steps = append(append(append([]step{
	{"build", "Build the provider from this repository, and start the simulator on loopback.", prepare},
	{"fleet", "Make a fleet: services that share one key, and a bystander with a key of its own.\nTwo operators, ann and bob, can open everything.", makeFleet},
}, keyLeak...), operatorLeak...), apiLeak...)

// stepError says which step failed.
type stepError struct {
	number int
	name   string
	err    error
}

func (e *stepError) Error() string { return fmt.Sprintf("step %d, %s: %v", e.number, e.name, e.err) }
func (e *stepError) Unwrap() error { return e.err }

// errInterrupted is the cause of a run that was told to stop.
var errInterrupted = errors.New("interrupted")

// run goes through the steps and cleans up, however it ends.
func run(ctx context.Context, o options, steps []step) (err error) {
	d := &drill{Report: stage.NewReport(o.out), options: o, people: map[string]agekey.Identity{}}
	if d.dir, err = os.MkdirTemp("", "ageenv-drill-"); err != nil {
		return fmt.Errorf("no private directory can be made: %w", err)
	}
	defer func() { err = errors.Join(err, d.cleanUp()) }()
	for _, name := range []string{"bin", "home", "tmp", "keys", "inputs", "work"} {
		if err := os.Mkdir(filepath.Join(d.dir, name), 0o700); err != nil {
			return err
		}
	}
	begun := time.Now()
	for i, s := range steps {
		if ctx.Err() != nil {
			return &stepError{i + 1, s.name, context.Cause(ctx)}
		}
		d.Heading(i+1, len(steps), s.name, s.what)
		started := time.Now()
		if err := s.run(ctx, d); err != nil {
			var fault *stage.Fault
			if errors.As(err, &fault) {
				d.Foreign(fault.Said)
			}
			return &stepError{i + 1, s.name, err}
		}
		d.Done(time.Since(started))
	}
	d.summary()
	d.Block(d.Paint("1;32", fmt.Sprintf("all %d steps went well, in %.0f s", len(steps), time.Since(begun).Seconds())))
	return nil
}

// cleanUp stops the simulator and removes everything that was made.
func (d *drill) cleanUp() error {
	if d.stop != nil {
		d.stop()
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("%s is left, and has secrets in it; remove it: %w", d.dir, err)
	}
	return nil
}

// prepare builds, finds the CLI and opens the account.
func prepare(ctx context.Context, d *drill) error {
	home, bin := filepath.Join(d.dir, "home"), d.options.provider
	if bin == "" {
		bin = filepath.Join(d.dir, "bin")
		if err := buildProvider(ctx, bin); err != nil {
			return err
		}
	}
	// There before the first look at a CLI, which would refuse to do without it.
	err := os.WriteFile(filepath.Join(home, stage.ConfigName), []byte(stage.Overrides(bin)), 0o600)
	if err != nil {
		return err
	}
	if d.cli, err = stage.FindCLI(ctx, filepath.Join(d.dir, "work"), stage.QuietEnvironment(home, filepath.Join(d.dir, "tmp"))); err != nil {
		return err
	}
	d.Line("with %s, %s", d.cli.Name, d.cli.Path)
	d.apiKey = newValue()
	d.account = vultrsim.New(vultrsim.Options{APIKey: d.apiKey})
	d.url, d.stop, err = d.account.Start()
	return err
}

// buildProvider compiles it into the directory.
func buildProvider(ctx context.Context, dir string) error {
	root, err := stage.Repository(ctx)
	if err != nil {
		return err
	}
	_, err = stage.Go(ctx, root, []string{"CGO_ENABLED=0"}, "build", "-trimpath", "-o", filepath.Join(dir, "terraform-provider-ageenv"), ".")
	return err
}

// figure is a duration that the summary repeats.
type figure struct {
	incident, what string
	took           time.Duration
}

func (d *drill) measured(incident, what string, took time.Duration) {
	d.figures = append(d.figures, figure{incident, what, took})
}

// summary has the figures of all incidents once more.
func (d *drill) summary() {
	d.Block("From the command to …")
	for _, f := range d.figures {
		d.Line("%-26s %-34s %6.1f s", f.incident, f.what, f.took.Seconds())
	}
}
