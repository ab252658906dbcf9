package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
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

// check keeps a count, to be compared with its limit.
func (r *Report) check(name string, count float64) { r.Counts[name] = count }

// checkLimits compares the counts with their limits. A count without a limit, and a limit
// without a count, are faults too: one of the two is out of date.
func (r *Report) checkLimits(limits map[string]float64) {
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		switch limit, known := limits[name]; {
		case !known:
			r.fault("%s: it has no limit: run with -update", name)
		case r.Counts[name] > limit:
			r.fault("%s: %.0f, and the limit is %.0f", name, r.Counts[name], limit)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if _, counted := r.Counts[name]; !counted {
			r.fault("%s: it has a limit, and nothing counted it: run with -update", name)
		}
	}
}

// slack is how far over what was counted a limit is.
const slack = 1.1

// writeLimits makes limits of what was counted.
func (r *Report) writeLimits(path string) error {
	limits := map[string]float64{}
	for name, count := range r.Counts {
		limits[name] = math.Ceil(count * slack)
	}
	text, err := json.MarshalIndent(limits, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
