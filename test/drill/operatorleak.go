package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// operatorLeak: bob's identity is in wrong hands, and with it every key and bundle.
var operatorLeak = []step{
	{"operator: leak", "Bob's identity leaks, with a copy of the state: a backup, a bucket's old version.", leakOperator},
	{"operator: leave", "The first half of the answer: bob leaves the operators, and carol comes. Every wrap and every bundle\nis sealed anew, in place; no box is replaced.", dismissOperator},
	{"operator: history", "What history keeps open: the old wrap holds the key that the new bundles are sealed to.", readHistory},
	{"operator: answer", "The second half: terraform apply -replace for every key that bob could unwrap.", replaceKeys},
	{"operator: values", "Every value could be read, the bystander's too.", changeOperatorValues},
}

// all are all services, the bystander first.
func (d *drill) all() []string { return append([]string{bystander}, d.serviceNames()...) }

func leakOperator(_ context.Context, d *drill) error {
	d.leaked, d.leakedAt, d.before = d.people["bob"], time.Now(), d.now
	content, err := os.ReadFile(d.stateFile())
	if err != nil {
		return err
	}
	d.oldState = filepath.Join(d.dir, "old.tfstate")
	if err := os.WriteFile(d.oldState, content, 0o600); err != nil {
		return err
	}
	services, err := d.now.opens(d.leaked)
	if err != nil || !slices.Equal(services, d.all()) {
		return errors.Join(err, errors.New("bob does not open every bundle"))
	}
	wraps, err := d.unwraps()
	if err != nil || wraps != len(d.now.keys) {
		return errors.Join(err, errors.New("bob does not unwrap every key"))
	}
	d.Line("it unwraps %s and opens %s", counted(wraps, "key"), counted(len(services), "bundle"))
	return nil
}

// unwraps counts the keys that the leaked identity unwraps.
func (d *drill) unwraps() (count int, err error) {
	for name := range d.now.keys {
		switch _, err := d.now.identity(name, d.leaked); {
		case err == nil:
			count++
		case !errors.Is(err, agekey.ErrNoMatch):
			return 0, fmt.Errorf("the wrap of %s: %w", name, err)
		}
	}
	return count, nil
}

func dismissOperator(ctx context.Context, d *drill) error {
	if err := d.hire("carol"); err != nil {
		return err
	}
	d.use("ann", "ann", "carol")
	t, err := d.apply(ctx)
	if err != nil {
		return err
	}
	t.show(d.Report)
	encrypted, bundles := t.encrypted()
	if bundles != len(d.now.services) || len(t.done(keyType, "update")) != len(d.now.keys) {
		return fmt.Errorf("%d bundles and %d keys were sealed anew, and all were to be", bundles, len(t.done(keyType, "update")))
	}
	d.measured("a leaked operator", "every wrap and bundle sealed anew", encrypted)
	if wraps, err := d.unwraps(); err != nil || wraps != 0 {
		return errors.Join(err, fmt.Errorf("bob still unwraps %s", counted(wraps, "key")))
	}
	d.Line("the leaked identity unwraps none of %s", counted(len(d.now.keys), "key"))
	if err := d.closed(); err != nil {
		return err
	}
	for name, s := range d.now.services {
		if s.scriptID != d.before.services[name].scriptID {
			return fmt.Errorf("the script of %s was replaced", name)
		}
	}
	d.Line("every script has the ID that it had")
	return d.holdsValues(d.people["ann"], d.people["carol"])
}

// throughHistory counts the bundles of now that the leaked identity opens by way of the
// keys in the old state.
func (d *drill) throughHistory() (count int, err error) {
	old, err := readFleet(d.oldState)
	if err != nil {
		return 0, err
	}
	for name := range old.keys {
		id, err := old.identity(name, d.leaked)
		if err != nil {
			return 0, fmt.Errorf("the old wrap of %s does not open to bob, which it should: %w", name, err)
		}
		services, err := d.now.opens(id)
		if err != nil {
			return 0, err
		}
		count += len(services)
	}
	return count, nil
}

func readHistory(_ context.Context, d *drill) error {
	count, err := d.throughHistory()
	if err != nil {
		return err
	}
	if count != len(d.now.services) {
		return fmt.Errorf("%d bundles open by way of the old state, and %d were expected", count, len(d.now.services))
	}
	d.Line("with the old state it opens %s of now: sealing anew is not enough", counted(count, "bundle"))
	return nil
}

func replaceKeys(ctx context.Context, d *drill) error {
	t, err := d.apply(ctx, "-replace=ageenv_key.fleet", "-replace=ageenv_key.bystander")
	if err != nil {
		return err
	}
	t.show(d.Report)
	if err := d.note("a leaked operator", t, len(d.now.services)); err != nil {
		return err
	}
	count, err := d.throughHistory()
	if err != nil || count != 0 {
		return errors.Join(err, fmt.Errorf("%d bundles still open by way of the old state", count))
	}
	d.Line("with the old state it opens none; what the old state has itself stays open to it for ever")
	if err := d.closed(); err != nil {
		return err
	}
	if err := d.holdsValues(d.people["ann"], d.people["carol"]); err != nil {
		return err
	}
	return d.planEmpty(ctx)
}

func changeOperatorValues(ctx context.Context, d *drill) error { return d.changeAll(ctx, d.all()) }
