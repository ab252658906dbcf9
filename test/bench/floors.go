package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// floorTargets are limits of ratios at 1,000 bundles, by step.
var floorTargets = map[string]struct {
	limit   float64
	against string
}{
	"plan unchanged": {0.9, "likeq"},
	"plan new":       {0.45, "like"},
	"apply new":      {0.6, "like before"},
}

// floors compares whole runs with a provider that does nothing and has as much state: as
// the framework ships it (like), and with the SDK's logs off (likeq).
func floors(ctx context.Context, r *Report, b bench) error {
	if b.quick {
		b.bundles = "20,100"
	}
	var counts []int
	for number := range strings.SplitSeq(b.bundles, ",") {
		count, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		counts = append(counts, count)
	}
	perBundle := map[int]float64{}
	states := map[string]string{} // of the first count, by program
	memory := map[int]float64{}
	planned := map[int]float64{}
	for _, count := range counts {
		runs := map[string]map[string]spent{}
		sizes, beyond := map[string]float64{}, map[string]float64{}
		for name, provider := range b.providers() {
			t, err := oursBundles(b, fmt.Sprintf("%s-%d", name, count), provider, count)
			if err != nil {
				return err
			}
			if runs[name], err = allFrom(ctx, t, states, name, count); err != nil {
				return err
			}
			size, text, err := t.state()
			if err != nil {
				return err
			}
			sizes[name] = size / float64(count)
			if beyond[name], err = beyondCiphertext(text, size); err != nil {
				return err
			}
		}
		perBundle[count] = sizes[ours]
		memory[count], planned[count] = runs[ours]["plan unchanged"].memory, runs[ours]["plan unchanged"].provider
		r.add(compare("state", fmt.Sprintf("a bundle, of %d", count), "bytes", sizes))
		r.add(compare("state", fmt.Sprintf("a bundle beyond the ciphertext, of %d", count), "bytes", beyond).within(700, ""))
		if count == counts[len(counts)-1] {
			r.check("state, bytes of a bundle", sizes[ours])
			r.check("state, bytes of a bundle beyond its ciphertext", beyond[ours])
		}
		for _, floor := range b.floors(sizes) {
			t, err := likeBundles(ctx, b, fmt.Sprintf("%s-%d", floor.name, count), count, floor.quiet, floor.size)
			if err != nil {
				return err
			}
			if runs[floor.name], err = allFrom(ctx, t, states, floor.name, count); err != nil {
				return err
			}
			size, _, err := t.state()
			if err != nil {
				return err
			}
			if ratio := size / float64(count) / floor.size; ratio < 0.9 || ratio > 1.1 {
				r.fault("%s: the state of %d is %.2f times that of the provider", floor.name, count, ratio)
			}
		}
		r.steps(fmt.Sprintf("%d bundles", count), runs, count == 1000)
	}
	a, z := counts[0], counts[len(counts)-1]
	r.grow("provider CPU, plan unchanged, by bundles", exponent(float64(a), planned[a], float64(z), planned[z]), 1.3)
	r.grow("provider memory, plan unchanged, by bundles", exponent(float64(a), memory[a], float64(z), memory[z]), 0.5)
	r.grow("state by bundles", exponent(float64(a), perBundle[a]*float64(a), float64(z), perBundle[z]*float64(z)), 1.02)
	return nil
}

// before is the older build's name in Figures.
const before = "before"

// providers are the binaries of this provider that are measured.
func (b bench) providers() map[string]string {
	all := map[string]string{ours: b.provider()}
	if b.before != "" && !b.quick {
		all[before] = b.before
	}
	return all
}

// floor is a provider that does nothing.
type floor struct {
	name  string
	quiet string  // "1" without the SDK's logs
	size  float64 // bytes of state for each resource
}

// floors are those that are measured, with as much state as the provider has. Next to an
// older build there is one with as much as that has.
func (b bench) floors(sizes map[string]float64) []floor {
	all := []floor{{name: "likeq", quiet: "1", size: sizes[ours]}}
	if !b.quick {
		all = append(all, floor{name: "like", size: sizes[ours]})
	}
	if older := sizes[before]; older > 0 {
		all = append(all, floor{name: "like before", size: older}, floor{name: "likeq before", quiet: "1", size: older})
	}
	return all
}

// mostApplied is of how many bundles a run makes the state. That of more is multiplied.
const mostApplied = 1000

// allFrom runs the steps. It keeps each program's first state, to multiply it.
func allFrom(ctx context.Context, t *terraform, states map[string]string, name string, count int) (map[string]spent, error) {
	if count > mostApplied {
		many, err := multiplied(states[name], count)
		if err != nil {
			return nil, err
		}
		return t.all(ctx, many)
	}
	runs, err := t.all(ctx, nil)
	if err == nil && states[name] == "" {
		_, states[name], err = t.state()
	}
	return runs, err
}

