package provider_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	ephemeralschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	frameworkresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
)

// diceProvider has one ephemeral resource, dice_roll, whose value is another one
// each time it is opened: at plan, and again at apply.
type diceProvider struct{}

func (diceProvider) Metadata(_ context.Context, _ frameworkprovider.MetadataRequest, resp *frameworkprovider.MetadataResponse) {
	resp.TypeName = "dice"
}

func (diceProvider) Schema(context.Context, frameworkprovider.SchemaRequest, *frameworkprovider.SchemaResponse) {
}

func (diceProvider) Configure(context.Context, frameworkprovider.ConfigureRequest, *frameworkprovider.ConfigureResponse) {
}

func (diceProvider) Resources(context.Context) []func() frameworkresource.Resource { return nil }

func (diceProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (diceProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{func() ephemeral.EphemeralResource { return diceRoll{} }}
}

type diceRoll struct{}

func (diceRoll) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = "dice_roll"
}

func (diceRoll) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = ephemeralschema.Schema{Attributes: map[string]ephemeralschema.Attribute{
		"value": ephemeralschema.StringAttribute{Computed: true},
	}}
}

func (diceRoll) Open(ctx context.Context, _ ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	resp.Diagnostics.Append(resp.Result.SetAttribute(ctx, path.Root("value"), rand.Text())...)
}

// withDice adds the dice to a world's providers.
func withDice(w *world) map[string]func() (tfprotov6.ProviderServer, error) {
	factories := w.factories()
	factories["dice"] = providerserver.NewProtocol6WithError(diceProvider{})
	return factories
}

// The value differs between plan and apply, and the recipients change: the old
// content is carried over, and the configured value is not read.
func TestAccPlanRandomEphemeral(t *testing.T) {
	for _, format := range bundle.Formats() {
		t.Run(string(format), func(t *testing.T) {
			w := newWorld(t)
			box, other := newPerson(t), newPerson(t)
			config := func(version string, recipients ...string) string {
				return w.config(fmt.Sprintf(`
ephemeral "dice_roll" "token" {}

resource "ageenv_bundle" "b" {
  entries_wo      = { TOKEN = ephemeral.dice_roll.token.value }
  content_version = %q
  %s
  recipients      = ["%s"]
}
`, version, formatArgument(format), strings.Join(recipients, `", "`)))
			}
			var ciphertext, first string
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: withDice(w),
				Steps: []resource.TestStep{
					{Config: config("1", box.recipient), ConfigStateChecks: looks(
						stateKeep(&ciphertext, bundleAddress, "ciphertext"),
						func(a attributes) { first = openedBy(t, a.text(bundleAddress, "ciphertext"), w.operator) },
					)},
					{Config: config("1", box.recipient), ConfigPlanChecks: plannedEmpty},
					{Config: config("1", box.recipient, other.recipient), ConfigStateChecks: looks(
						stateChanged(t, &ciphertext, bundleAddress, "ciphertext"),
						func(a attributes) { stateOpens(t, first, w.operator, box, other)(a) },
					)},
					{Config: config("1", box.recipient, other.recipient), ConfigPlanChecks: plannedEmpty},
					{Config: config("2", box.recipient, other.recipient), ConfigStateChecks: looks(
						func(a attributes) {
							if openedBy(t, a.text(bundleAddress, "ciphertext"), w.operator) == first {
								t.Error("a new content_version kept the old content")
							}
						},
					)},
				},
			})
		})
	}
}

// A list that is computed, and nothing but it, as a set of recipients.
func TestAccPlanKeyRecipientsAlone(t *testing.T) {
	w := newWorld(t)
	config := w.config(`
resource "ageenv_key" "k" {}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = "first" }
  recipients = ageenv_key.k.recipients
}
`)
	var ciphertext string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config, ConfigStateChecks: looks(
				stateKeep(&ciphertext, bundleAddress, "ciphertext"),
				func(a attributes) {
					if got, want := fmt.Sprint(a.texts(bundleAddress, "recipients")), fmt.Sprint(a.texts(keyAddress, "recipients")); got != want {
						t.Errorf("recipients %s, expected %s", got, want)
					}
					if got, want := fmt.Sprint(a.texts(bundleAddress, "operator_recipients")), "["+w.operator.recipient+"]"; got != want {
						t.Errorf("operator_recipients %s, expected %s", got, want)
					}
				},
			)},
			{Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext"))},
		},
	})
}

