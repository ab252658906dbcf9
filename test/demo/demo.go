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
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// options are what a run is asked to do.
type options struct {
	env string // path of the user's own .env; empty for a sample
	out io.Writer
}

// demo is what the steps know and hand on.
type demo struct {
	*stage.Report
	options options

	root string // the repository
	dir  string // private; everything is made below it

	input    input
	cli      stage.CLI
	sim      *simulator
	operator agekey.Identity
	keyFile  string
	owner    string
	group    string
	boxPath  string
	outputs  int // of the CLI, so far

	now      made              // what the state has
	boxKey   agekey.Identity   // what now.wrapped holds
	boxKeys  []agekey.Identity // it, and those before it
	firstBox box
	drop     dropped // the file on the first box
}

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
	d := &demo{Report: stage.NewReport(o.out), options: o}
	begun := time.Now()
	if d.dir, err = os.MkdirTemp("", "ageenv-demo-"); err != nil {
		return fmt.Errorf("no private directory can be made: %w", err)
	}
	defer func() { err = errors.Join(err, d.cleanUp()) }()
	for _, name := range []string{"bin", "home", "work", "input", "tmp"} {
		if err := os.Mkdir(filepath.Join(d.dir, name), 0o700); err != nil {
			return err
		}
	}
	// There before the first look at a CLI, which would refuse to do without it.
	if err := os.WriteFile(filepath.Join(d.dir, "home", stage.ConfigName), []byte(stage.Overrides(filepath.Join(d.dir, "bin"))), 0o600); err != nil {
		return err
	}

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
			return &stepError{i + 1, s.name, redacted{err, d.Report}}
		}
		d.Done(time.Since(started))
	}
	d.Block(d.Paint("1;32", fmt.Sprintf("all %d steps went well, in %.0f s", len(steps), time.Since(begun).Seconds())))
	return nil
}

// redacted is an error that shows no value, should a program have said one.
type redacted struct {
	error
	report *stage.Report
}

func (r redacted) Error() string { return r.report.Redact(r.error.Error()) }
func (r redacted) Unwrap() error { return r.error }

// cleanUp stops the simulator and removes everything that was made.
func (d *demo) cleanUp() error {
	if d.sim != nil {
		d.sim.stop()
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("%s is left, and has secrets in it; remove it: %w", d.dir, err)
	}
	if d.sim != nil {
		d.Block("cleaned up: the simulator is stopped, and " + d.dir + " is removed")
	}
	return nil
}

// workDir is where Terraform runs: its configuration, state, plans and logs, and
// all that it prints. Everything in it is searched for secrets.
func (d *demo) workDir() string { return filepath.Join(d.dir, "work") }

// account returns who is to own the dropped file: root if that is who runs this,
// as on a box, and else whoever does, since only root can give files away.
func account() (owner, group string) {
	uid, gid := uint32(os.Geteuid()), uint32(os.Getegid()) //nolint:gosec // IDs fit on every system that has them
	if uid == 0 {
		gid = 0
	}
	return userName(uid), groupName(gid)
}

// traceLog is the log of all that Terraform and the provider do.
const traceLog = "trace.log"

// protocolDumps is a directory below the working one. The plugin libraries write
// every value of every call there, unless the provider keeps them from it.
const protocolDumps = "protocol"

// quietEnvironment has nothing of the user's but PATH.
func (d *demo) quietEnvironment() []string {
	return stage.QuietEnvironment(filepath.Join(d.dir, "home"), filepath.Join(d.dir, "tmp"))
}

// cliEnvironment is all that Terraform gets in the working directory, for the
// .env: it logs as much as it can, to a file.
func (d *demo) cliEnvironment(work, env string) []string {
	return append(d.quietEnvironment(),
		"TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(work, traceLog),
		"TF_LOG_SDK_PROTO_DATA_DIR="+filepath.Join(work, protocolDumps),
		"VULTR_API_URL="+d.sim.url, "VULTR_API_KEY="+d.sim.key.Reveal(),
		"SOPS_AGE_KEY_FILE="+d.keyFile,
		"TF_VAR_operators="+`["`+d.operator.Recipient().String()+`"]`,
		"TF_VAR_env_file="+env, "TF_VAR_owner="+d.owner, "TF_VAR_group="+d.group,
	)
}