// steps adds a row for each step and figure.
func (r *Report) steps(name string, runs map[string]map[string]spent, targets bool) {
	for _, step := range steps {
		for _, figure := range []struct {
			name, unit string
			of         func(spent) float64
		}{
			{"CPU, all", "s", spent.cpu},
			{"CPU, provider", "s", func(s spent) float64 { return s.provider }},
			{"wall", "s", func(s spent) float64 { return s.wall }},
			{"memory, provider", "MiB", func(s spent) float64 { return s.memory / (1 << 20) }},
		} {
			figures := map[string]float64{}
			for program, run := range runs {
				if one, ran := run[step]; ran {
					figures[program] = figure.of(one)
				}
			}
			if len(figures) == 0 {
				continue
			}
			row := compare(name, step+": "+figure.name, figure.unit, figures)
			target, known := floorTargets[step]
			switch {
			case targets && known && figure.name == "CPU, all":
				row = row.within(target.limit, target.against)
			case step == "plan unchanged" && figure.name == "memory, provider":
				row = row.within(80, "")
			}
			r.add(row)
		}
	}
}

// oursBundles is a configuration of bundles, which a plan opens to compare them.
func oursBundles(b bench, name, provider string, count int) (*terraform, error) {
	key, recipient, err := operator(b)
	if err != nil {
		return nil, err
	}
	return newTerraform(b, name, "ageenv", provider, fmt.Sprintf(`
variable "changed" {
  type    = number
  default = -1
}
provider "ageenv" {
  escrow_recipients = [%[1]q]
}
resource "ageenv_bundle" "b" {
  count      = %[2]d
  entries_wo = { %[3]s }
  recipients = [%[1]q]
}
`, recipient, count, fourEntries), "SOPS_AGE_KEY_FILE="+key)
}

// fourEntries are what a small service has.
const fourEntries = `
    DATABASE_URL = "postgres://app:0123456789abcdef@db.internal:5432/app"
    REDIS_URL    = "redis://cache.internal:6379/0"
    LOG_LEVEL    = count.index == var.changed ? "debug" : "info"
    API_TOKEN    = "0123456789abcdef0123456789abcdef"
  `

// likeBundles is a configuration of resources that do nothing, with as much state.
func likeBundles(ctx context.Context, b bench, name string, count int, quiet string, perBundle float64) (*terraform, error) {
	_, recipient, err := operator(b)
	if err != nil {
		return nil, err
	}
	config := func(count int) string {
		return fmt.Sprintf(`
variable "changed" {
  type    = number
  default = -1
}
resource "floor_bundle" "b" {
  count           = %[2]d
  entries_wo      = { %[3]s }
  recipients      = [%[1]q]
  content_version = count.index == var.changed ? "2" : "1"
}
`, recipient, count, fourEntries)
	}
	provider := filepath.Join(b.bin, "floor")
	empty, err := newTerraform(b, name+"-empty", "floor", provider, config(2), "FLOOR_QUIET="+quiet, "FLOOR_BYTES=0")
	if err != nil {
		return nil, err
	}
	if _, err := empty.run(ctx, "apply", "-auto-approve"); err != nil {
		return nil, err
	}
	size, _, err := empty.state()
	if err != nil {
		return nil, err
	}
	return newTerraform(b, name, "floor", provider, config(count), "FLOOR_QUIET="+quiet, fmt.Sprintf("FLOOR_BYTES=%.0f", max(0, perBundle-size/2)))
}

// operator is the identity file and the recipient of a run.
func operator(b bench) (keyFile, recipient string, err error) {
	keyFile = filepath.Join(b.work, "operator.txt")
	if text, err := os.ReadFile(keyFile + ".pub"); err == nil {
		return keyFile, string(text), nil
	}
	id, err := agekey.GenerateX25519()
	if err != nil {
		return "", "", err
	}
	recipient = id.Recipient().String()
	if err := os.WriteFile(keyFile, []byte(id.Text().Reveal()+"\n"), 0o600); err != nil {
		return "", "", err
	}
	return keyFile, recipient, os.WriteFile(keyFile+".pub", []byte(recipient), 0o600)
}

// beyondCiphertext is what a state holds for each of its resources in addition to the
// ciphertext as it is written there.
func beyondCiphertext(state string, size float64) (float64, error) {
	var parsed struct {
		Resources []struct {
			Instances []struct {
				Attributes struct {
					Ciphertext string `json:"ciphertext"`
				} `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal([]byte(state), &parsed); err != nil {
		return 0, err
	}
	instances := 0
	for _, resource := range parsed.Resources {
		for _, instance := range resource.Instances {
			instances++
			text, err := json.Marshal(instance.Attributes.Ciphertext)
			if err != nil {
				return 0, err
			}
			size -= float64(len(text))
		}
	}
	return size / float64(max(instances, 1)), nil
}
