package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// step is one thing that is done and shown.
type step struct {
	name string
	what string // a line or two for the user
	run  func(ctx context.Context, d *demo) error
}

// steps are all of them, in order. The .env comes first, so that a broken one is
// told at once.
var steps = []step{
	{"env", "Take the plaintext .env that is to get to a box. Its values are never shown, only their lengths.", takeEnv},
	{"build", "Build the provider and the Vultr simulator from this repository.", buildPrograms},
	{"account", "Start the simulator on loopback, with a random API key: it stands for an account at Vultr.", openAccount},
	{"operator", "Make an age key for the operator, whose key file opens everything that follows.", makeOperator},
	{"plan", "Plan examples/complete: a key for the box, the encrypted bundle, the startup script.\nThe plan is saved, and everything is logged at TRACE.", planFirst},
	{"apply", "Apply the saved plan.", applyFirst},
	{"box", "Play a new box: fetch the script that it would get, and run it in an empty environment under a\nprivate root. It opens its payload and puts the file in place.", bootFirst},
	{"compare", "Read the input and the dropped file as docker compose does, and compare them entry by entry.", compareFirst},
	{"bundle", "Write the bundle from the state to app.enc.env, as it would be committed, and open it.", openBundle},
	{"again", "Plan again. Nothing has changed, so the plan has to be empty.", planEmpty},
	{"leaks", "Search the state, the saved plan (unzipped) and its JSON, the TRACE logs and all output for every\nvalue, identity and API key: plain, quoted, in base64 and hex, and as a digest.", searchLeaks},
	{"reboot", "Run the script a second time on the same box. The file is right already, so it is not touched.", bootAgain},
	{"rotate", "Rotate the box's key: apply -replace=ageenv_key.box. The same values, under new keys.", rotate},
	{"new box", "Play a box that is made after the rotation.", bootRotated},
	{"destroy", "Destroy everything, and see that the account is empty.", destroy},
	{"leaks, all", "Search once more, now that the logs hold the rotation and the destruction too.", searchLeaks},
}

func takeEnv(_ context.Context, d *demo) (err error) {
	if d.options.env != "" {
		d.input, err = userInput(d.options.env)
	} else {
		d.input, err = sampleInput(filepath.Join(d.dir, "input", "sample.env"))
	}
	if err != nil {
		return err
	}
	var values []string
	for _, value := range d.input.entries {
		if value.Len() >= shortest {
			values = append(values, value.Reveal(), "(a value)")
		}
	}
	d.Hide = strings.NewReplacer(values...)
	if d.options.env != "" {
		d.Line("%s has %s: names, and lengths in bytes", d.input.path, stage.Counted(len(d.input.entries), "entry", "entries"))
	} else {
		d.Line("a sample with %s whose secrets were drawn just now: names, and lengths in bytes", stage.Counted(len(d.input.entries), "entry", "entries"))
	}
	d.List(lengths(d.input.entries))
	return nil
}

func buildPrograms(ctx context.Context, d *demo) (err error) {
	if d.root, err = stage.Repository(ctx); err != nil {
		return err
	}
	if d.cli, err = stage.FindCLI(ctx, d.dir, d.quietEnvironment()); err != nil {
		return err
	}
	d.Line("with %s, %s", d.cli.Name, d.cli.Path)
	if err := build(ctx, d.root, filepath.Join(d.dir, "bin")); err != nil {
		return err
	}
	var note string
	if d.boxPath, note, err = decryptorPath(ctx, d.root, filepath.Join(d.dir, "bin")); note != "" {
		d.Line("%s", note)
	}
	return err
}

func openAccount(_ context.Context, d *demo) (err error) {
	d.sim, err = startSimulator(d.program(simulatorProgram), d.workDir())
	if err != nil {
		return err
	}
	d.Line("it serves %s", d.sim.url)
	return nil
}

