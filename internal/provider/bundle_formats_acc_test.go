package provider_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// realRun runs a real program that make test builds, or skips.
func realRun(t *testing.T, variable, input string, env []string, args ...string) string {
	t.Helper()
	tool := os.Getenv(variable)
	if tool == "" {
		t.Skipf("%s names no binary: make test builds one", variable)
	}
	cmd := exec.Command(tool, args...)
	home := t.TempDir()
	cmd.Env = append(env, "HOME="+home, "XDG_CONFIG_HOME="+home)
	cmd.Stdin = strings.NewReader(input)
	var out, report bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &report
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(tool), strings.Join(args, " "), err, report.String())
	}
	return out.String()
}

// opensWith is an error unless the real program that a format is for gives the
// text, or every file, to a person.
func opensWith(t *testing.T, format bundle.Format, text string, files map[string]string, p person) after {
	return func(a attributes) {
		ciphertext := a.text(bundleAddress, "ciphertext")
		switch format {
		case bundle.SOPSDotenv, bundle.SOPSBinary:
			// The name is the one that the docs give, and no flag is.
			file := filepath.Join(t.TempDir(), map[bundle.Format]string{bundle.SOPSDotenv: "app.enc.env", bundle.SOPSBinary: ".env.enc"}[format])
			writeFile(t, file, ciphertext)
			if got := realRun(t, "AGEENV_TEST_SOPS", "", []string{"SOPS_AGE_KEY_FILE=" + p.keyFile}, "-d", file); got != text {
				t.Errorf("sops reads %q, expected %q", got, text)
			}
		case bundle.SOPSYAML, bundle.SOPSJSON, bundle.SOPSKubernetes:
			name := "app.yaml"
			if format == bundle.SOPSJSON {
				name = "app.json"
			}
			file := filepath.Join(t.TempDir(), name)
			writeFile(t, file, ciphertext)
			var got struct {
				Data map[string][]byte
				Kind string
			}
			entries := map[string]string{}
			out := []byte(realRun(t, "AGEENV_TEST_SOPS", "", []string{"SOPS_AGE_KEY_FILE=" + p.keyFile}, "-d", "--output-type", "json", file))
			if format == bundle.SOPSKubernetes {
				if err := json.Unmarshal(out, &got); err != nil || got.Kind != "Secret" {
					t.Errorf("no Secret: %v", err)
				}
				for name, value := range got.Data {
					entries[name] = string(value)
				}
			} else if err := json.Unmarshal(out, &entries); err != nil {
				t.Error(err)
			}
			if !maps.Equal(entries, files) {
				t.Errorf("sops reads %q, expected %q", entries, files)
			}
		default:
			got := realRun(t, "AGEENV_TEST_AGE", ciphertext, nil, "-d", "-i", p.keyFile)
			if format == bundle.AgeDotenv {
				if got != text {
					t.Errorf("age reads %q, expected %q", got, text)
				}
				return
			}
			for name, content := range files {
				tar := exec.Command("tar", "-xOf", "-", name)
				tar.Stdin = strings.NewReader(got)
				if out, err := tar.Output(); err != nil || string(out) != content {
					t.Errorf("%s: tar gives %q, %v", name, out, err)
				}
			}
		}
	}
}

// ownSource opens what ageenv_bundle has made in that format.
func ownSource(format bundle.Format) bundle.Source {
	return bundle.Source{Format: format, AllowUnauthenticated: isDocument(format), Own: true}
}

// hclMap writes entries as a map, by a detour that no character gets lost on.
func hclMap(entries map[string]string) string {
	quote := func(text string) string {
		return fmt.Sprintf("(base64decode(%q))", base64.StdEncoding.EncodeToString([]byte(text)))
	}
	var out strings.Builder
	for key, value := range entries {
		out.WriteString(" " + quote(key) + " = " + quote(value) + ",")
	}
	return "{" + out.String() + " }"
}

// documentOf is entries as the packages below take them.
func documentOf(entries map[string]string) dotenv.Document {
	texts := map[string]secret.Text{}
	for key, value := range entries {
		texts[key] = secret.New(value)
	}
	return dotenv.FromMap(texts)
}

