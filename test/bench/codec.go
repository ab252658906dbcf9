package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// file is a dotenv file that is encrypted and decrypted.
type file struct {
	entries    int
	length     int // of a value, in bytes
	recipients int
	encrypt    float64 // target of the ratio against the sops library; 0 is none
	decrypt    float64
}

func (f file) String() string {
	size := fmt.Sprintf("%d B", f.length)
	switch {
	case f.length >= 1<<20:
		size = fmt.Sprintf("%d MB", f.length>>20)
	case f.length >= 1<<10:
		size = fmt.Sprintf("%d KB", f.length>>10)
	}
	return fmt.Sprintf("%d × %s, %d recipients", f.entries, size, f.recipients)
}

func (f file) text() string {
	var out strings.Builder
	for i := range f.entries {
		fmt.Fprintf(&out, "NAME_%d=%s\n", i, strings.Repeat("v", f.length))
	}
	return out.String()
}

// The files, those of quick mode first.
var (
	quickFiles = []file{
		{entries: 1, length: 40, recipients: 1},
		{entries: 20, length: 3 << 10, recipients: 1, encrypt: 0.8, decrypt: 0.6},
		{entries: 20, length: 40, recipients: 20, decrypt: 0.6},
		{entries: 500, length: 40, recipients: 1},
		{entries: 2000, length: 40, recipients: 1},
	}
	moreFiles = []file{
		{entries: 20, length: 40, recipients: 1},
		{entries: 5000, length: 40, recipients: 1},
		{entries: 1, length: 1 << 10, recipients: 1},
		{entries: 1, length: 64 << 10, recipients: 1, encrypt: 0.8},
		{entries: 1, length: 1 << 20, recipients: 1, encrypt: 0.8},
		{entries: 1, length: 4 << 20, recipients: 1, encrypt: 0.8},
		{entries: 1, length: 40, recipients: 5},
		{entries: 1, length: 40, recipients: 20, encrypt: 0.95, decrypt: 0.6},
		{entries: 20, length: 3 << 10, recipients: 20, encrypt: 0.8, decrypt: 0.6},
	}
)

// codec compares the packages that encrypt and decrypt with the sops library, in this
// process, and with the commands of sops and age, each in a process of its own.
func codec(ctx context.Context, r *Report, b bench) error {
	if !hasLibrary && !b.quick {
		r.LeftOut = append(r.LeftOut, "the sops library: build with -tags peers, as make bench does")
	}
	files := quickFiles
	if !b.quick {
		files = append(slices.Clone(quickFiles), moreFiles...)
	}
	costs := map[string]map[int]cost{"encrypt": {}, "decrypt": {}}
	for _, f := range files {
		encrypt, decrypt, err := library(r, f, b.quick)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if f.length == 40 && f.recipients == 1 {
			costs["encrypt"][f.entries], costs["decrypt"][f.entries] = encrypt, decrypt
		}
	}
	few, many := 500, 2000
	if !b.quick {
		many = 5000
	}
	for name, of := range costs {
		for what, figure := range map[string]func(cost) float64{
			"allocations": func(c cost) float64 { return c.allocations },
			"bytes":       func(c cost) float64 { return c.bytes },
			"CPU":         func(c cost) float64 { return c.seconds },
		} {
			limit := 1.15
			if what == "CPU" { // the machine may be busy
				limit = 1.6
			}
			r.grow(name+": "+what+" by entries", exponent(float64(few), figure(of[few]), float64(many), figure(of[many])), limit)
		}
	}
	if b.quick {
		return nil
	}
	return commands(ctx, r, b)
}

// cost is what one call takes.
type cost struct{ seconds, allocations, bytes float64 }

