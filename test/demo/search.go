package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// shown is how many findings are listed at most.
const shown = 10

// searchLeaks searches all that Terraform left and said.
func searchLeaks(ctx context.Context, d *demo) error {
	values := newHaystack()
	var short []string
	for _, name := range slices.Sorted(maps.Keys(d.input.entries)) {
		if !values.add(name, d.input.entries[name]) {
			short = append(short, name)
		}
	}
	values.add("the whole .env", d.input.text)
	if err := tryOut(values, d.input.entries); err != nil {
		return err
	}
	if err := checkThere(d.workDir()); err != nil {
		return err
	}
	keys := newHaystack()
	keys.add("the simulator's API key", d.sim.key)
	keys.add("the operator's identity", d.operator.Text())
	for i, id := range d.boxKeys {
		keys.add(fmt.Sprintf("identity %d of the box", i+1), id.Text())
	}

	leaked, err := keys.searchTree(d.workDir())
	if err != nil {
		return err
	}
	found, err := values.searchTree(d.workDir())
	if err != nil {
		return err
	}
	d.Line("%d forms of %s, %d identities and 1 API key, in %d files and plan members, %.1f MB",
		values.needles+keys.needles, stage.Counted(len(d.input.entries), "value", "values"), 1+len(d.boxKeys), values.files, float64(values.bytes)/1e6)
	if len(short) > 0 {
		d.Line("shorter than %d bytes, and so searched for by their digests only:", shortest)
		d.List(short)
	}
	if len(found) > 0 {
		if found, err = d.withoutCommonplace(ctx, values, found); err != nil {
			return err
		}
	}
	if leaked = append(leaked, found...); len(leaked) > 0 {
		for _, f := range leaked[:min(shown, len(leaked))] {
			d.Line("%s", f)
		}
		return fmt.Errorf("%s leaked: %s", stage.Counted(len(leaked), "secret has", "secrets have"), leaked[0])
	}
	d.Line("none of them is in there")
	return nil
}

// tryOut checks that the search finds every value that it is to find, before its
// finding nothing is taken for an answer.
func tryOut(h *haystack, entries map[string]secret.Text) error {
	for name, value := range entries {
		if value.Len() < shortest {
			continue
		}
		plain := "<" + value.Reveal() + ">"
		for form, text := range map[string]string{"plain": plain, "base64": base64.StdEncoding.EncodeToString([]byte(plain))} {
			trial := *h // whose counts of files and bytes are dropped
			if len(trial.search("", []byte(text))) == 0 {
				return fmt.Errorf("the search itself is at fault: it misses %s in %s", name, form)
			}
		}
	}
	return nil
}

// checkThere checks that what is searched is there, the log at its loudest.
func checkThere(dir string) error {
	for name, mark := range map[string]string{
		"terraform.tfstate": "serial", planFile: "", planJSON: "planned_values", traceLog: "[TRACE]",
	} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(content) == 0 || !strings.Contains(string(content), mark) {
			return fmt.Errorf("the search would miss %s, which is not there as it should be", name)
		}
	}
	return nil
}

// withoutCommonplace drops what is found in a run that never saw the values too:
// 127.0.0.1, which a .env may well hold, is in the log of any run. The other run
// is the same, with values of its own under the same names.
func (d *demo) withoutCommonplace(ctx context.Context, values *haystack, found []finding) ([]finding, error) {
	d.Line("%s; a second run, with other values under the same names, tells whether it is chance", stage.Counted(len(found), "value's text was found", "texts of values were found"))
	dir, err := d.controlRun(ctx)
	if err != nil {
		return nil, fmt.Errorf("the run with other values: %w", err)
	}
	anyway, err := values.searchTree(dir)
	if err != nil {
		return nil, err
	}
	commonplace := map[string]bool{}
	for _, f := range anyway {
		commonplace[string(f.text)] = true
	}
	var left []finding
	names := map[string]bool{}
	for _, f := range found {
		if commonplace[string(f.text)] {
			names[f.what] = true
		} else {
			left = append(left, f)
		}
	}
	if len(names) > 0 {
		d.Line("in that run too, and so no leak:")
		d.List(slices.Sorted(maps.Keys(names)))
	}
	return left, nil
}

// controlRun plans, applies, rotates and destroys examples/complete in a
// directory and an account of its own, and returns the directory.
func (d *demo) controlRun(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp(d.dir, "control-")
	if err != nil {
		return "", err
	}
	others := map[string]secret.Text{}
	for name := range d.input.entries {
		others[name] = secret.New(draw(letters, 32))
	}
	text, err := dotenv.FromMap(others).Encode(dotenv.Compose)
	if err != nil {
		return "", err
	}
	env := filepath.Join(d.dir, "input", "control.env")
	if err := os.WriteFile(env, []byte(text.Reveal()), 0o600); err != nil {
		return "", err
	}
	other := *d
	// An account of its own: the other one has a script in it that is to stay.
	if other.sim, err = startSimulator(d.program(simulatorProgram), dir); err != nil {
		return "", err
	}
	defer other.sim.stop()
	if err := other.enter(dir, env); err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{"plan", "-no-color", "-out=" + planFile},
		{"show", "-json", planFile},
		{"apply", "-no-color", planFile},
		{"show", "-json"},
		{"apply", "-no-color", "-auto-approve", "-replace=ageenv_key.box"},
		{"destroy", "-no-color", "-auto-approve"},
	} {
		if _, err := other.terraform(ctx, []int{0}, args...); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// enter makes a directory Terraform's: the example in it, and an environment that
// logs into it.
func (d *demo) enter(dir, env string) error {
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(d.root, "examples", "complete"))); err != nil {
		return errors.New("examples/complete can't be copied: " + err.Error())
	}
	if err := os.MkdirAll(filepath.Join(dir, protocolDumps), 0o700); err != nil {
		return err
	}
	d.cli.Dir, d.cli.Env = dir, d.cliEnvironment(dir, env)
	return nil
}
