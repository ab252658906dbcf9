package provider_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// The addresses in oneService and its variants.
const (
	keyAddress    = "ageenv_key.k"
	bundleAddress = "ageenv_bundle.b"
	scriptAddress = "ageenv_vultr_startup_script.s"
)

// attributes are the attributes in a state, by resource and name.
type attributes map[string]map[string]any

// text is an attribute that is a string, "" if there is none.
func (a attributes) text(address, name string) string {
	text, _ := a[address][name].(string)
	return text
}

// texts is an attribute that is a list or a set of strings.
func (a attributes) texts(address, name string) (texts []string) {
	elements, _ := a[address][name].([]any)
	for _, element := range elements {
		texts = append(texts, fmt.Sprint(element))
	}
	return texts
}

// names are the names of a bundle's entries, sorted.
func (a attributes) names(bundle string) []string {
	times, _ := a[bundle]["changed_at"].(map[string]any)
	return slices.Sorted(maps.Keys(times))
}

// after looks at the state after a step.
type after func(a attributes)

func (look after) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	if req.State == nil || req.State.Values == nil || req.State.Values.RootModule == nil {
		resp.Error = fmt.Errorf("the state is empty")
		return
	}
	a := attributes{}
	for _, r := range req.State.Values.RootModule.Resources {
		a[r.Address] = r.AttributeValues
	}
	look(a)
}

// stateOf reads the state file of a direct run.
func stateOf(t *testing.T, cli *cliRun) attributes {
	t.Helper()
	a := attributes{}
	for _, r := range stateResources(t, cli) {
		for _, instance := range r.Instances {
			if instance.Deposed == "" { // what has a successor, and is still to be destroyed
				a[r.Type+"."+r.Name] = instance.Attributes
			}
		}
	}
	return a
}

// stateResource is a resource in a state file; Module is the address of its module, ""
// for the root's.
type stateResource struct {
	Module, Type, Name string
	Instances          []struct {
		Deposed    string
		Attributes map[string]any
	}
}

func stateResources(t *testing.T, cli *cliRun) []stateResource {
	t.Helper()
	var file struct{ Resources []stateResource }
	if err := json.Unmarshal(cli.state(), &file); err != nil {
		t.Fatal(err)
	}
	return file.Resources
}

// looks are the checks of one step.
func looks(each ...after) (checks []statecheck.StateCheck) {
	for _, look := range each {
		checks = append(checks, look)
	}
	return checks
}

// stateKeep copies an attribute into a variable.
func stateKeep(into *string, address, name string) after {
	return func(a attributes) { *into = a.text(address, name) }
}

// stateSame is an error if an attribute differs from what was kept.
func stateSame(t *testing.T, kept *string, address, name string) after {
	return func(a attributes) {
		if now := a.text(address, name); *kept == "" || now != *kept {
			t.Errorf("%s.%s changed from %q to %q", address, name, *kept, now)
		}
	}
}

// stateChanged is an error if an attribute is what was kept.
func stateChanged(t *testing.T, kept *string, address, name string) after {
	return func(a attributes) {
		if now := a.text(address, name); *kept == "" || now == "" || now == *kept {
			t.Errorf("%s.%s is still %q", address, name, now)
		}
	}
}

// planned expects actions of the plan of a step.
func planned(actions map[string]plancheck.ResourceActionType) resource.ConfigPlanChecks {
	var checks []plancheck.PlanCheck
	for address, action := range actions {
		checks = append(checks, plancheck.ExpectResourceAction(address, action))
	}
	return resource.ConfigPlanChecks{PreApply: checks}
}

// plannedEmpty expects that the plan of a step, before its apply, changes nothing.
var plannedEmpty = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}

func (p person) identities(t testing.TB) []agekey.Identity {
	t.Helper()
	return identitiesOf(t, p.identity)
}

func identitiesOf(t testing.TB, text string) []agekey.Identity {
	t.Helper()
	ids, err := agekey.ParseIdentities(secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// openedBy is the env text of a bundle, as an operator opens it.
func openedBy(t *testing.T, ciphertext string, by person) string {
	t.Helper()
	text, err := openText(ciphertext, by.identities(t))
	if err != nil {
		t.Fatalf("opening the bundle: %v", err)
	}
	return text.Reveal()
}

// stateOpens is an error if the bundle in a state is anything else than the text, or is
// closed to one of the people.
func stateOpens(t *testing.T, want string, people ...person) after {
	return func(a attributes) {
		for i, p := range people {
			if got := openedBy(t, a.text(bundleAddress, "ciphertext"), p); got != want {
				t.Errorf("person %d reads %q, expected %q", i, got, want)
			}
		}
	}
}

// sealedFile is a bundle as somebody may have had it in a file before.
func sealedFile(t *testing.T, format bundle.Format, text string, recipients ...string) string {
	t.Helper()
	doc, err := dotenv.Parse(secret.New(text), dotenv.Compose)
	if err != nil {
		t.Fatal(err)
	}
	content, err := bundle.NewContent(doc, bundle.Params{Format: format, Dialect: dotenv.Compose, Kubernetes: &bundle.Kubernetes{Name: "app"}})
	if err != nil {
		t.Fatal(err)
	}
	params := bundle.Params{Format: format, Dialect: dotenv.Compose, Kubernetes: &bundle.Kubernetes{Name: "app"}}
	for _, text := range recipients {
		recipient, err := agekey.ParseRecipient(text)
		if err != nil {
			t.Fatal(err)
		}
		params.Recipients = append(params.Recipients, recipient)
	}
	sealed, err := bundle.Seal(content, params, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// dataKey is a sops file's data key, as each of its recipients' stanzas has it.
func dataKey(t *testing.T, ciphertext string, by person) string {
	t.Helper()
	for line := range strings.SplitSeq(ciphertext, "\n") {
		name, enc, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "sops_age__list_") || !strings.HasSuffix(name, "__map_enc") {
			continue
		}
		if key, err := agekey.Open(strings.ReplaceAll(enc, `\n`, "\n"), by.identities(t)); err == nil {
			return key.Reveal()
		}
	}
	t.Fatal("no data key in the bundle opens")
	return ""
}

// stateFreshDataKey is an error if the data key is that of the ciphertext that was
// kept: a recipient who was taken out could go on opening new values with it.
func stateFreshDataKey(t *testing.T, kept *string, by person) after {
	return func(a attributes) {
		if dataKey(t, *kept, by) == dataKey(t, a.text(bundleAddress, "ciphertext"), by) {
			t.Error("the data key was taken over")
		}
	}
}

// callsOf counts the simulator's calls by method since the log was cleared.
func callsOf(sim *vultrsim.Server, method string) (count int) {
	for _, request := range sim.Requests() {
		if request.Method == method {
			count++
		}
	}
	return count
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// sourceOf opens a bundle with nothing allowed, and a Secret's manifest as one.
func sourceOf(ciphertext string) bundle.Source {
	if _, is := bundle.ReadKubernetes(ciphertext); is {
		return bundle.Source{Format: bundle.SOPSKubernetes}
	}
	return bundle.Source{}
}

// openText is what is in a bundle, with nothing allowed that is not authentic.
func openText(ciphertext string, ids []agekey.Identity) (secret.Text, error) {
	opened, err := sourceOf(ciphertext).Open(ciphertext, ids)
	return opened.Text, err
}
