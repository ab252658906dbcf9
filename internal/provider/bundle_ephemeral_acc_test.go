package provider_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// echoed entries, format and raw of an ephemeral bundle.
func echoFile(t *testing.T, format, raw string, entries map[string]string) after {
	return echoResult(t, func(result map[string]any) {
		got := map[string]string{}
		values, _ := result["entries"].(map[string]any)
		for key, value := range values {
			got[key] = fmt.Sprint(value)
		}
		if !maps.Equal(got, entries) {
			t.Errorf("entries are %q, expected %q", got, entries)
		}
		if result["format"] != format {
			t.Errorf("format is %v, expected %s", result["format"], format)
		}
		if raw != "" && result["raw"] != raw {
			t.Errorf("raw is %q, expected %q", result["raw"], raw)
		}
		if text, ok := result["raw"].(string); ok {
			if decoded, err := base64.StdEncoding.DecodeString(fmt.Sprint(result["raw_base64"])); err != nil || string(decoded) != text {
				t.Errorf("raw_base64 is another text: %v", err)
			}
		}
		if isEnv := bundle.Format(format).HasText() && entries != nil; (result["dotenv"] != nil) != isEnv {
			t.Errorf("dotenv is %v", result["dotenv"])
		}
	})
}

// Every file that the sops command writes is read by path and by text.
func TestAccEphemeralReadsEverySOPSFile(t *testing.T) {
	for name, f := range map[string]struct {
		extension, text string
		arguments       string
		format, raw     string
		entries         map[string]string
	}{
		"dotenv":            {".env", "# c\nA=1\n", "", "sops_dotenv", "# c\nA=1\n", map[string]string{"A": "1"}},
		"binary":            {".bin", "A=1\n\n", "", "sops_binary", "A=1\n\n", map[string]string{"A": "1"}},
		"binary, no env":    {".bin", "no env text", "read_entries = false", "sops_binary", "no env text", nil},
		"json":              {".json", `{"db": {"user": "u", "ports": [5432, 1.5]}, "on": true}`, "", "sops_json", "", map[string]string{"db.user": "u", "db.ports.0": "5432", "db.ports.1": "1.5", "on": "true"}},
		"json, one data":    {".json", `{"data": "x"}`, `format = "sops_json"`, "sops_json", "", map[string]string{"data": "x"}},
		"yaml":              {".yaml", "# c\ndb:\n    user: u\n    list:\n        - a\n        - b: c\n", "", "sops_yaml", "# c\ndb:\n    user: u\n    list:\n        - a\n        - b: c\n", map[string]string{"db.user": "u", "db.list.0": "a", "db.list.1.b": "c"}},
		"ini":               {".ini", "top = 1\n\n[db]\nuser = u\n", "", "sops_ini", "", map[string]string{"top": "1", "db.user": "u"}},
		"yaml, in clear":    {".yaml", "A: x\nB_unencrypted: y\nC: \"\"\n", "allow_unauthenticated = true", "sops_yaml", "", map[string]string{"A": "x", "B_unencrypted": "y", "C": ""}},
		"dotenv, empty":     {".env", "A=\nB=1\n", "allow_unauthenticated = true", "sops_dotenv", "A=\nB=1\n", map[string]string{"A": "", "B": "1"}},
		"yaml, merges":      {".yaml", "base: &base {A: x, B: y}\nweb:\n  <<: *base\n  B: z\n", "", "sops_yaml", "base:\n    A: x\n    B: \"y\"\nweb:\n    !!merge <<:\n        A: x\n        B: \"y\"\n    B: z\n", map[string]string{"base.A": "x", "base.B": "y", "web.A": "x", "web.B": "z"}},
		"ini, comments":     {".ini", "[db]\n; one\n; two\nuser = u\n", "", "sops_ini", "[db]\n; one\n; two\nuser = u\n", map[string]string{"db.user": "u"}},
		"names alike, raw":  {".yaml", "a.b: x\na:\n    b: z\n", "read_entries = false", "sops_yaml", "a.b: x\na:\n    b: z\n", nil},
		"dotenv, export":    {".env", "export A=1\n B=2\nfoo-bar=3\na.b=4\n", "", "sops_dotenv", "export A=1\n B=2\nfoo-bar=3\na.b=4\n", map[string]string{"A": "1", "B": "2", "foo-bar": "3", "a.b": "4"}},
		"dotenv, raw":       {".env", "3D=1\nA:B=2\n", "read_entries = false", "sops_dotenv", "3D=1\nA:B=2\n", nil},
		"dotenv in systemd": {".env", "A=\"a\\\\b\"\n", `dialect = "systemd"`, "sops_dotenv", "", map[string]string{"A": `a\b`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := filepath.Join(t.TempDir(), "secret.enc")
			encryptedFile(f.extension, f.text)(t, w, file)
			var steps []resource.TestStep
			for _, source := range []string{fmt.Sprintf("path = %q", file), fmt.Sprintf("ciphertext = file(%q)", file)} {
				steps = append(steps, resource.TestStep{
					Config:            w.config("ephemeral \"ageenv_bundle\" \"e\" {\n  "+source+"\n  "+f.arguments+"\n}\n") + echoed("ephemeral.ageenv_bundle.e"),
					ConfigStateChecks: looks(echoFile(t, f.format, f.raw, f.entries)),
				})
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: steps})
		})
	}
}

