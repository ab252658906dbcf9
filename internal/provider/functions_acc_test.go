package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// outputs applies expressions and returns what they give.
func outputs(t *testing.T, w *world, expressions map[string]string) map[string]any {
	t.Helper()
	cli := newCLI(t, w)
	config := ""
	for name, expression := range expressions {
		config += fmt.Sprintf("output %q {\n  value = %s\n}\n", name, expression)
	}
	cli.write(config)
	cli.must("apply", "-auto-approve")
	var state struct {
		Outputs map[string]struct{ Value any }
	}
	if err := json.Unmarshal(cli.state(), &state); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for name, output := range state.Outputs {
		values[name] = output.Value
	}
	return values
}

// What every format shows, with no identity at hand.
func TestAccFunctionBundleMetadata(t *testing.T) {
	w, other := newWorld(t), newHybridPerson(t)
	dir := t.TempDir()
	files := map[string]string{}
	for _, format := range []bundle.Format{bundle.SOPSDotenv, bundle.SOPSBinary, bundle.SOPSKubernetes} {
		files[string(format)] = sealedFile(t, format, "B=1\nA=metadata-canary\n", w.operator.recipient, other.recipient)
	}
	for _, format := range []bundle.Format{bundle.AgeDotenv, bundle.AgeFiles} {
		files[string(format)] = sealedFile(t, format, "A=metadata-canary\n", w.operator.recipient)
	}
	for name, text := range map[string]string{"sops_json": `{"a": {"b": ["x", "y"]}}`, "sops_yaml": "A: x\n", "sops_ini": "[s]\na = b\n"} {
		file := filepath.Join(dir, name)
		encryptedFile("."+strings.TrimPrefix(name, "sops_"), text)(t, w, file)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	expressions := map[string]string{}
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
		expressions[name] = fmt.Sprintf("provider::ageenv::bundle_metadata(file(%q))", filepath.Join(dir, name))
	}
	delete(w.env, "SOPS_AGE_KEY_FILE")
	got := outputs(t, w, expressions)
	both := []any{w.operator.recipient, other.recipient} // in the file's order
	one := []any{w.operator.recipient}
	for name, want := range map[string]map[string]any{
		"sops_dotenv":     {"format": "sops_dotenv", "keys": []any{"B", "A"}, "recipients": both},
		"sops_binary":     {"format": "sops_binary", "keys": nil, "recipients": both},
		"sops_kubernetes": {"format": "sops_kubernetes", "keys": []any{"B", "A"}, "recipients": both},
		"sops_json":       {"format": "sops_json", "keys": []any{"a.b.0", "a.b.1"}, "recipients": one},
		"sops_yaml":       {"format": "sops_yaml", "keys": []any{"A"}, "recipients": one},
		"sops_ini":        {"format": "sops_ini", "keys": []any{"s.a"}, "recipients": one},
		"age_dotenv":      {"format": "age", "keys": nil, "recipients": nil},
		"age_files":       {"format": "age", "keys": nil, "recipients": nil},
	} {
		result, _ := got[name].(map[string]any)
		for attribute, value := range want {
			if !reflect.DeepEqual(result[attribute], value) {
				t.Errorf("%s: %s is %v, expected %v", name, attribute, result[attribute], value)
			}
		}
		isSOPS := strings.HasPrefix(name, "sops_")
		if (result["sops_version"] == "3.13.3") != isSOPS || (result["last_modified"] != nil) != isSOPS {
			t.Errorf("%s: version %v, modified %v", name, result["sops_version"], result["last_modified"])
		}
	}
}

func TestAccFunctionsDotenv(t *testing.T) {
	w := newWorld(t)
	got := outputs(t, w, map[string]string{
		"decoded":    `provider::ageenv::dotenv_decode("# c\nB='two words'\nA=\"x \\$y\"\n")`,
		"docker":     `provider::ageenv::dotenv_decode("A='x' $y", "docker")`,
		"compose":    `provider::ageenv::dotenv_encode({ B = "two words", A = "$x", E = "" }, "compose")`,
		"node":       `provider::ageenv::dotenv_encode({ A = "'\"", B = "$x" }, "node")`,
		"several":    `provider::ageenv::dotenv_encode({ A = "it's" }, "compose", "node", "php", "node")`,
		"shell":      `provider::ageenv::dotenv_encode({ A = "it's" }, "shell")`,
		"round_trip": `provider::ageenv::dotenv_decode(provider::ageenv::dotenv_encode({ A = "a\nb" }, "systemd"), "systemd")`,
	})
	for name, want := range map[string]any{
		"decoded":    map[string]any{"A": "x $y", "B": "two words"},
		"docker":     map[string]any{"A": "'x' $y"},
		"compose":    "A='$x'\nB='two words'\nE=\"\"\n",
		"node":       "A=`'\"`\nB='$x'\n",
		"several":    "A=\"it's\"\n",
		"shell":      "A='it'\\''s'\n",
		"round_trip": map[string]any{"A": "a\nb"},
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s is %q, expected %q", name, got[name], want)
		}
	}
}

// The functions' own errors hold nothing of what they were given. (The CLI prints
// the values of variables beside any function's error; the docs say what for these
// functions are.)
func TestAccBadFunctionArguments(t *testing.T) {
	output := func(expression string) string { return "output \"o\" {\n  value = " + expression + "\n}\n" }
	badTable(t, map[string]badInput{
		"decode, line":      {config: output(`provider::ageenv::dotenv_decode(join("", ["A=1\nB=func", "canary$x"]))`), says: []string{"Line 2, B: the $ is a reference"}, hides: []string{"funccanary"}},
		"decode, dialect":   {config: output(`provider::ageenv::dotenv_decode("A=1", "bash")`), says: []string{"There is no such dialect: it is one of compose, docker, systemd, shell, portable"}},
		"decode, two":       {config: output(`provider::ageenv::dotenv_decode("A=1", "shell", "shell")`), says: []string{"Give one dialect at most"}},
		"encode, held":      {config: output(`provider::ageenv::dotenv_encode({ KEY = join("", ["func", "canary\n"]) }, "docker")`), says: []string{"KEY: the docker dialect can't hold a line break"}, hides: []string{"funccanary"}},
		"encode, null":      {config: output(`provider::ageenv::dotenv_encode({ KEY = null }, "docker")`), says: []string{"\"KEY\": the value is null"}},
		"encode, all":       {config: output(`provider::ageenv::dotenv_encode({ "A+B" = join("", ["func", "canary"]), "C D" = null }, "docker")`), says: []string{"\"A+B\": the name is not one that every program reads", "\"C D\": the value is null"}, hides: []string{"funccanary"}},
		"encode, dialect":   {config: output(`provider::ageenv::dotenv_encode({ KEY = "x" }, "bash")`), says: []string{"There is no such reader: it is one of compose,"}},
		"encode, readers":   {config: output(`provider::ageenv::dotenv_encode({ KEY = join("", ["func", "canary$("]) }, "compose", "next")`), says: []string{"KEY: next can't hold $(, which some of its versions run as a command"}, hides: []string{"funccanary"}},
		"encode, reader":    {config: output(`provider::ageenv::dotenv_encode({ KEY = "x" }, "compose", "perl")`), says: []string{"There is no such reader"}},
		"metadata, plain":   {config: output(`provider::ageenv::bundle_metadata(join("", ["A=func", "canary"]))`), says: []string{"The text is no bundle that can be read"}, hides: []string{"funccanary"}},
		"metadata, cut off": {config: output(`provider::ageenv::bundle_metadata("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n")`), says: []string{"not a whole, unaltered age file"}},
	})
}
