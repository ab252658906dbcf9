package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// value is one that somebody could read.
type value struct{ service, name string }

// unchanged lists the values that could be read when the incident began and, by
// changed_at, have not changed since. changed_at is in whole seconds, rounded down: what
// changed within the second of the incident is listed too.
func unchanged(readable []value, now fleet, since time.Time) (list []value) {
	for _, v := range readable {
		if at, known := now.services[v.service].ChangedAt[v.name]; !known || !at.After(since) {
			list = append(list, v)
		}
	}
	return list
}

// errUnchanged is an incident that is not over.
var errUnchanged = errors.New("values that could be read have not changed since: have each changed by whoever issued it")

// over is errUnchanged while the list is not empty. It shows the list, names only.
func (d *drill) over(readable []value) ([]value, error) {
	list := unchanged(readable, d.now, d.leakedAt)
	if len(list) == 0 {
		d.Line("%s could be read, and each has changed since", stage.Counted(len(readable), "value", "values"))
		return nil, nil
	}
	byService := map[string]int{}
	for _, v := range list {
		byService[v.service]++
	}
	const shown = 5
	var words []string
	for _, v := range list[:min(shown, len(list))] {
		words = append(words, v.service+" "+v.name)
	}
	if len(list) > shown {
		words = append(words, fmt.Sprintf("and %d more", len(list)-shown))
	}
	d.Line("of %d that could be read, not changed since: %s, of %s", len(readable), stage.Counted(len(list), "value", "values"), stage.Counted(len(byService), "service", "services"))
	d.List(words)
	return list, errUnchanged
}

// readableBy lists the values of services.
func (d *drill) readableBy(services []string) (list []value) {
	for _, service := range services {
		for _, name := range slices.Sorted(maps.Keys(d.values[service])) {
			list = append(list, value{service, name})
		}
	}
	return list
}

// changeAll has every value that could be read changed, in two applies, and sees that
// the list is right before, between and after: by holding it against the values.
func (d *drill) changeAll(ctx context.Context, services []string) error {
	readable := d.readableBy(services)
	then := values{}
	for service, entries := range d.values {
		then[service] = maps.Clone(entries)
	}
	check := func(want int) error {
		list, err := d.over(readable)
		if len(list) != want || (want == 0) != (err == nil) || want > 0 && !errors.Is(err, errUnchanged) {
			return fmt.Errorf("%d values are listed, and %d have not changed", len(list), want)
		}
		for _, v := range list {
			if !d.values[v.service][v.name].Equal(then[v.service][v.name]) {
				return fmt.Errorf("%s of %s is listed, and has changed", v.name, v.service)
			}
		}
		return nil
	}
	if err := check(len(readable)); err != nil {
		return err
	}
	d.Line("so the incident is not over, and a check of it fails: %v", errUnchanged)

	// A change in the second of the leak would be listed still.
	if err := sleepUntil(ctx, d.leakedAt.Truncate(time.Second).Add(time.Second)); err != nil {
		return err
	}
	last := readable[len(readable)-1]
	if err := d.change(services, func(service, name string) bool { return value{service, name} == last }); err != nil {
		return err
	}
	if _, err := d.apply(ctx); err != nil {
		return err
	}
	d.Line("all but one are changed")
	if err := check(1); err != nil {
		return err
	}
	forgotten := func(service, name string) bool { return value{service, name} != last }
	if err := d.change([]string{last.service}, forgotten); err != nil {
		return err
	}
	began := time.Now()
	if _, err := d.apply(ctx); err != nil {
		return err
	}
	d.Line("the last one too, in %.1f s", time.Since(began).Seconds())
	if err := check(0); err != nil {
		return err
	}
	return d.noneLeft(services, then)
}

// noneLeft holds what is in the bundles now against what could be read: no value of
// then may be in them.
func (d *drill) noneLeft(services []string, then values) error {
	for _, service := range services {
		got, err := opened(d.now.services[service].Ciphertext, d.people["ann"])
		if err != nil {
			return err
		}
		for name, is := range got {
			if was, there := then[service][name]; there && was.Equal(is) {
				return fmt.Errorf("%s of %s is the one that could be read", name, service)
			}
		}
		if !maps.EqualFunc(got, d.values[service], secret.Text.Equal) {
			return fmt.Errorf("the bundle of %s does not hold what was written", service)
		}
	}
	return nil
}

func sleepUntil(ctx context.Context, at time.Time) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Until(at)):
		return nil
	}
}