// With key groups it takes identities of two of them.
func TestAccEphemeralKeyGroups(t *testing.T) {
	w := newWorld(t)
	second, third := newHybridPerson(t), newPerson(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, ".sops.yaml"), fmt.Sprintf("creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n      - age: [%s]\n", w.operator.recipient, second.recipient, third.recipient))
	writeFile(t, filepath.Join(dir, "a.json"), `{"A": "1"}`)
	file := filepath.Join(dir, "a.enc.json")
	writeFile(t, file, realRun(t, "AGEENV_TEST_SOPS", "", nil, "--config", filepath.Join(dir, ".sops.yaml"), "--encrypt", filepath.Join(dir, "a.json")))
	badOutput(t, func() string {
		c := newCLI(t, w)
		c.env["SOPS_AGE_KEY_FILE"] = second.keyFile
		c.write(w.config(fmt.Sprintf("ephemeral \"ageenv_bundle\" \"e\" {\n  path = %q\n}\n", file)))
		out, err := c.run("plan")
		if exitCode(err) != 1 {
			t.Errorf("with one group the plan ends with %v", err)
		}
		return out
	}(), []string{"Its data key is split among 3 key groups, and it takes an identity of 2 of them. Opened: group 2. Not opened: group 1 (" + w.operator.recipient + "), group 3 (" + third.recipient + ")", "The identities found belong to: " + second.recipient[:40]}, nil)
	config := func(files ...string) string {
		return fmt.Sprintf("provider \"ageenv\" {\n  identity_files = [\"%s\"]\n}\n\nephemeral \"ageenv_bundle\" \"e\" {\n  path = %q\n}\n", strings.Join(files, `", "`), file) + echoed("ephemeral.ageenv_bundle.e")
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config(second.keyFile), ConfigStateChecks: looks(echoFile(t, "sops_json", "", map[string]string{"A": "1"}))},
		{PreConfig: func() { delete(w.env, "SOPS_AGE_KEY_FILE") }, Config: config(second.keyFile, third.keyFile), ConfigStateChecks: looks(echoFile(t, "sops_json", "", map[string]string{"A": "1"}))},
	}})
}

