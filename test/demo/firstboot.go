package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// bootFirst is a box that never had the file.
func bootFirst(ctx context.Context, d *demo) (err error) {
	if d.firstBox, err = d.newBox("box-1"); err != nil {
		return err
	}
	d.drop, err = d.bootAndLook(ctx, d.firstBox)
	return err
}

// bootAndLook runs the account's script on the box, and shows the file without
// its values.
func (d *demo) bootAndLook(ctx context.Context, b box) (dropped, error) {
	script, found, err := d.sim.bootScript(ctx, d.now.scriptID)
	if err != nil {
		return dropped{}, err
	}
	if !found {
		return dropped{}, errors.New("the account has no script of that ID")
	}
	d.Line("fetched the script: %d bytes; run as: env -i AGEENV_ROOT=… sh SCRIPT", script.Len())
	said, err := b.boot(ctx, script)
	if said != "" {
		d.Foreign(said)
	}
	if err != nil {
		return dropped{}, err
	}
	f, err := b.look(d.now.file)
	if err != nil {
		return dropped{}, err
	}
	d.Line("%s: owner %s:%s, mode %s, %d bytes", d.now.file.Path, f.owner, f.group, f.mode, f.text.Len())
	return f, nil
}

// compareFirst compares what the box got with what went in.
func compareFirst(_ context.Context, d *demo) error { return d.compare(d.drop) }

func (d *demo) compare(f dropped) error {
	got, err := readAsCompose(f.text)
	if err != nil {
		return err
	}
	if err := sameEntries(d.input.entries, got); err != nil {
		return fmt.Errorf("the dropped file is not what went in: %w", err)
	}
	d.Line("%s, all names and values the same", stage.Counted(len(got), "entry", "entries"))
	return nil
}

// bootAgain runs the script where it ran before.
func bootAgain(ctx context.Context, d *demo) error {
	f, err := d.bootAndLook(ctx, d.firstBox)
	if err != nil {
		return err
	}
	if f.inode != d.drop.inode || f.modified != d.drop.modified || !f.text.Equal(d.drop.text) {
		return errors.New("the file was written again, though nothing had changed")
	}
	d.Line("the same inode, the same time of change, the same bytes")
	return nil
}

// openBundle opens the bundle with the real sops, if there is one, and always
// with this repository's own reader.
func openBundle(ctx context.Context, d *demo) error {
	file := filepath.Join(d.workDir(), "app.enc.env")
	if err := os.WriteFile(file, []byte(d.now.bundle), 0o600); err != nil {
		return err
	}
	if program := findSOPS(); program == "" {
		d.Line("there is no sops on PATH, nor in %s: tried with this repository's reader only", sopsVariable)
	} else {
		text, err := d.openWithSOPS(ctx, program, file)
		if err != nil {
			return err
		}
		got, err := readAsCompose(text)
		if err == nil {
			err = sameEntries(d.input.entries, got)
		}
		if err != nil {
			return fmt.Errorf("what sops -d gives is not what went in: %w", err)
		}
		d.Line("%s -d app.enc.env verifies and decrypts it, with the operator's key file: the same entries", program)
	}
	got, err := openedEntries(d.now.bundle, d.operator)
	if err == nil {
		err = sameEntries(d.input.entries, got)
	}
	if err != nil {
		return fmt.Errorf("what internal/sops opens is not what went in: %w", err)
	}
	d.Line("internal/sops verifies and decrypts it: the same entries")
	return nil
}