// Every format in every dialect: what is written opens with the real program, reads
// as it was given, and a second plan is empty.
func TestAccBundleFormatsAndDialects(t *testing.T) {
	box := newPerson(t)
	values := map[string]string{"PLAIN": "a/b:c", "SPACED": " two words # no comment ", "DOLLAR": "$x ${y} `z`", "QUOTE": `"double"`}
	for _, format := range bundle.Formats() {
		for i, dialect := range dotenv.Dialects() {
			if isDocument(format) && i > 0 {
				continue // the dialect is nothing to it
			}
			t.Run(string(format)+"/"+string(dialect), func(t *testing.T) {
				entries := map[string]string{}
				for key, value := range values {
					if dialect.CheckValue(key, value) == nil {
						entries[key] = value
					}
				}
				if len(entries) < 3 {
					t.Fatalf("the dialect holds %d of the entries", len(entries))
				}
				doc := documentOf(entries)
				text, err := doc.Encode(dialect)
				if err != nil {
					t.Fatal(err)
				}
				w := newWorld(t)
				config := bundleConfig(w, "entries_wo = "+hclMap(entries), bundleRecipients(box), formatArgument(format), fmt.Sprintf("dialect = %q", dialect))
				resource.Test(t, resource.TestCase{
					ProtoV6ProviderFactories: w.factories(),
					Steps: []resource.TestStep{
						{Config: config, ConfigStateChecks: looks(opensWith(t, format, text.Reveal(), entries, box))},
						{Config: config, ConfigPlanChecks: plannedEmpty},
					},
				})
			})
		}
	}
}

// From format to format the content is carried over, never read from the
// configuration while content_version stays, and keeps its times.
func TestAccBundleFormatsCarry(t *testing.T) {
	w := newWorld(t)
	box := newPerson(t)
	entries := map[string]string{"A": "1", "B": "two\nlines", "C": ""}
	config := func(format, dialect, content string) string {
		return bundleConfig(w, "entries_wo = "+content, `content_version = "1"`, bundleRecipients(box), formatArgument(bundle.Format(format)), fmt.Sprintf("dialect = %q", dialect))
	}
	var times, ciphertext string
	keep := func(a attributes) {
		now := fmt.Sprint(a[bundleAddress]["changed_at"])
		if times == "" {
			times = now
		}
		if now != times {
			t.Errorf("names and times became %s, and were %s", now, times)
		}
	}
	holds := func(format bundle.Format, dialect dotenv.Dialect) after {
		return func(a attributes) {
			opened, err := ownSource(format).Open(a.text(bundleAddress, "ciphertext"), box.identities(t))
			if err != nil {
				t.Fatal(err)
			}
			content, err := opened.Read(bundle.Params{Dialect: dialect})
			if err != nil || !content.Document.EqualEntries(documentOf(entries)) {
				t.Errorf("the content is another one: %v, %v", content.Document.Keys(), err)
			}
		}
	}
	steps := []resource.TestStep{{
		Config:            config("sops_dotenv", "compose", hclMap(entries)),
		ConfigStateChecks: looks(keep, holds(bundle.SOPSDotenv, dotenv.Compose), stateKeep(&ciphertext, bundleAddress, "ciphertext")),
	}}
	for _, next := range []struct {
		format  bundle.Format
		dialect dotenv.Dialect
	}{
		{bundle.SOPSBinary, dotenv.Compose}, {bundle.SOPSBinary, dotenv.Systemd}, {bundle.SOPSKubernetes, dotenv.Systemd}, {bundle.AgeFiles, dotenv.Systemd}, {bundle.SOPSJSON, dotenv.Shell}, {bundle.AgeDotenv, dotenv.Shell}, {bundle.SOPSYAML, dotenv.Compose}, {bundle.SOPSDotenv, dotenv.Compose},
	} {
		now := config(string(next.format), string(next.dialect), `{ NOT = "read" }`)
		steps = append(steps, resource.TestStep{Config: now, ConfigStateChecks: looks(
			stateChanged(t, &ciphertext, bundleAddress, "ciphertext"), keep, holds(next.format, next.dialect), stateKeep(&ciphertext, bundleAddress, "ciphertext"),
		)}, resource.TestStep{Config: now, ConfigPlanChecks: plannedEmpty})
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: steps})
}

