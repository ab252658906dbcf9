package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// rotate replaces the box's key and shows what that changed, and what not.
func rotate(ctx context.Context, d *demo) error {
	before, oldKey := d.now, d.boxKey
	r, err := d.terraform(ctx, []int{0}, "apply", "-no-color", "-auto-approve", "-replace=ageenv_key.box")
	if err != nil {
		return err
	}
	if err := d.summary(r, applySummary); err != nil {
		return err
	}
	if err := d.takeState(ctx); err != nil {
		return err
	}
	if d.now.recipient == before.recipient {
		return errors.New("the recipient has not changed")
	}
	d.Line("another recipient; before: %s", before.recipient)
	if d.now.scriptID == before.scriptID {
		return errors.New("the script's ID has not changed, so no box would be replaced")
	}
	if _, found, err := d.sim.bootScript(ctx, before.scriptID); err != nil || found {
		return errors.Join(err, errors.New("the old script is not gone"))
	}
	d.Line("another script ID, and so new boxes; the old script is gone from the account")
	if err := d.compareBundles(before.bundle, oldKey); err != nil {
		return err
	}
	return planEmpty(ctx, d)
}

// compareBundles shows what the rotation did to the bundle.
func (d *demo) compareBundles(old string, oldKey agekey.Identity) error {
	was, err := dataKey(old, d.operator)
	if err != nil {
		return err
	}
	is, err := dataKey(d.now.bundle, d.operator)
	if err != nil {
		return err
	}
	if is.Equal(was) {
		return errors.New("the data key has not changed")
	}
	d.Line("another data key")

	_, err = openedEntries(d.now.bundle, oldKey)
	if !errors.Is(err, agekey.ErrNoMatch) {
		return errors.New("the old box's identity is not refused by the new bundle")
	}
	d.Line("the old box's identity does not open the new bundle")
	if _, err := openedEntries(old, oldKey); err != nil {
		return fmt.Errorf("the old bundle can't be opened with the old identity: %w", err)
	}
	d.Line("it still opens the old one, wherever a copy is kept: after a leak, have the values changed too")

	for _, by := range []agekey.Identity{d.operator, d.boxKey} {
		got, err := openedEntries(d.now.bundle, by)
		if err == nil {
			err = sameEntries(d.input.entries, got)
		}
		if err != nil {
			return fmt.Errorf("what the new bundle holds is not what went in: %w", err)
		}
	}
	d.Line("the operator and the new box open it: the same entries")
	return nil
}

// bootRotated is a box that is made after the rotation.
func bootRotated(ctx context.Context, d *demo) error {
	b, err := d.newBox("box-2")
	if err != nil {
		return err
	}
	f, err := d.bootAndLook(ctx, b)
	if err != nil {
		return err
	}
	return d.compare(f)
}
