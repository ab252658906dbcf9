package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// terraform is a configuration in a directory, and the provider that it is run with.
type terraform struct {
	b    bench
	dir  string
	env  []string
	used string // the file in which the measured provider's usage is
}

// newTerraform makes a configuration. The source of the provider is ageenv/SOURCE, or
// what else is given with a slash in it. The variables come in addition to the
// environment.
func newTerraform(b bench, name, source, provider, config string, variables ...string) (*terraform, error) {
	dir := filepath.Join(b.work, name)
	overrides := filepath.Join(dir, "provider")
	if err := os.MkdirAll(overrides, 0o700); err != nil {
		return nil, err
	}
	if !strings.Contains(source, "/") {
		source = "ageenv/" + source
	}
	_, kind, _ := strings.Cut(source, "/")
	if err := os.Symlink(filepath.Join(b.bin, "measured"), filepath.Join(overrides, "terraform-provider-"+kind)); err != nil && !os.IsExist(err) {
		return nil, err
	}
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"registry.terraform.io/%[1]s\" = %[2]q\n    \"registry.opentofu.org/%[1]s\" = %[2]q\n  }\n  direct {}\n}\n", source, overrides)
	files := map[string]string{"terraform.rc": rc, "main.tf": fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n%s", kind, source, config)}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	t := &terraform{b: b, dir: dir, used: filepath.Join(dir, "used.json")}
	t.env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "TF_") || strings.HasPrefix(entry, "SOPS_") || strings.HasPrefix(entry, "VULTR_")
	})
	t.env = append(t.env, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraform.rc"), "TF_IN_AUTOMATION=1", "TF_CLI_ARGS=-no-color", "CHECKPOINT_DISABLE=1",
		"MEASURED_PROVIDER="+provider, "MEASURED_FILE="+t.used)
	t.env = append(t.env, variables...)
	return t, nil
}

// spent is what a command used: seconds of CPU, of wall, and bytes.
type spent struct {
	core, provider, wall, memory float64
}

func (s spent) cpu() float64 { return s.core + s.provider }

// run runs a subcommand.
func (t *terraform) run(ctx context.Context, args ...string) (spent, error) {
	_ = os.Remove(t.used)
	used, err := runMeasured(ctx, t.dir, t.env, append([]string{t.b.cli}, args...)...)
	if err != nil {
		return spent{}, err
	}
	s := spent{core: used.cpu.Seconds(), wall: used.wall.Seconds()}
	file, err := os.Open(t.used)
	if err != nil {
		return spent{}, err
	}
	defer file.Close() //nolint:errcheck // it is read
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var one struct{ CPU, Memory float64 }
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return spent{}, err
		}
		s.provider += one.CPU
		s.core -= one.CPU
		s.memory = max(s.memory, one.Memory)
	}
	return s, nil
}

// The steps of each resource, in their order.
var steps = []string{"plan new", "apply new", "plan unchanged", "apply one changed"}

// all runs the four steps of a configuration that has a variable changed: the index of
// the resource that is another one. With a state it leaves out the apply that would make
// it: Terraform writes the whole state after each resource, and of 5,000 that takes half
// an hour, whatever the provider.
func (t *terraform) all(ctx context.Context, state []byte) (map[string]spent, error) {
	of := map[string]spent{}
	for i, args := range [][]string{
		{"plan", "-out=new.tfplan"},
		{"apply", "new.tfplan"},
		{"plan", "-detailed-exitcode"},
		{"apply", "-auto-approve", "-var=changed=0"},
	} {
		if i == 1 && state != nil {
			if err := os.WriteFile(filepath.Join(t.dir, "terraform.tfstate"), state, 0o600); err != nil {
				return nil, err
			}
			continue
		}
		one, err := t.run(ctx, args...)
		if err != nil {
			return nil, err
		}
		of[steps[i]] = one
	}
	return of, nil
}

// multiplied is a state of one resource with count, with as many instances as count says.
// Each is like the last instance, since the apply of a change has changed the first.
func multiplied(state string, count int) ([]byte, error) {
	var parsed map[string]any
	if err := json.Unmarshal([]byte(state), &parsed); err != nil {
		return nil, err
	}
	resources, _ := parsed["resources"].([]any)
	if len(resources) != 1 {
		return nil, fmt.Errorf("the state has %d resources, want 1", len(resources))
	}
	resource, _ := resources[0].(map[string]any)
	instances, _ := resource["instances"].([]any)
	if len(instances) == 0 {
		return nil, errors.New("the state has no instance")
	}
	all := make([]any, count)
	last, _ := instances[len(instances)-1].(map[string]any)
	for i := range all {
		instance := maps.Clone(last)
		instance["index_key"] = i
		all[i] = instance
	}
	resource["instances"] = all
	return json.MarshalIndent(parsed, "", "  ")
}

// state is the size of the state, and the number of resources in it.
func (t *terraform) state() (bytes float64, text string, err error) {
	content, err := os.ReadFile(filepath.Join(t.dir, "terraform.tfstate"))
	return float64(len(content)), string(content), err
}