// library compares with the sops library, and returns the provider's cost.
func library(r *Report, f file, quick bool) (encrypting, decrypting cost, err error) {
	ids := make([]agekey.Identity, f.recipients)
	recipients := make([]agekey.Recipient, f.recipients)
	for i := range ids {
		if ids[i], err = agekey.GenerateX25519(); err != nil {
			return cost{}, cost{}, err
		}
		recipients[i] = ids[i].Recipient()
	}
	last := ids[len(ids)-1]
	if err := os.Setenv("SOPS_AGE_KEY", last.Text().Reveal()); err != nil {
		return cost{}, cost{}, err
	}
	plain := f.text()
	sealed, err := sops.EncryptDotenv(secret.New(plain), recipients, time.Now())
	if err != nil {
		return cost{}, cost{}, err
	}
	encrypt := pair{
		ours: func() error {
			_, err := sops.EncryptDotenv(secret.New(plain), recipients, time.Now())
			return err
		},
		theirs: func() error {
			_, err := libraryEncrypt([]byte(plain), strings.Join(agekey.Texts(recipients), ","))
			return err
		},
	}
	decrypt := pair{
		ours: func() error {
			opened, err := sops.Decrypt(sealed, []agekey.Identity{last}, sops.Options{Store: sops.Dotenv})
			if err == nil && opened.Text.Reveal() != plain {
				err = errors.New("another text came back")
			}
			return err
		},
		theirs: func() error {
			opened, err := libraryDecrypt(sealed)
			if err == nil && opened != plain {
				err = errors.New("another text came back from the sops library")
			}
			return err
		},
	}
	for _, one := range []struct {
		name   string
		pair   pair
		target float64
		cost   *cost
	}{{"encrypt ", encrypt, f.encrypt, &encrypting}, {"decrypt ", decrypt, f.decrypt, &decrypting}} {
		mine, theirs, err := one.pair.measure(quick)
		if err != nil {
			return cost{}, cost{}, err
		}
		figures := map[string]float64{ours: mine.seconds * 1000}
		if hasLibrary {
			figures["sops library"] = theirs.seconds * 1000
		}
		row := compare("codec, CPU, in one process", one.name+f.String(), "ms", figures)
		if one.target > 0 && hasLibrary {
			row = row.within(one.target, "sops library")
		}
		r.add(row)
		r.check("codec, "+one.name+f.String()+", allocations", mine.allocations)
		r.check("codec, "+one.name+f.String()+", KB", mine.bytes/1024)
		*one.cost = mine
	}
	return encrypting, decrypting, nil
}

// pair are two ways to the same.
type pair struct{ ours, theirs func() error }

// measure runs both in turn, several times, and returns the least that each took. Where
// the library was not built in, only the provider's packages run.
func (p pair) measure(quick bool) (mine, theirs cost, err error) {
	batch, rounds := 100*time.Millisecond, 5
	if quick {
		batch, rounds = 20*time.Millisecond, 3
	}
	repeat := func(do func() error) (times int, err error) {
		began := time.Now()
		for times = 0; times == 0 || time.Since(began) < batch; times++ {
			if err := do(); err != nil {
				return 0, err
			}
		}
		return times, nil
	}
	myTimes, err := repeat(p.ours)
	if err != nil {
		return cost{}, cost{}, err
	}
	theirTimes := 0
	if hasLibrary {
		if theirTimes, err = repeat(p.theirs); err != nil {
			return cost{}, cost{}, err
		}
	}
	for round := range rounds {
		a, err := spend(p.ours, myTimes)
		if err != nil {
			return cost{}, cost{}, err
		}
		var b cost
		if hasLibrary {
			if b, err = spend(p.theirs, theirTimes); err != nil {
				return cost{}, cost{}, err
			}
		}
		if round == 0 {
			mine, theirs = a, b
		}
		mine, theirs = mine.least(a), theirs.least(b)
	}
	return mine, theirs, nil
}

func (c cost) least(other cost) cost {
	return cost{min(c.seconds, other.seconds), min(c.allocations, other.allocations), min(c.bytes, other.bytes)}
}

// spend does something so many times, and returns what once took.
func spend(do func() error, times int) (cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := cpuOfSelf()
	for range times {
		if err := do(); err != nil {
			return cost{}, err
		}
	}
	took := cpuOfSelf() - began
	runtime.ReadMemStats(&after)
	n := float64(times)
	return cost{took.Seconds() / n, float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n}, nil
}
