package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// readLimits reads the most that each count may be.
func readLimits(path string) (map[string]float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	limits := map[string]float64{}
	if err := json.Unmarshal(text, &limits); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return limits, nil
}

// check compares a count with its limit. Those without one are only kept, to choose one.
func (r *Report) check(name string, count float64) {
	if r.Counts == nil {
		r.Counts = map[string]float64{}
	}
	r.Counts[name] = count
	if limit, known := r.limits[name]; known && count > limit {
		r.fault("%s: %.0f, and the limit is %.0f", name, count, limit)
	}
	r.checked[name] = true
}

// unchecked are limits of which nothing was counted: their names are out of date.
func (r *Report) unchecked() {
	for name := range r.limits {
		if !r.checked[name] {
			r.fault("limits.json has %q, and this run did not count it", name)
		}
	}
}
