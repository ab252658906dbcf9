package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// apiLeak: the account's API key is in wrong hands. The identities travel in the
// startup scripts, so whoever has it has those, and can write scripts.
var apiLeak = []step{
	{"API: leak", "The Vultr API key leaks. Who has it reads every startup script, and plants one of their own.", leakAPIKey},
	{"API: old key", "The key is changed at Vultr. A plan with the old one has to fail, and to drop nothing.", refuseOldKey},
	{"API: answer", "The command, with the new key: terraform apply -replace for every key that travelled in a script.", replaceTravelled},
	{"API: values", "Every value could be read by way of the scripts.", changeAPIValues},
}

// planted is what the intruder has new boxes run.
const planted = "IyEvYmluL3NoCmVjaG8gcGxhbnRlZAo=" // #!/bin/sh, echo planted

func leakAPIKey(_ context.Context, d *drill) error {
	d.leakedAt, d.before = time.Now(), d.now
	read := 0
	for name, s := range d.now.services {
		id, err := d.now.identity(sealedBy(name), d.people["ann"])
		if err != nil {
			return err
		}
		script, err := d.account.BootScript(s.scriptID)
		if err != nil {
			return err
		}
		if bytes.Contains(script, []byte(id.Text().Reveal())) {
			read++
		}
	}
	if read != len(d.now.services) {
		return fmt.Errorf("%d scripts show the identity that travels in them, and all %d were expected to", read, len(d.now.services))
	}
	d.Line("%s have an identity in clear, and beside it what it opens", counted(read, "script"))
	victim := d.now.services[d.serviceNames()[0]].scriptID
	if !d.account.Alter(victim, func(s *vultrsim.Script) { s.Script = planted }) {
		return errors.New("no script can be planted")
	}
	d.Line("one of them is planted now: the next box of that service would run it")
	return nil
}

// refuseOldKey plans with a key that the account no longer takes.
func refuseOldKey(ctx context.Context, d *drill) error {
	fresh := newValue()
	d.account.SetAPIKey(fresh)
	before, err := os.ReadFile(d.stateFile())
	if err != nil {
		return err
	}
	scripts := len(d.account.Scripts())
	for _, command := range [][]string{{"plan", "-json"}, {"apply", "-json", "-auto-approve"}, {"apply", "-json", "-auto-approve", "-refresh=false", "-replace=ageenv_key.bystander"}} {
		r, err := d.cli.Run(ctx, command...)
		if err != nil {
			return err
		}
		events, err := readEvents(r.Stdout)
		if err != nil {
			return err
		}
		said := timeline{events: events}.said()
		if r.Code == 0 || !strings.Contains(said, "401") {
			return fmt.Errorf("%s with the old key ended with code %d, and does not say 401", command[0], r.Code)
		}
		if command[0] == "plan" { // the first of its errors, a headline and a line
			d.Foreign(strings.Join(strings.SplitN(said, "\n", 3)[:2], "\n"))
		}
		if len(command) < 5 { // the last one has made a key before it came to the scripts
			after, err := os.ReadFile(d.stateFile())
			if err != nil {
				return err
			}
			if !bytes.Equal(before, after) {
				return fmt.Errorf("%s with the old key changed the state", command[0])
			}
		}
	}
	if got := len(d.account.Scripts()); got != scripts {
		return fmt.Errorf("the account had %d scripts and has %d", scripts, got)
	}
	d.Line("a plan and an apply with the old key leave the state as it was, byte for byte")
	d.Line("one that is forced past the refresh stops at the script, and loses none")
	left, err := readFleet(d.stateFile())
	if err != nil {
		return err
	}
	if len(left.services) != len(d.now.services) || left.services[bystander].scriptID == "" {
		return errors.New("a 401 was taken for a script that is gone")
	}
	d.apiKey = fresh
	d.use("ann", "ann", "carol")
	return nil
}

func replaceTravelled(ctx context.Context, d *drill) error {
	t, err := d.apply(ctx, "-replace=ageenv_key.fleet", "-replace=ageenv_key.bystander")
	if err != nil {
		return err
	}
	t.show(d.Report)
	replaced, scripts := t.replaced()
	if scripts != len(d.now.services) {
		return fmt.Errorf("%d scripts were replaced, and all %d were to be", scripts, len(d.now.services))
	}
	d.measured("a leaked API key", "every script replaced", replaced)
	d.measured("a leaked API key", "the end, the old scripts gone", t.ended.Sub(t.began))
	for _, script := range d.account.Scripts() {
		if script.Script == planted {
			return errors.New("the planted script is still in the account")
		}
	}
	d.Line("the planted script is gone with the others")
	for name := range d.before.keys {
		if d.leaked, err = d.before.identity(name, d.people["ann"]); err != nil {
			return err
		}
		if err := d.closed(); err != nil {
			return err
		}
	}
	if err := d.holdsValues(d.people["ann"], d.people["carol"]); err != nil {
		return err
	}
	return d.planEmpty(ctx)
}

func changeAPIValues(ctx context.Context, d *drill) error {
	if err := d.changeAll(ctx, d.all()); err != nil {
		return err
	}
	// The end: nothing of all that was made is in a file of Terraform's.
	return d.searchFiles()
}

// searchFiles is an error if a value that was written, or an identity, is in a file of
// the working directory, plain.
func (d *drill) searchFiles() error {
	return filepath.WalkDir(d.cli.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		texts := []secret.Text{secret.New(d.apiKey)}
		for _, id := range d.people {
			texts = append(texts, id.Text())
		}
		for _, entries := range d.values {
			for _, text := range entries {
				texts = append(texts, text)
			}
		}
		for _, text := range texts {
			if bytes.Contains(content, []byte(text.Reveal())) {
				return fmt.Errorf("%s holds a secret", filepath.Base(path))
			}
		}
		return nil
	})
}

func counted(n int, noun string) string { return stage.Counted(n, noun, noun+"s") }