// The dialect is nothing to age_files: another one encrypts nothing anew.
func TestAccBundleFilesHaveNoDialect(t *testing.T) {
	w := newWorld(t)
	config := func(dialect string) string {
		return bundleConfig(w, `entries_wo = { "tls.crt" = "x" }`, "recipients = []", `format = "age_files"`, fmt.Sprintf("dialect = %q", dialect))
	}
	var ciphertext string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("compose"), ConfigStateChecks: looks(stateKeep(&ciphertext, bundleAddress, "ciphertext"))},
			{Config: config("shell"), ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext"))},
			{Config: config("shell"), ConfigPlanChecks: plannedEmpty},
		},
	})
}

// All kinds of recipients in one sops bundle, and each opens it for the provider.
func TestAccBundleRecipientKinds(t *testing.T) {
	people := map[string]person{"x25519": newPerson(t), "hybrid": newHybridPerson(t), "ssh-ed25519": newSSHPerson(t), "ssh-rsa": newRSAPerson(t)}
	for _, format := range bundle.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := newWorld(t)
			var to []person
			for kind, p := range people {
				if mixed := strings.HasPrefix(string(format), "sops_"); mixed || kind != "hybrid" {
					to = append(to, p)
				}
			}
			config := bundleConfig(w, `entries_wo = { A = "1" }`, bundleRecipients(to...), formatArgument(format))
			steps := []resource.TestStep{{Config: config}}
			for _, p := range to {
				// Whoever plans opens the bundle to see whether it changed.
				steps = append(steps, resource.TestStep{
					PreConfig: func() {
						delete(w.env, "SOPS_AGE_KEY_FILE")
						delete(w.env, "SOPS_AGE_SSH_PRIVATE_KEY_FILE")
						variable := "SOPS_AGE_KEY_FILE"
						if strings.HasPrefix(p.recipient, "ssh-") {
							variable = "SOPS_AGE_SSH_PRIVATE_KEY_FILE"
						}
						w.env[variable] = p.keyFile
					},
					Config: config, ConfigPlanChecks: plannedEmpty,
				})
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: steps})
		})
	}
}

// What a plan refuses of formats, dialects and recipients together.
func TestAccBadFormats(t *testing.T) {
	classic, hybrid := newPerson(t), newHybridPerson(t)
	given := func(arguments ...string) string {
		return "resource \"ageenv_bundle\" \"b\" {\n  recipients = []\n  " + strings.Join(arguments, "\n  ") + "\n}\n"
	}
	mixed := func(format string) string {
		return fmt.Sprintf("resource \"ageenv_bundle\" \"b\" {\n  recipients = [%q]\n  operator_recipients = [%q]\n  entries_wo = { A = \"x\" }\n  format = %q\n}\n", classic.recipient, hybrid.recipient, format)
	}
	badTable(t, map[string]badInput{
		"docker, line break": {
			config: given(`entries_wo = { KEY = "canary\nx" }`, `dialect = "docker"`, `format = "sops_binary"`),
			says:   []string{"In entries_wo: KEY:", "docker dialect can't hold", "compose", "systemd", "shell"}, hides: []string{"canary"},
		},
		"systemd, line break, one line each": {
			config: given(`entries_wo = { KEY = "canary\nx" }`, `dialect = "systemd"`),
			says:   []string{"In entries_wo: KEY:", "the systemd dialect writes a line break as it is", "use format sops_binary or age_dotenv, or dialect compose"}, hides: []string{"canary"},
		},
		"portable": {
			config: given("entries_wo = { KEY = \"canary'`\\\\\" }", `dialect = "portable"`, `format = "sops_binary"`),
			says:   []string{"In entries_wo: KEY:", "portable dialect can't hold", "compose"}, hides: []string{"canary"},
		},
		"shell's own name": {
			config: given(`entries_wo = { UID = "canary" }`, `dialect = "shell"`),
			says:   []string{"In entries_wo: UID:", "shell"}, hides: []string{"canary"},
		},
		"docker, empty, one line each": {
			config: given(`entries_wo = { KEY = "" }`, `dialect = "docker"`),
			says:   []string{"In entries_wo: KEY:", "sops does not authenticate that"},
		},
		"env text in another dialect": {
			config: given(`dotenv_wo = "A=1\nKEY='canary"`, `dialect = "shell"`),
			says:   []string{"In dotenv_wo: Line 2, KEY: the quote that opens the value is never closed"}, hides: []string{"canary"},
		},
		"file name": {
			config: given(`entries_wo = { "../KEY" = "canary" }`, `format = "age_files"`),
			says:   []string{"In entries_wo: \"../KEY\": the name is not one that age_files gives to a file"}, hides: []string{"canary"},
		},
		"file name in another format": {
			config: given(`entries_wo = { "tls.crt" = "canary" }`, `dialect = "shell"`),
			says:   []string{"In entries_wo: \"tls.crt\": the name has a . or a -, which only the dialects compose and docker can hold"}, hides: []string{"canary"},
		},
		"age_dotenv, mixed recipients": {config: mixed("age_dotenv"), says: []string{"Recipients can't be mixed", "use format = \"sops_dotenv\""}},
		"age_files, mixed recipients":  {config: mixed("age_files"), says: []string{"Recipients can't be mixed"}},
		"unknown format":               {config: given(`entries_wo = {}`, `format = "sops_ini"`), says: []string{"format", "sops_binary"}},
		"unknown dialect":              {config: given(`entries_wo = {}`, `dialect = "bash"`), says: []string{"dialect", "portable"}},
	})
}

