package provider_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

const examplesDir = "../../examples"

// exampleDirs finds every directory that holds an example, so that a new one
// can't be forgotten.
func exampleDirs(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir(examplesDir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".tf") && !slices.Contains(dirs, filepath.Dir(path)) {
			dirs = append(dirs, filepath.Dir(path))
		}
		return err
	})
	if err != nil || len(dirs) < 19 {
		t.Fatalf("found %d examples (%v), expected 19 or more", len(dirs), err)
	}
	return dirs
}

// exampleInputs answers every variable that an example declares.
func exampleInputs(t *testing.T, w *world) map[string]string {
	envFile := filepath.Join(t.TempDir(), "app-env.txt")
	writeFile(t, envFile, "TOKEN=\"a b\"\n# comment\nURL=https://example.com\n")
	return map[string]string{
		"operator":          w.operator.recipient,
		"operators":         `["` + w.operator.recipient + `"]`,
		"env_file":          envFile,
		"token":             "example-token",
		"tokens":            `{"staging": "example-token-1", "production": "example-token-2"}`,
		"shared_token":      "example-shared-token",
		"database_password": "example password",
		"vault":             "stand-in-vault",
		"secrets":           `[{"key": "TOKEN", "value": "stand-in for bws"}]`,
	}
}

// exampleFiles are what examples read beside them.
func exampleFiles(t *testing.T, w *world, dir string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, "app.enc.env"), sealedBundle(t, "TOKEN=x\n", w.operator.recipient))
	encryptedFile(".yaml", "database:\n  password: example password\n")(t, w, filepath.Join(dir, "settings.enc.yaml"))
	writeFile(t, filepath.Join(dir, ".sops.yaml"), "creation_rules:\n  - age: "+w.operator.recipient+"\n")
}