// What an ephemeral bundle refuses, with the entry and what to do.
func TestAccBadEphemeralFiles(t *testing.T) {
	w := newWorld(t)
	opening := func(arguments string, made func(t *testing.T, w *world, file string)) badInput {
		file := filepath.Join(t.TempDir(), "secret.enc")
		made(t, w, file)
		return badInput{
			config: fmt.Sprintf("ephemeral \"ageenv_bundle\" \"e\" {\n  path = %q\n  %s\n}\n", file, arguments),
			env:    map[string]string{"SOPS_AGE_KEY_FILE": w.operator.keyFile},
			hides:  []string{"canary"},
		}
	}
	cases := map[string]badInput{}
	for name, c := range map[string]struct {
		arguments string
		made      func(t *testing.T, w *world, file string)
		says      []string
	}{
		"in clear":       {"", encryptedFile(".yaml", "A: x\nB_unencrypted: canary\n"), []string{"B_unencrypted", "sops stores names that end in _unencrypted in clear", "allow_unauthenticated = true"}},
		"by a rule":      {"", encryptedFile(".yaml", "A: canary\nB: canary\n", "--encrypted-regex", "^A$"), []string{"B: the value is not encrypted", "allow_unauthenticated = true"}},
		"empty":          {"", encryptedFile(".env", "A=\nB=canary\n"), []string{"A: the value is empty", "allow_unauthenticated = true"}},
		"true in dotenv": {"", encryptedFile(".yaml", "A: true\nB: canary\n", "--output-type", "dotenv"), []string{"A: the value's text depends on its type", "allow_unauthenticated = true"}},
		"an empty name":  {"", encryptedFile(".json", `{"a": {"": "canary"}}`), []string{"was opened, and its entries can't be read: a: a name inside it is empty", "read_entries = false"}},
		"a git conflict": {"", func(t *testing.T, w *world, file string) {
			encryptedFile(".yaml", "A: canary\n")(t, w, file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, file, "<<<<<<< HEAD\n"+string(text)+"=======\n"+string(text)+">>>>>>> side\n")
		}, []string{"The bundle", "can't be read: Line 1: git left a merge conflict here: take one version whole (git checkout --ours FILE, or --theirs)"}},
		"a Secret":       {"", encryptedFile(".yaml", "kind: Secret\napiVersion: v1\nmetadata: {name: app}\ntype: Opaque\nstringData: {A: canary}\n", "--encrypted-regex", "^(data|stringData)$"), []string{"is the manifest of a Kubernetes Secret", `set format = "sops_kubernetes"`}},
		"documents":      {"", encryptedFile(".yaml", "A: canary\n---\nA: canary2\n"), []string{"several YAML documents", "read_entries = false"}},
		"no env text":    {"", encryptedFile(".bin", "canary"), []string{"was opened, and its entries can't be read", "read_entries = false"}},
		"another format": {`format = "sops_json"`, encryptedFile(".yaml", "A: canary\n"), []string{"The bundle can't be"}},
		"age, not sops": {`format = "sops_dotenv"`, func(t *testing.T, w *world, file string) {
			writeFile(t, file, sealedFile(t, bundle.AgeDotenv, "A=canary\n", w.operator.recipient))
		}, []string{"not of the format that it is said to be"}},
		"files, not text": {`format = "age_dotenv"`, func(t *testing.T, w *world, file string) {
			writeFile(t, file, sealedFile(t, bundle.AgeFiles, "A=canary\n", w.operator.recipient))
		}, []string{"not of the format that it is said to be"}},
		"flattened alike": {"", encryptedFile(".json", `{"a.b": "canary", "a": {"b": "canary"}}`), []string{"was opened, and its entries can't be read: a.b: two values have this name", "read_entries = false"}},
		"a name twice": {"", func(t *testing.T, w *world, file string) {
			encryptedFile(".json", `{"a": {"b": "canary", "c": "canary"}}`)(t, w, file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, file, strings.Replace(string(text), `"c":`, `"b":`, 1))
		}, []string{"a.b: the name is there twice"}},
		"a value of bytes": {"", func(t *testing.T, w *world, file string) { writeFile(t, file, filesOf(t, w, "A", "canary\xff")) }, []string{"A is not UTF-8", "raw_base64"}},
	} {
		b := opening(c.arguments, c.made)
		b.says = c.says
		cases[name] = b
	}
	badTable(t, cases)
}

// filesOf is an age_files bundle with one file.
func filesOf(t *testing.T, w *world, name, content string) string {
	t.Helper()
	params := bundle.Params{Format: bundle.AgeFiles}
	for _, id := range w.operator.identities(t) {
		params.Recipients = append(params.Recipients, id.Recipient())
	}
	made, err := bundle.NewContent(documentOf(map[string]string{name: content}), params)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := bundle.Seal(made, params, w.now())
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// The text True is read, with a warning: its type is not authenticated.
func TestAccEphemeralWarnsOfTypes(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	file := filepath.Join(t.TempDir(), "settings.enc.json")
	encryptedFile(".json", `{"app": {"DEBUG": "True"}, "ON": true, "PLAIN": "type-canary"}`)(t, w, file)
	cli.write(w.config(fmt.Sprintf("ephemeral \"ageenv_bundle\" \"e\" {\n  path = %q\n}\n", file)))
	badOutput(t, cli.must("plan"), []string{"Warning: sops does not authenticate a type", "app.DEBUG: this is the text True or False. sops encrypts such a text as it does a truth value"}, []string{"type-canary", "ON:", "PLAIN:"})
}

// Terraform composes accents, and what it hands on then differs from the file.
func TestAccEphemeralWarnsOfNormalization(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	file := filepath.Join(t.TempDir(), "plain.env")
	writeFile(t, file, "ACCENT=\"e\u0301\"\nPLAIN=x\n")
	cli.write(w.config(fmt.Sprintf("ephemeral \"ageenv_dotenv\" \"e\" {\n  path = %q\n}\n", file)))
	badOutput(t, cli.must("plan"), []string{"Terraform changes these values", "ACCENT."}, []string{"PLAIN"})
}