func TestAccPlanOtherOperator(t *testing.T) {
	for name, setup := range map[string]func(w *world, first, second person) (config string){
		"escrow names both": func(w *world, first, second person) string {
			return w.escrowConfig([]string{first.recipient, second.recipient}, oneService)
		},
		// The operators were taken from the first one's identities, and are kept.
		"escrow taken from the identities at hand": func(w *world, _, _ person) string {
			return "provider \"ageenv\" {\n" + fastVultr(w.sim != nil) + "}\n" + withContentVersion("1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			second := newPerson(t)
			config := setup(w, w.operator, second)
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: config},
					{
						PreConfig:        func() { w.env["SOPS_AGE_KEY_FILE"] = second.keyFile },
						Config:           config,
						ConfigPlanChecks: plannedEmpty,
					},
				},
			})
		})
	}
}

// withContentVersion is oneService with a content version.
func withContentVersion(version string) string {
	return strings.Replace(oneService, "  entries_wo =", fmt.Sprintf("  content_version = %q\n  entries_wo =", version), 1)
}

// Unknown twice: when everything is new, and when all is there and only the
// identities become unknown again. Then what depends on them is planned as
// changing, turns out equal at apply, and nothing is encrypted or uploaded.
func TestAccPlanIdentitiesUnknown(t *testing.T) {
	w := newWorld(t)
	delete(w.env, "SOPS_AGE_KEY_FILE")
	config := func(comment string) string {
		return fmt.Sprintf(`
resource "terraform_data" "operator" {
  input = "# %s\n%s\n"
}

provider "ageenv" {
  escrow_recipients = [%q]
  identities        = [terraform_data.operator.output]
%s}
`, comment, w.operator.identity, w.operator.recipient, fastVultr(w.sim != nil)) + oneService
	}
	var ciphertext, wrapped, id, remote string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: config("one"), ConfigStateChecks: looks(
				stateKeep(&ciphertext, bundleAddress, "ciphertext"), stateKeep(&wrapped, keyAddress, "wrapped_identity"),
				stateKeep(&id, scriptAddress, "id"), stateKeep(&remote, scriptAddress, "remote_sha256"),
			)},
			{Config: config("one"), ConfigPlanChecks: plannedEmpty},
			{
				Config: config("two"),
				ConfigPlanChecks: planned(map[string]plancheck.ResourceActionType{
					keyAddress: plancheck.ResourceActionNoop, bundleAddress: plancheck.ResourceActionUpdate, scriptAddress: plancheck.ResourceActionUpdate,
				}),
				ConfigStateChecks: looks(
					stateSame(t, &ciphertext, bundleAddress, "ciphertext"), stateSame(t, &wrapped, keyAddress, "wrapped_identity"),
					stateSame(t, &id, scriptAddress, "id"), stateSame(t, &remote, scriptAddress, "remote_sha256"),
				),
			},
			{Config: config("two"), ConfigPlanChecks: plannedEmpty},
		},
	})
}

func TestAccPlanContentRemoved(t *testing.T) {
	w := newWorld(t)
	box, other := newPerson(t), newPerson(t)
	config := func(content string, recipients ...string) string {
		return w.config(fmt.Sprintf("resource \"ageenv_bundle\" \"b\" {\n%s\n  recipients = [\"%s\"]\n}\n", content, strings.Join(recipients, `", "`)))
	}
	const text = "# kept\nB=2\nA=1\n"
	var ciphertext string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{
				Config:            config(fmt.Sprintf("dotenv_wo = %q", text), box.recipient),
				ConfigStateChecks: looks(stateKeep(&ciphertext, bundleAddress, "ciphertext"), stateOpens(t, text, box)),
			},
			{
				Config:            config("", box.recipient),
				ConfigPlanChecks:  plannedEmpty,
				ConfigStateChecks: looks(stateSame(t, &ciphertext, bundleAddress, "ciphertext")),
			},
			{
				Config:            config("", box.recipient, other.recipient),
				ConfigStateChecks: looks(stateChanged(t, &ciphertext, bundleAddress, "ciphertext"), stateOpens(t, text, box, other, w.operator)),
			},
		},
	})
}

