package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// keyLeak: the identity of the fleet's boxes is in wrong hands.
var keyLeak = []step{
	{"key: leak", "The fleet's identity leaks: from a box, from a backup, from a startup script.", leakKey},
	{"key: answer", "The command: terraform apply -replace=ageenv_key.fleet", replaceKey},
	{"key: check", "The leaked identity opens no new bundle, everybody else opens the same values, every script has\na successor, and nothing else has changed.", checkKey},
	{"key: values", "What the leaked identity could read stays known to who has it until each value is changed.", changeKeyValues},
}

func leakKey(_ context.Context, d *drill) (err error) {
	if d.leaked, err = d.now.identity("fleet", d.people["ann"]); err != nil {
		return err
	}
	services, err := d.now.opens(d.leaked)
	if err != nil {
		return err
	}
	if !slices.Equal(services, d.serviceNames()) {
		return fmt.Errorf("the leaked key opens %d bundles, and the fleet has %d", len(services), d.options.services)
	}
	d.Line("it opens %s: %s", counted(len(services), "bundle"), counted(len(d.readableBy(services)), "value"))
	return nil
}

func replaceKey(ctx context.Context, d *drill) error {
	d.before, d.leakedAt = d.now, time.Now()
	t, err := d.apply(ctx, "-replace=ageenv_key.fleet")
	if err != nil {
		return err
	}
	t.show(d.Report)
	return d.note("a leaked key", t, d.options.services)
}

// note keeps a run's figures, and is an error unless it did all of its work.
func (d *drill) note(incident string, t timeline, services int) error {
	encrypted, bundles := t.encrypted()
	replaced, scripts := t.replaced()
	if bundles != services || scripts != services || len(t.done(scriptType, "delete")) != services {
		return fmt.Errorf("%d bundles were encrypted anew and %d scripts replaced, and %d were to be", bundles, scripts, services)
	}
	d.measured(incident, "everything encrypted anew", encrypted)
	d.measured(incident, "every script replaced", replaced)
	d.measured(incident, "the end, the old scripts gone", t.ended.Sub(t.began))
	return nil
}

func checkKey(ctx context.Context, d *drill) error {
	if err := d.closed(); err != nil {
		return err
	}
	if err := d.holdsValues(d.people["ann"], d.people["bob"]); err != nil {
		return err
	}
	d.Line("ann, bob and the new key open all of them: the same values")
	for _, name := range d.serviceNames() {
		was, is := d.before.services[name], d.now.services[name]
		if is.scriptID == was.scriptID {
			return fmt.Errorf("the script of %s was not replaced", name)
		}
		if _, there := d.account.Script(was.scriptID); there {
			return fmt.Errorf("the old script of %s is still in the account", name)
		}
		for value, at := range was.ChangedAt {
			if !is.ChangedAt[value].Equal(at) {
				return fmt.Errorf("%s of %s is called changed, and only its key is", value, name)
			}
		}
	}
	d.Line("every script has another ID, and so every box a successor; the old scripts are gone")
	for _, resource := range []string{keyType, bundleType, scriptType} {
		if address := resource + " " + bystander; d.now.raw[address] == "" || d.now.raw[address] != d.before.raw[address] {
			return fmt.Errorf("the bystander's %s changed", resource)
		}
	}
	d.Line("the bystander is the same, byte for byte")
	if old, err := d.before.opens(d.leaked); err != nil || len(old) != d.options.services {
		return errors.Join(err, errors.New("the old bundles do not open to the leaked key, which they should"))
	}
	d.Line("it still opens the old ones, wherever a copy is kept: in git, in old states, in backups")
	return d.planEmpty(ctx)
}

// closed is an error if the leaked identity opens anything that the state has now.
func (d *drill) closed() error {
	services, err := d.now.opens(d.leaked)
	if err != nil {
		return err
	}
	if len(services) != 0 {
		return fmt.Errorf("the leaked identity opens %s, %s first", counted(len(services), "bundle"), services[0])
	}
	d.Line("the leaked identity opens none of %s", counted(len(d.now.services), "bundle"))
	return nil
}

func changeKeyValues(ctx context.Context, d *drill) error {
	return d.changeAll(ctx, d.serviceNames())
}
