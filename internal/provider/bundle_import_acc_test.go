package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// importFile is a file that is imported, and the configuration that it is then.
type importFile struct {
	made      func(t *testing.T, w *world, file string)
	id        string   // before the path
	arguments []string // of the configuration, but for its recipients
	text      string   // what is inside
	anew      bool     // the next apply encrypts it anew
}

// encryptedFile has the real sops encrypt a text for the operator.
func encryptedFile(extension, text string, args ...string) func(t *testing.T, w *world, file string) {
	return func(t *testing.T, w *world, file string) {
		plain := filepath.Join(t.TempDir(), "plain"+extension)
		writeFile(t, plain, text)
		writeFile(t, file, realRun(t, "AGEENV_TEST_SOPS", "", nil, append(append([]string{"--encrypt", "--age", w.operator.recipient}, args...), plain)...))
	}
}

// What sops and age made is taken over as it is, with no diff; what sops does not
// authenticate is encrypted anew once.
func TestAccBundleImports(t *testing.T) {
	const text = "# a comment\nA=\"two words\"\nB='$x'\n"
	for name, f := range map[string]importFile{
		"sops, dotenv": {encryptedFile(".env", text), "", []string{`format = "sops_dotenv"`}, text, false},
		"sops, binary": {encryptedFile(".bin", text+"\n\nC=\"3\n4\"\n"), "", []string{`format = "sops_binary"`}, text + "\n\nC=\"3\n4\"\n", false},
		"age": {func(t *testing.T, w *world, file string) {
			writeFile(t, file, realRun(t, "AGEENV_TEST_AGE", text, nil, "-a", "-r", w.operator.recipient))
		}, "", []string{`format = "age_dotenv"`}, text, false},
		"another dialect":                 {encryptedFile(".env", "A=\"raw quotes\" $x\n"), "docker:", []string{`dialect = "docker"`}, "A=\"raw quotes\" $x\n", false},
		"sops, an empty value":            {encryptedFile(".env", "A=\nB=2\n"), "", nil, "A=\"\"\nB=2\n", true},
		"sops, names as people have them": {encryptedFile(".env", "# of Laravel\nexport APP_KEY=\"base64:x=\"\n A=1\nfoo-bar=2\n"), "", nil, "# of Laravel\nexport APP_KEY=\"base64:x=\"\n A=1\nfoo-bar=2\n", false},
		"sops, a clear suffix, binary":    {encryptedFile(".bin", "A=1\n"), "", []string{`format = "sops_binary"`}, "A=1\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := filepath.Join(t.TempDir(), "app.enc.env")
			f.made(t, w, file)
			config := bundleConfig(w, append(f.arguments, "recipients = []")...)
			next := resource.TestStep{Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(func(a attributes) {
				if content, err := os.ReadFile(file); err != nil || a.text(bundleAddress, "ciphertext") != string(content) {
					t.Errorf("the ciphertext is not the file's: %v", err)
				}
			}, stateOpens(t, f.text, w.operator))}
			if f.anew {
				next.ConfigPlanChecks = planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate})
				next.ConfigStateChecks = looks(stateOpens(t, f.text, w.operator))
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
				{Config: config, ResourceName: bundleAddress, ImportState: true, ImportStatePersist: true, ImportStateId: f.id + file},
				next,
				{Config: config, ConfigPlanChecks: plannedEmpty},
			}})
		})
	}
}

// Imports that are refused, with what to do instead.
func TestAccBundleImportRefused(t *testing.T) {
	for name, f := range map[string]struct {
		made func(t *testing.T, w *world, file string)
		says string
	}{
		"ini":             {encryptedFile(".ini", "A = import-canary\n"), "Files of format sops_ini are read (by the ephemeral ageenv_bundle), and not managed"},
		"yaml, nested":    {encryptedFile(".yaml", "A:\n  B: import-canary\n"), "The value of A.B is under a name inside another name."},
		"yaml, a number":  {encryptedFile(".yaml", "A: import-canary\nB: 5\n"), "The value of B is not a text, but a number or a truth value, for example."},
		"json, a list":    {encryptedFile(".json", `{"A": ["import-canary"]}`), "The value of A.0 is in a list."},
		"yaml, a comment": {encryptedFile(".yaml", "# import-canary\nA: x\n"), "There is a comment. Read the file with the ephemeral ageenv_bundle"},
		"no env text":     {encryptedFile(".bin", "import-canary without equals\n"), "Is its env text for another reader than compose?"},
		"another dialect": {encryptedFile(".env", "A=import-canary $x\n"), "Is its env text for another reader than compose?"},
		"binary age file": {func(t *testing.T, w *world, file string) {
			writeFile(t, file, realRun(t, "AGEENV_TEST_AGE", "A=import-canary\n", nil, "-r", w.operator.recipient))
		}, "Make an armored one"},
		"key groups": {func(t *testing.T, w *world, file string) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, ".sops.yaml"), fmt.Sprintf("creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n", w.operator.recipient, newPerson(t).recipient))
			writeFile(t, filepath.Join(dir, "a.env"), "A=import-canary\n")
			writeFile(t, file, realRun(t, "AGEENV_TEST_SOPS", "", nil, "--config", filepath.Join(dir, ".sops.yaml"), "--encrypt", filepath.Join(dir, "a.env")))
		}, "key groups"},
		"nobody's": {func(t *testing.T, _ *world, file string) {
			writeFile(t, file, sealedBundle(t, "A=import-canary\n", newPerson(t).recipient))
		}, "can't be decrypted with any identity found here"},
		"plain text": {func(t *testing.T, _ *world, file string) { writeFile(t, file, "A=import-canary\n") }, "A plaintext env file is not imported: read it with the ephemeral ageenv_dotenv"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cli := newCLI(t, w)
			file := filepath.Join(t.TempDir(), "app.enc.env")
			f.made(t, w, file)
			cli.write(bundleConfig(w, "recipients = []"))
			out, err := cli.run("import", bundleAddress, file)
			if exitCode(err) != 1 {
				t.Fatalf("the import ends with %v", err)
			}
			badOutput(t, out, []string{"can't be imported", f.says}, []string{"import-canary"})
		})
	}
}

