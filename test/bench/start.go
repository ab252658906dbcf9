package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// start measures how long a provider takes until Terraform has its schema, and how large
// the stripped binary is.
func start(ctx context.Context, r *Report, b bench) error {
	rounds := 15
	if b.quick {
		rounds = 3
	}
	provider := b.provider()
	mine, err := newTerraform(b, "start-ours", "ageenv", provider, "")
	if err != nil {
		return err
	}
	likeq, err := newTerraform(b, "start-likeq", "floor", filepath.Join(b.bin, "floor"), "", "FLOOR_QUIET=1")
	if err != nil {
		return err
	}
	least := map[string]spent{}
	for range rounds {
		for name, t := range map[string]*terraform{ours: mine, "likeq": likeq} {
			one, err := t.run(ctx, "providers", "schema", "-json")
			if err != nil {
				return err
			}
			if before, known := least[name]; known {
				one.provider, one.wall, one.memory = min(one.provider, before.provider), min(one.wall, before.wall), min(one.memory, before.memory)
			}
			least[name] = one
		}
	}
	figures := func(of func(spent) float64) map[string]float64 {
		return map[string]float64{ours: of(least[ours]), "likeq": of(least["likeq"])}
	}
	r.add(compare("start", "to schema: wall, with Terraform's own", "ms", figures(func(s spent) float64 { return s.wall * 1000 })).within(1.05, "likeq"))
	r.add(compare("start", "to schema: CPU, provider", "ms", figures(func(s spent) float64 { return s.provider * 1000 })))
	r.add(compare("start", "to schema: memory, provider", "MiB", figures(func(s spent) float64 { return s.memory / (1 << 20) })))
	info, err := os.Stat(provider)
	if err != nil {
		return err
	}
	r.add(compare("start", "stripped binary", "MB", map[string]float64{ours: float64(info.Size()) / 1e6}).within(22.0, ""))
	r.check("stripped binary, bytes", float64(info.Size()))
	return nil
}

// entries measures a bundle of many entries: those that are given, and those that it makes
// itself.
func entries(ctx context.Context, r *Report, b bench) error {
	counts := []int{200, 400, 800, 5000}
	if b.quick {
		counts = []int{200, 800}
	}
	_, recipient, err := operator(b)
	if err != nil {
		return err
	}
	for _, kind := range []struct{ name, entry string }{
		{"entries_wo", `"value ${i}"`}, {"generated", "{ bytes = 32 }"},
	} {
		used := map[int]spent{}
		for _, count := range counts {
			t, err := newTerraform(b, fmt.Sprintf("%s-%d", kind.name, count), "ageenv", b.provider(), fmt.Sprintf(`
provider "ageenv" {
  escrow_recipients = [%[1]q]
}
resource "ageenv_bundle" "b" {
  %[2]s = { for i in range(%[3]d) : "NAME_${i}" => %[4]s }
  recipients = [%[1]q]
}
`, recipient, kind.name, count, kind.entry))
			if err != nil {
				return err
			}
			if used[count], err = t.run(ctx, "plan"); err != nil {
				return err
			}
			row := compare("entries in one bundle, plan", fmt.Sprintf("%d in %s: CPU, all", count, kind.name), "s", map[string]float64{ours: used[count].cpu()})
			if count == 5000 {
				row = row.within(3, "")
			}
			r.add(row)
		}
		a, z := counts[0], counts[len(counts)-1]
		r.grow("CPU of a plan by entries, "+kind.name, exponent(float64(a), used[a].cpu(), float64(z), used[z].cpu()), entriesGrowth)
	}
	return nil
}

// entriesGrowth is the most with which the CPU of a plan grows with the entries of a
// bundle: linear, and something for a machine that is busy. A start is a part of each plan,
// so that it is less than 1 as a rule.
const entriesGrowth = 1.2

// bytesOf is what a state holds for each resource of a type, written without indentation.
func bytesOf(state, kind string) (float64, error) {
	var parsed struct {
		Resources []struct {
			Type      string            `json:"type"`
			Instances []json.RawMessage `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal([]byte(state), &parsed); err != nil {
		return 0, err
	}
	size, instances := 0, 0
	for _, resource := range parsed.Resources {
		if resource.Type != kind {
			continue
		}
		for _, instance := range resource.Instances {
			size += len(instance)
			instances++
		}
	}
	return float64(size) / float64(max(instances, 1)), nil
}