func TestAccExamples(t *testing.T) {
	for _, dir := range exampleDirs(t) {
		name := strings.TrimPrefix(dir, examplesDir+"/")
		if strings.HasPrefix(name, "modules/") || slices.Contains([]string{"migration", "team", "database"}, name) {
			continue // modules are applied by what calls them and by TestAccModule, the migration by TestAccExampleMigration, the others by test/docs
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if strings.Contains(dir, "/actions/") {
				needActions(t)
			}
			cli := newExamplesCLI(t, w, name)
			for _, file := range globbed(t, filepath.Join(cli.dir, "import-by-*.tf")) {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
			exampleFiles(t, w, cli.dir)
			for name, value := range exampleInputs(t, w) {
				cli.env["TF_VAR_"+name] = value
			}
			for _, args := range [][]string{
				{"get"}, // the modules
				{"validate"},
				{"apply", "-auto-approve"},
				{"plan", "-detailed-exitcode"}, // exit code 2 if it is not empty
				{"destroy", "-auto-approve"},
			} {
				if example := readExample(t, dir); args[0] == "destroy" && strings.Contains(example, "prevent_destroy") {
					cli.write(strings.ReplaceAll(example, "prevent_destroy = true", "prevent_destroy = false"))
				}
				if out, err := cli.run(args...); err != nil {
					t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
			if w.sim != nil && len(w.sim.Scripts()) != 0 {
				t.Error("destroy left a script in the account")
			}
		})
	}
}

func readExample(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range files {
		if isImportSnippet(file) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(content)
	}
	return text.String()
}

// isImportSnippet reports whether a file holds an import block that the page shows
// next to the example: TestAccImportSnippets runs it.
func isImportSnippet(file string) bool { return strings.HasPrefix(filepath.Base(file), "import-by-") }

// notSecret are the variables of examples and modules that hold public things.
var notSecret = []string{
	"operator", "operators", "owner", "group", "quarter", "script_id", "boxes", "leaked_at", "check_api_key", "environment", "vault", "repository",
	// of modules/vultr-box
	"name", "region", "plan", "os_id", "image_id", "snapshot_id", "hostname", "user_data", "ssh_key_ids", "firewall_group_id", "tags",
	"content_version", "path", "mode", "dialect", "readers", "recipients", "keepers", "rotation_days",
}

// TestExamplesDeclareSecretsEphemeral: a variable that is not ephemeral is put
// into a saved plan by Terraform itself.
func TestExamplesDeclareSecretsEphemeral(t *testing.T) {
	seen := 0
	for _, dir := range exampleDirs(t) {
		file, diags := hclparse.NewParser().ParseHCL([]byte(readExample(t, dir)), dir)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			t.Fatal("not a body of the native syntax")
		}
		for _, block := range body.Blocks {
			if block.Type != "variable" || slices.Contains(notSecret, block.Labels[0]) {
				continue
			}
			seen++
			if !isTrue(block.Body.Attributes["ephemeral"]) {
				t.Errorf("%s: variable %s is not ephemeral", dir, block.Labels[0])
			}
		}
	}
	if seen == 0 {
		t.Error("no variable was looked at")
	}
}

func isTrue(attribute *hclsyntax.Attribute) bool {
	if attribute == nil {
		return false
	}
	value, diags := attribute.Expr.Value(&hcl.EvalContext{})
	return !diags.HasErrors() && value.True()
}

// TestAccImportSnippets runs what the import pages tell to run.
func TestAccImportSnippets(t *testing.T) {
	command := regexp.MustCompile(`(?m)^terraform (import \S+) (\S+)$`)
	for resource, prepare := range map[string]func(t *testing.T, w *world) string{
		"ageenv_key": func(t *testing.T, _ *world) string {
			return newPerson(t).keyFile
		},
		"ageenv_bundle": func(t *testing.T, w *world) string {
			path := filepath.Join(t.TempDir(), "app.enc.env")
			writeFile(t, path, sealedBundle(t, "TOKEN=x\n", w.operator.recipient))
			return path
		},
		"ageenv_vultr_startup_script": func(_ *testing.T, w *world) string {
			return w.simulator().Add("made by hand", "IyEvYmluL3NoCg==").ID
		},
	} {
		t.Run(resource, func(t *testing.T) {
			dir := filepath.Join(examplesDir, "resources", resource)
			snippet, err := os.ReadFile(filepath.Join(dir, "import.sh"))
			if err != nil {
				t.Fatal(err)
			}
			match := command.FindSubmatch(snippet)
			if match == nil {
				t.Fatal("the snippet holds no terraform import command")
			}
			w := newWorld(t)
			cli := newCLI(t, w)
			cli.write(readExample(t, dir))
			for name, value := range exampleInputs(t, w) {
				cli.env["TF_VAR_"+name] = value
			}
			id := prepare(t, w)
			importBlocks(t, w, dir, id)
			args := append(strings.Fields(string(match[1])), id)
			if out, err := cli.run(args...); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := cli.run("plan"); err != nil || strings.Contains(out, "must be replaced") {
				t.Errorf("the plan after the import: %v\n%s", err, out)
			}
		})
	}
}

// importBlocks plans each import block of the page, with an ID that is there.
func importBlocks(t *testing.T, w *world, dir, id string) {
	t.Helper()
	blocks := globbed(t, filepath.Join(dir, "import-by-*.tf"))
	if len(blocks) == 0 {
		t.Fatal("the page shows no import block")
	}
	for _, file := range blocks {
		if strings.HasSuffix(file, "-identity.tf") && !hasIdentity(t) {
			continue
		}
		block, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cli := newCLI(t, w)
		for name, value := range exampleInputs(t, w) {
			cli.env["TF_VAR_"+name] = value
		}
		cli.write(readExample(t, dir) + regexp.MustCompile(`(\bid += )".*"`).ReplaceAllString(string(block), `${1}"`+id+`"`))
		if out, err := cli.run("plan"); err != nil || !strings.Contains(out, "Plan: 1 to import") || strings.Contains(out, "must be replaced") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func globbed(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sealedBundle is a sops_dotenv bundle of the text.
func sealedBundle(t *testing.T, text, recipient string) string {
	t.Helper()
	return sealedFile(t, bundle.SOPSDotenv, text, recipient)
}