func makeOperator(_ context.Context, d *demo) (err error) {
	if d.operator, err = agekey.GenerateX25519(); err != nil {
		return err
	}
	d.keyFile = filepath.Join(d.dir, "operator.txt")
	text := "# public key: " + d.operator.Recipient().String() + "\n" + d.operator.Text().Reveal() + "\n"
	if err := os.WriteFile(d.keyFile, []byte(text), 0o600); err != nil {
		return err
	}
	d.Line("recipient %s", d.operator.Recipient())
	return nil
}

// The files that plans are saved to, and their JSON.
const (
	planFile = "first.tfplan"
	planJSON = "first.tfplan.json"
)

func planFirst(ctx context.Context, d *demo) error {
	d.owner, d.group = account()
	if err := d.enter(d.workDir(), d.input.path); err != nil {
		return err
	}
	r, err := d.terraform(ctx, []int{0}, "plan", "-no-color", "-out="+planFile)
	if err != nil {
		return err
	}
	if err := d.summary(r, planSummary); err != nil {
		return err
	}
	if r, err = d.terraform(ctx, []int{0}, "show", "-json", planFile); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.workDir(), planJSON), r.Stdout, 0o600)
}

// What Terraform and OpenTofu say in the end.
var (
	planSummary    = regexp.MustCompile(`(?m)^Plan: \d+ to add, .*$`)
	applySummary   = regexp.MustCompile(`(?m)^Apply complete! .*$`)
	destroySummary = regexp.MustCompile(`(?m)^Destroy complete! .*$`)
)

// summary shows that line.
func (d *demo) summary(r stage.Result, pattern *regexp.Regexp) error {
	line := pattern.Find(r.Stdout)
	if line == nil {
		return errors.New("it went well, but the summary is not as expected: " + pattern.String())
	}
	d.Foreign(string(line))
	return nil
}

func applyFirst(ctx context.Context, d *demo) error {
	r, err := d.terraform(ctx, []int{0}, "apply", "-no-color", planFile)
	if err != nil {
		return err
	}
	if err := d.summary(r, applySummary); err != nil {
		return err
	}
	return d.takeState(ctx)
}

// takeState reads the state into d.now, and opens the box's identity, which has
// to be the recipient's.
func (d *demo) takeState(ctx context.Context) (err error) {
	if d.now, err = d.readState(ctx); err != nil {
		return err
	}
	ids, err := agekey.Unwrap(d.now.wrapped, []agekey.Identity{d.operator})
	if err != nil {
		return fmt.Errorf("the operator can't open the box's key: %w", err)
	}
	if d.boxKey = ids[0]; d.boxKey.Recipient().String() != d.now.recipient {
		return errors.New("the box's key is not the one of its recipient")
	}
	d.boxKeys = append(d.boxKeys, d.boxKey)
	d.Line("the box's recipient   %s", d.now.recipient)
	d.Line("the startup script    %s", d.now.scriptID)
	return nil
}

// planEmpty plans without anything having changed.
func planEmpty(ctx context.Context, d *demo) error {
	const changes = 2
	r, err := d.terraform(ctx, []int{0, changes}, "plan", "-no-color", "-detailed-exitcode")
	if err != nil {
		return err
	}
	if r.Code == changes {
		d.Foreign(string(r.Stdout))
		return errors.New("the plan is not empty")
	}
	d.Line("plan -detailed-exitcode ended with 0: no changes")
	return nil
}

func destroy(ctx context.Context, d *demo) error {
	before, err := d.sim.count(ctx)
	if err != nil {
		return err
	}
	r, err := d.terraform(ctx, []int{0}, "destroy", "-no-color", "-auto-approve")
	if err != nil {
		return err
	}
	if err := d.summary(r, destroySummary); err != nil {
		return err
	}
	after, err := d.sim.count(ctx)
	if err != nil {
		return err
	}
	if before != 1 || after != 0 {
		return fmt.Errorf("the account had %s and has %d, and 1 and 0 were expected", stage.Counted(before, "script", "scripts"), after)
	}
	_, found, err := d.sim.bootScript(ctx, d.now.scriptID)
	if err != nil {
		return err
	}
	if found {
		return errors.New("a box still gets the script")
	}
	d.Line("the account has no startup script any more")
	return nil
}