func TestAccPlanImportBundle(t *testing.T) {
	box := newPerson(t)
	const text = "# a comment\nTOKEN=first\nDB_URL=postgres://h/db\n"
	for name, made := range map[string]func(t *testing.T, w *world, file string){
		"ours, sops": func(t *testing.T, w *world, file string) {
			writeFile(t, file, sealedFile(t, bundle.SOPSDotenv, text, box.recipient, w.operator.recipient))
		},
		"ours, age": func(t *testing.T, w *world, file string) {
			writeFile(t, file, sealedFile(t, bundle.AgeDotenv, text, w.operator.recipient))
		},
		"real sops": func(t *testing.T, w *world, file string) {
			sops := os.Getenv("AGEENV_TEST_SOPS")
			if sops == "" {
				t.Skip("AGEENV_TEST_SOPS names no sops binary: make test builds one")
			}
			plain := filepath.Join(t.TempDir(), "plain.env")
			writeFile(t, plain, text)
			out, err := exec.Command(sops, "encrypt", "--age", box.recipient+","+w.operator.recipient, "--output", file, plain).CombinedOutput()
			if err != nil {
				t.Fatalf("sops: %v\n%s", err, out)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			file := filepath.Join(t.TempDir(), "app.enc.env")
			made(t, w, file)
			format, recipients := "sops_dotenv", fmt.Sprintf("[%q]", box.recipient)
			if name == "ours, age" {
				// An age file shows nobody: the one who opens it is taken for all there are.
				format, recipients = "age_dotenv", "[]"
			}
			var ciphertext string
			steps := []resource.TestStep{}
			for i, content := range []string{
				`entries_wo = { TOKEN = "first", DB_URL = "postgres://h/db" }`,
				fmt.Sprintf("dotenv_wo = %q", text),
				"",
			} {
				config := w.config(fmt.Sprintf("resource \"ageenv_bundle\" \"b\" {\n  recipients = %s\n  format = %q\n  %s\n}\n", recipients, format, content))
				if i == 0 {
					steps = append(steps, resource.TestStep{
						Config: config, ResourceName: bundleAddress, ImportState: true, ImportStatePersist: true, ImportStateId: file,
					})
				}
				steps = append(steps, resource.TestStep{Config: config, ConfigPlanChecks: plannedEmpty, ConfigStateChecks: looks(
					stateKeep(&ciphertext, bundleAddress, "ciphertext"),
					func(a attributes) {
						if content, err := os.ReadFile(file); err != nil || ciphertext != string(content) {
							t.Errorf("the ciphertext is not the file's: %v", err)
						}
					},
				)})
			}
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: steps})
		})
	}
}

// A re-wrap, an operator more and a first content version leave the script alone:
// a new script ID would mean new boxes.
func TestAccPlanReplacesNoScript(t *testing.T) {
	type step struct {
		key     string // an argument of the key; %s stands for two operators
		bundle  string // an argument of the bundle, likewise
		uploads bool   // that is, encrypts anew
		actions map[string]plancheck.ResourceActionType
	}
	for name, s := range map[string]step{
		"re-wrap": {
			key: "escrow_recipients = %s",
			actions: map[string]plancheck.ResourceActionType{
				keyAddress: plancheck.ResourceActionUpdate, bundleAddress: plancheck.ResourceActionNoop, scriptAddress: plancheck.ResourceActionUpdate,
			},
		},
		"an added operator": {
			bundle: "operator_recipients = %s", uploads: true,
			actions: map[string]plancheck.ResourceActionType{
				keyAddress: plancheck.ResourceActionNoop, bundleAddress: plancheck.ResourceActionUpdate, scriptAddress: plancheck.ResourceActionUpdate,
			},
		},
		"a first content_version": {
			bundle: `content_version = "1"`,
			actions: map[string]plancheck.ResourceActionType{
				keyAddress: plancheck.ResourceActionNoop, bundleAddress: plancheck.ResourceActionUpdate, scriptAddress: plancheck.ResourceActionUpdate,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			both := fmt.Sprintf("[%q, %q]", w.operator.recipient, newPerson(t).recipient)
			fill := func(argument string) string { return strings.ReplaceAll(argument, "%s", both) }
			config := strings.Replace(oneService, `"k" {}`, "\"k\" {\n  "+fill(s.key)+"\n}", 1)
			config = strings.Replace(config, "  entries_wo =", "  "+fill(s.bundle)+"\n  entries_wo =", 1)
			var id, remote, wrapped, sealed string
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: w.factories(),
				Steps: []resource.TestStep{
					{Config: w.config(oneService), ConfigStateChecks: looks(
						stateKeep(&id, scriptAddress, "id"), stateKeep(&remote, scriptAddress, "remote_sha256"),
						stateKeep(&wrapped, keyAddress, "wrapped_identity"), stateKeep(&sealed, bundleAddress, "ciphertext"),
					)},
					{Config: w.config(config), ConfigPlanChecks: planned(s.actions), ConfigStateChecks: looks(
						stateSame(t, &id, scriptAddress, "id"),
						func(a attributes) {
							if uploaded := a.text(scriptAddress, "remote_sha256") != remote; uploaded != s.uploads {
								t.Errorf("uploaded: %t, expected %t", uploaded, s.uploads)
							}
							if anew := a.text(bundleAddress, "ciphertext") != sealed; anew != s.uploads {
								t.Errorf("encrypted anew: %t, expected %t", anew, s.uploads)
							}
							if rewrapped := a.text(keyAddress, "wrapped_identity") != wrapped; rewrapped != (s.key != "") {
								t.Errorf("wrapped anew: %t", rewrapped)
							}
						},
					)},
					{Config: w.config(config), ConfigPlanChecks: plannedEmpty},
				},
			})
		})
	}
}