// What is imported with names that only sops takes is written anew, once somebody else
// is to open it, with names that every program reads.
func TestAccBundleImportedNamesAreWrittenAnew(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "app.enc.env")
	encryptedFile(".env", "export APP_KEY=base64:x\n A=1\nB=2\n")(t, w, file)
	box := newPerson(t)
	before, after := bundleConfig(w, "recipients = []"), bundleConfig(w, fmt.Sprintf("recipients = [%q]", box.recipient))
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: before, ResourceName: bundleAddress, ImportState: true, ImportStatePersist: true, ImportStateId: file},
		{Config: after, ConfigStateChecks: looks(stateOpens(t, "APP_KEY=base64:x\nA=1\nB=2\n", w.operator), stateOpens(t, "APP_KEY=base64:x\nA=1\nB=2\n", box))},
		{Config: after, ConfigPlanChecks: plannedEmpty},
	}})
}

// A tar that somebody packed is taken over as age_files.
func TestAccBundleImportFiles(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "app.age")
	writeFile(t, file, sealedFile(t, bundle.AgeFiles, "A=1\nB=2\n", w.operator.recipient))
	config := bundleConfig(w, `entries_wo = { A = "1", B = "2" }`, `format = "age_files"`, "recipients = []")
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config, ResourceName: bundleAddress, ImportState: true, ImportStatePersist: true, ImportStateId: file},
		{Config: config, ConfigPlanChecks: plannedEmpty},
	}})
}

// The configuration that the CLI writes for an import can be used as it is: the
// plan with it changes nothing.
func TestAccGeneratedConfiguration(t *testing.T) {
	w := newWorld(t)
	cli := newCLI(t, w)
	dir := t.TempDir()
	key := newPerson(t)
	recipient, err := agekey.ParseRecipient(w.operator.recipient)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := agekey.SealArmored(secret.New("# created: 2026-01-02T03:04:05Z\n"+newPerson(t).identity+"\n"), []agekey.Recipient{recipient})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"ageenv_bundle.dotenv": filepath.Join(dir, "app.enc.env"), "ageenv_bundle.binary": filepath.Join(dir, ".env.enc"),
		"ageenv_bundle.age": filepath.Join(dir, "app.age"), "ageenv_bundle.files": filepath.Join(dir, "files.age"),
		"ageenv_key.plain": key.keyFile, "ageenv_key.wrapped": filepath.Join(dir, "key.age"),
	}
	writeFile(t, files["ageenv_bundle.dotenv"], sealedFile(t, bundle.SOPSDotenv, "A=generated-canary\n", w.operator.recipient, key.recipient))
	writeFile(t, files["ageenv_bundle.binary"], sealedFile(t, bundle.SOPSBinary, "A=generated-canary\n", w.operator.recipient))
	writeFile(t, files["ageenv_bundle.age"], sealedFile(t, bundle.AgeDotenv, "A=generated-canary\n", w.operator.recipient))
	writeFile(t, files["ageenv_bundle.files"], sealedFile(t, bundle.AgeFiles, "A=generated-canary\n", w.operator.recipient))
	writeFile(t, files["ageenv_key.wrapped"], wrapped)
	var imports strings.Builder
	for address, file := range files {
		fmt.Fprintf(&imports, "import {\n  to = %s\n  id = %q\n}\n", address, file)
	}
	cli.write(w.config(imports.String()))
	out := cli.must("plan", "-generate-config-out="+filepath.Join(cli.dir, "generated.tf"))
	if !strings.Contains(out, "6 to import, 0 to add, 0 to change, 0 to destroy") {
		t.Errorf("the plan that generates is\n%s", out)
	}
	generated, err := os.ReadFile(filepath.Join(cli.dir, "generated.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(generated), "canary") || strings.Contains(string(generated), key.identity) {
		t.Errorf("a secret is in the configuration:\n%s", generated)
	}
	out = cli.must("apply", "-auto-approve")
	if !strings.Contains(out, "6 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("the apply is\n%s\nof\n%s", out, generated)
	}
	if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan after it: %v\n%s", err, out)
	}
}