// A dialect or format that can't hold what is in the bundle is refused by the plan,
// and not by the apply.
func TestAccBundleCantBeCarried(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	config := func(more string) string {
		// The content is unmanaged, as after an import.
		return bundleConfig(w, "recipients = []", more)
	}
	cli.write(config(`entries_wo = { KEY = "canary\nx" }`))
	cli.must("apply", "-auto-approve")
	for more, says := range map[string]string{
		`dialect = "docker"`:  "KEY: the docker dialect can't hold a line break",
		`dialect = "systemd"`: "KEY: the systemd dialect writes a line break as it is",
	} {
		cli.write(config(more))
		out, err := cli.run("plan")
		if exitCode(err) != 1 {
			t.Errorf("%s: the plan ends with %v", more, err)
		}
		badOutput(t, out, []string{"The content can't be carried over", says}, []string{"canary"})
	}
}

// A plan shows which names come and go and when values changed, and little else.
func TestAccPlanIsShort(t *testing.T) {
	for _, format := range bundle.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := newWorld(t)
			cli := newCLI(t, w)
			config := func(entries string) string {
				return w.config(fmt.Sprintf("resource \"ageenv_key\" \"k\" {}\nresource \"ageenv_bundle\" \"b\" {\n  entries_wo = %s\n  recipients = ageenv_key.k.recipients\n  %s\n}\n", entries, formatArgument(format))) +
					scriptOf(format)
			}
			cli.write(config(`{ GONE = "first-canary", HELD = "x", KEPT = "x" }`))
			cli.must("apply", "-auto-approve")
			state := stateOf(t, cli)
			cli.write(config(`{ HELD = "x", KEPT = "x", NEW = "second-canary", NEXT = "x" }`))
			out := cli.must("plan")
			badOutput(t, out, []string{`- "GONE" `, `+ "NEW" `, "changed_at"}, []string{"canary", "ENC[", "BEGIN AGE", state.text(bundleAddress, "ciphertext")[:60]})
			if lines := strings.Count(out, "\n"); lines > 75 {
				t.Errorf("the plan has %d lines:\n%s", lines, out)
			}
		})
	}
}

// scriptOf drops the bundle where that can be.
func scriptOf(format bundle.Format) string {
	if !format.HasText() {
		return ""
	}
	return `
resource "ageenv_vultr_startup_script" "s" {
  name             = "app"
  wrapped_identity = ageenv_key.k.wrapped_identity
  files            = [{ ciphertext_wo = ageenv_bundle.b.ciphertext, path = "/opt/app/.env" }]
}
`
}