// The harness applies saved plans; here a day passes between any two runs, so
// between each plan and its apply.
func TestAccPlanAppliedAnotherDay(t *testing.T) {
	w := newWorld(t)
	day := time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)
	w.now = func() time.Time { day = day.Add(24 * time.Hour); return day }
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: w.factories(),
		Steps: []resource.TestStep{
			{Config: w.config(oneService)},
			{Config: w.config(oneService), ConfigPlanChecks: plannedEmpty},
			{Config: w.config(strings.Replace(oneService, `"first"`, `"second"`, 1))},
			{Config: w.config(strings.Replace(oneService, `"k" {}`, "\"k\" {\n  keepers = { week = \"1\" }\n}", 1))},
			{Config: w.config(strings.Replace(oneService, `"k" {}`, "\"k\" {\n  keepers = { week = \"2\" }\n}", 1))},
		},
	})
}

// A saved plan holds no value of an ephemeral variable: it is given again at
// apply, and may be another one by then.
func TestAccPlanSavedValuesChanged(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		update  string // what the bundle holds after an update planned with "two" and applied with "three"
	}{
		"without content_version": {update: "TOKEN=three\n"},
		"with content_version":    {version: `content_version = "1"`, update: "TOKEN=one\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			other := newPerson(t)
			cli := newCLI(t, w)
			write := func(recipients string) {
				cli.write(w.config(fmt.Sprintf(`
variable "token" {
  type      = string
  ephemeral = true
}

resource "ageenv_bundle" "b" {
  entries_wo = { TOKEN = var.token }
  recipients = %s
  %s
}
`, recipients, c.version)))
			}
			saved := filepath.Join(t.TempDir(), "plan")
			planAndApply := func(atPlan, atApply string) {
				cli.env["TF_VAR_token"] = atPlan
				cli.must("plan", "-out="+saved)
				cli.env["TF_VAR_token"] = atApply
				cli.must("apply", saved)
			}
			holds := func(want string) {
				t.Helper()
				if got := openedBy(t, stateOf(t, cli).text(bundleAddress, "ciphertext"), w.operator); got != want {
					t.Errorf("the bundle holds %q, expected %q", got, want)
				}
			}

			write("[]")
			planAndApply("zero", "one")
			holds("TOKEN=one\n")
			if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
				t.Errorf("the plan with what was applied is not empty: %v\n%s", err, out)
			}
			write(fmt.Sprintf("[%q]", other.recipient))
			planAndApply("two", "three")
			holds(c.update)
			if out, err := cli.run("plan", "-detailed-exitcode"); err != nil {
				t.Errorf("the plan with what was applied is not empty: %v\n%s", err, out)
			}
		})
	}
}

// A destroy begins with an ordinary plan, which has to open a bundle without
// content_version.
func TestAccDestroyWithoutIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		works  bool
	}{
		"with content_version":    {withContentVersion("1"), true},
		"without content_version": {oneService, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cli := newCLI(t, w)
			cli.write(w.config(c.config))
			cli.must("apply", "-auto-approve")
			delete(cli.env, "SOPS_AGE_KEY_FILE")
			out, err := cli.run("destroy", "-auto-approve")
			if c.works {
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			} else {
				if err == nil {
					t.Fatalf("destroyed without an identity:\n%s", out)
				}
				words := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
				for _, remedy := range []string{"No identity was found", "identity_files", "SOPS_AGE_KEY_FILE", "content_version", "terraform destroy -refresh=false"} {
					if !strings.Contains(words, remedy) {
						t.Errorf("the error does not name %q:\n%s", remedy, out)
					}
				}
				cli.must("destroy", "-auto-approve", "-refresh=false")
			}
			if left := stateOf(t, cli); len(left) != 0 {
				t.Errorf("%d resources are left in the state", len(left))
			}
			if w.sim != nil && len(w.sim.Scripts()) != 0 {
				t.Error("the script was left in the account")
			}
		})
	}
}
