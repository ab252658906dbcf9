package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
)

// wildFiles are the env files of frameworks in internal/dotenv/testdata, with how their
// references are read, their reader, and what it gets.
var wildFiles = []struct {
	name, references string
	reader           dotenvtest.Reader
	first            string // in the error of a plan without references
	warns            string
}{
	{"laravel", "braces", dotenvtest.PHP, "Line 22, MAIL_FROM_NAME: the $ is a reference", ""},
	{"rails", "resolve", dotenvtest.Ruby, "Line 3, RACK_ENV: the $ is a reference", ""},
	{"django", "resolve", dotenvtest.Python, "Line 9, DATABASE_URL: the $ is a reference", ""},
	{"next", "resolve", dotenvtest.Next, "Line 3, NEXT_PUBLIC_URL: the $ is a reference", ""},
	{"supabase", "resolve", dotenvtest.Compose, "Line 18, POOLER_DB_URL: the $ is a reference", "line 26, SITE_URL: the name is set in line 20 already"},
	{"elastic", "resolve", dotenvtest.Compose, "Line 12, cluster.name: the $ is a reference", ""},
	{"windows", "", dotenvtest.Compose, "", "line 1: the lines end in CR LF"},
}

// Each file is refused with the remedy first, and with it planned and applied at once,
// by its path and as a text. A box gets what the file's real reader gets.
func TestAccWildFiles(t *testing.T) {
	w := newWorld(t)
	c := newCLI(t, w)
	box := newPerson(t)
	var first, config strings.Builder
	var firsts []string
	warns := map[string]string{}
	for _, file := range wildFiles {
		path, err := filepath.Abs(filepath.Join("..", "dotenv", "testdata", "wild", file.name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c.env["TF_VAR_"+file.name] = string(text)
		write := func(out *strings.Builder, references string) {
			fmt.Fprintf(out, "variable %[1]q {\n  type      = string\n  ephemeral = true\n}\nephemeral \"ageenv_dotenv\" %[1]q {\n  path = %[2]q\n%[3]s}\n"+
				"resource \"ageenv_bundle\" %[1]q {\n  dotenv_wo  = ephemeral.ageenv_dotenv.%[1]s.dotenv\n  recipients = [%[4]q]\n}\n"+
				"resource \"ageenv_bundle\" \"%[1]s_text\" {\n  dotenv_wo  = var.%[1]s\n  recipients = [%[4]q]\n%[3]s}\n", file.name, path, references, box.recipient)
		}
		write(&first, "")
		if references := file.references; references != "" {
			firsts = append(firsts, file.first)
			write(&config, fmt.Sprintf("  references = %q\n", references))
		} else {
			write(&config, "")
		}
		if file.warns != "" {
			warns[file.name] = file.warns
		}
	}
	hides := []string{"made-up", "made up", "not-a-real-key"}

	c.write(w.config(first.String()))
	out, err := c.run("plan")
	if exitCode(err) != 1 {
		t.Fatalf("the first plan ends with %v:\n%s", err, out)
	}
	badOutput(t, out, append(firsts, `set references = "resolve"`), hides)

	c.write(w.config(config.String()))
	for name, says := range warns { // alone, since the CLI shows one of several alike
		badOutput(t, c.must("plan", "-target=ageenv_bundle."+name), []string{"Warning: Check how the env text was read", "with ephemeral.ageenv_dotenv." + name, says}, hides)
		badOutput(t, c.must("plan", "-target=ageenv_bundle."+name+"_text"), []string{"Warning: Check how the env text was read", "with ageenv_bundle." + name + "_text", "In dotenv_wo:", says}, hides)
	}
	badOutput(t, c.must("apply", "-auto-approve"), []string{"Warning: Check how the env text was read"}, hides)
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("a second plan is not empty: %v\n%s", err, out)
	}
	sealed := sealedIn(t, filepath.Join(c.dir, "terraform.tfstate"))
	for _, file := range wildFiles {
		t.Run(file.name, func(t *testing.T) {
			text := openedBy(t, sealed[file.name], box)
			if again := openedBy(t, sealed[file.name+"_text"], box); again != text {
				t.Errorf("by its text it is %q, by its path %q", again, text)
			}
			want, got := file.reader.Read(t, c.env["TF_VAR_"+file.name]), dotenvtest.Compose.Read(t, text)
			if file.name == "windows" {
				want["BANNER"] = strings.ReplaceAll(want["BANNER"], "\r\n", "\n") // compose keeps the CR
			}
			if len(got) != len(want) {
				t.Errorf("%d entries, want %d", len(got), len(want))
			}
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s is %q, want %q", name, got[name], value)
				}
			}
		})
	}
}

// sealedIn are the ciphertexts of the bundles in a state, by name.
func sealedIn(t *testing.T, file string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Resources []struct {
			Name      string
			Instances []struct{ Attributes struct{ Ciphertext string } }
		}
	}
	if err := json.Unmarshal(content, &state); err != nil {
		t.Fatal(err)
	}
	sealed := map[string]string{}
	for _, r := range state.Resources {
		for _, instance := range r.Instances {
			sealed[r.Name] = instance.Attributes.Ciphertext
		}
	}
	return sealed
}

// References are compose's, and belong to a text. A change of the argument changes the
// content, and the state follows where the content stays.
func TestAccReferences(t *testing.T) {
	w := newWorld(t)
	c := newCLI(t, w)
	bundle := func(arguments string) {
		c.write(w.config("variable \"text\" {\n  type      = string\n  ephemeral = true\n}\nresource \"ageenv_bundle\" \"b\" {\n  recipients = []\n" + arguments + "}\n"))
	}
	text := func() string {
		return openedBy(t, sealedIn(t, filepath.Join(c.dir, "terraform.tfstate"))["b"], w.operator)
	}
	empty := func() {
		t.Helper()
		if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
			t.Errorf("a second plan is not empty: %v\n%s", err, out)
		}
	}
	c.env["TF_VAR_text"] = "A=canary\nB=\"${A} $1\"\n"
	bundle("  dotenv_wo  = var.text\n  references = \"resolve\"\n")
	c.must("apply", "-auto-approve")
	if got := text(); got != "A=canary\nB='canary $1'\n" {
		t.Errorf("it is %q", got)
	}
	empty()
	bundle("  dotenv_wo  = var.text\n  references = \"braces\"\n") // the same content
	c.must("apply", "-auto-approve")
	empty()
	c.env["TF_VAR_text"] = "A=canary\nB=\"${A} $A\"\n"
	c.must("apply", "-auto-approve")
	if got := text(); got != "A=canary\nB='canary $A'\n" {
		t.Errorf("it is %q", got)
	}
	bundle("  dotenv_wo  = var.text\n  references = \"resolve\"\n")
	c.must("apply", "-auto-approve")
	if got := text(); got != "A=canary\nB='canary canary'\n" {
		t.Errorf("it is %q", got)
	}
	empty()
	for arguments, says := range map[string]string{
		"  dotenv_wo  = var.text\n  references = \"resolve\"\n  dialect    = \"shell\"\n": "No references in this dialect",
		"  dotenv_wo  = var.text\n  references = \"all\"\n":                               `["resolve" "braces"]`,
		"  entries_wo = {}\n  references = \"resolve\"\n":                                 `"dotenv_wo" must be specified`,
		"  dotenv_wo  = var.text\n":                                                       `set references = "resolve"`,
	} {
		bundle(arguments)
		out, err := c.run("plan")
		if exitCode(err) != 1 {
			t.Errorf("%s: the plan ends with %v", says, err)
		}
		badOutput(t, out, []string{says}, []string{"canary"})
	}
}
