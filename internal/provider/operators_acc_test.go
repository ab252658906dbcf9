package provider_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
)

// theOperators is a value of the variable operators.
func theOperators(people ...person) string {
	var texts []string
	for _, p := range people {
		texts = append(texts, `"`+p.recipient+`"`)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// opens is an error unless the key's wrap and the bundle open to a person, or where
// wanted is false, unless both are closed to them.
func opens(t *testing.T, a attributes, key, sealed string, p person, wanted bool) {
	t.Helper()
	_, wrapErr := agekey.Unwrap(a.text(key, "wrapped_identity"), p.identities(t))
	_, bundleErr := openText(a.text(sealed, "ciphertext"), p.identities(t))
	if wanted && (wrapErr != nil || bundleErr != nil) {
		t.Errorf("an operator does not open the wrap (%v) or the bundle (%v)", wrapErr, bundleErr)
	}
	if !wanted && (!errors.Is(wrapErr, agekey.ErrNoMatch) || !errors.Is(bundleErr, agekey.ErrNoMatch)) {
		t.Errorf("a removed operator opens the wrap (%v) or the bundle (%v)", wrapErr, bundleErr)
	}
}

// The provider's list is followed: the plan says so, the key is wrapped again, the
// bundle is encrypted again, and no box is replaced.
func TestAccOperatorsAreFollowed(t *testing.T) {
	const key, sealed, script = "ageenv_key.box", "ageenv_bundle.app", "ageenv_vultr_startup_script.app"
	w := newWorld(t)
	second := newPerson(t)
	c := newExamplesCLI(t, w, "complete")
	for name, value := range exampleInputs(t, w) {
		c.env["TF_VAR_"+name] = value
	}
	c.env["TF_VAR_operators"] = theOperators(w.operator, second)
	c.must("apply", "-auto-approve")
	before := stateOf(t, c)
	opens(t, before, key, sealed, w.operator, true)
	opens(t, before, key, sealed, second, true)

	// The removed operator is who applies, as the only one who is here.
	c.env["TF_VAR_operators"] = theOperators(second)
	out, err := c.run("plan", "-detailed-exitcode")
	if exitCode(err) != 2 {
		t.Fatalf("the plan ends with %v:\n%s", err, out)
	}
	badOutput(t, out, []string{
		"Plan: 0 to add, 3 to change, 0 to destroy.",
		"Warning: Operators are removed from this key, and nothing here opens it then", "with ageenv_key.box,",
		"Warning: The operators of bundle " + before.text(sealed, "id") + " change", "with ageenv_bundle.app,",
		"Removed: " + w.operator.recipient,
		"Old ciphertext stays open to removed operators",
		"They could read these entries: TOKEN, URL.",
		"No identity found here belongs to a new operator.",
		"Warning: The next plan will not be able to open this bundle",
	}, []string{"Added:", "https://example.com"})

	c.env["SOPS_AGE_KEY_FILE"] = second.keyFile
	out = c.must("plan")
	badOutput(t, out, []string{"Warning: Operators are removed from this key", "Unless this plan replaces the key, the identity itself stays the same."}, []string{"nothing here opens it", "No identity found here", "The next plan will not"})
	// With -replace too, Terraform shows the warnings of an update.
	badOutput(t, c.must("plan", "-replace="+key), []string{"ageenv_key.box will be replaced", "Unless this plan replaces the key", "in this apply or a later one"}, nil)
	c.must("apply", "-auto-approve")
	after := stateOf(t, c)
	opens(t, after, key, sealed, w.operator, false)
	opens(t, after, key, sealed, second, true)
	if dataKey(t, before.text(sealed, "ciphertext"), second) == dataKey(t, after.text(sealed, "ciphertext"), second) {
		t.Error("the data key was taken over")
	}
	for address, name := range map[string]string{key: "recipient", sealed: "id", script: "id"} {
		if before.text(address, name) != after.text(address, name) {
			t.Errorf("%s.%s changed: more was done than to encrypt again", address, name)
		}
	}

	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the second plan is not empty: %v\n%s", err, out)
	}
	c.must("apply", "-auto-approve", "-replace="+key)
	replaced := stateOf(t, c)
	opens(t, replaced, key, sealed, w.operator, false)
	opens(t, replaced, key, sealed, second, true)
	if replaced.text(key, "recipient") == after.text(key, "recipient") {
		t.Error("the key was not replaced")
	}
	closedTo(t, replaced.text(sealed, "ciphertext"), identityIn(t, after.text(key, "wrapped_identity"), second))

	// An added operator is named, and nothing is said of old ciphertext.
	c.env["TF_VAR_operators"] = theOperators(w.operator, second)
	badOutput(t, c.must("plan"), []string{"Added: " + w.operator.recipient}, []string{"Removed:", "stays open"})
	c.must("apply", "-auto-approve")
	opens(t, stateOf(t, c), key, sealed, w.operator, true)
}

// A list of the resource's own is before the provider's, and where it is taken away
// the provider's is followed.
func TestAccOperatorsOfTheResource(t *testing.T) {
	w := newWorld(t)
	second, third := newPerson(t), newPerson(t)
	c := newCLI(t, w)
	write := func(provider, own string) {
		text := strings.Replace(oneService, `"k" {}`, "\"k\" {\n  escrow_recipients = "+own+"\n}", 1)
		text = strings.Replace(text, "  entries_wo =", "  operator_recipients = "+own+"\n  entries_wo =", 1)
		c.write(fmt.Sprintf("provider \"ageenv\" {\n  escrow_recipients = %s\n%s}\n", provider, fastVultr(w.sim != nil)) + text)
	}
	for i, step := range []struct {
		provider, own string
		open, closed  []person
	}{
		{theOperators(w.operator), theOperators(w.operator, second), []person{w.operator, second}, []person{third}},
		{theOperators(w.operator, third), theOperators(w.operator, second), []person{w.operator, second}, []person{third}},
		{theOperators(w.operator, third), "null", []person{w.operator, third}, []person{second}},
		// Nothing is configured: who was there stays.
		{"null", "null", []person{w.operator, third}, []person{second}},
		{"null", theOperators(w.operator), []person{w.operator}, []person{second, third}},
	} {
		write(step.provider, step.own)
		c.must("apply", "-auto-approve")
		for _, p := range step.open {
			opens(t, stateOf(t, c), keyAddress, bundleAddress, p, true)
		}
		for _, p := range step.closed {
			opens(t, stateOf(t, c), keyAddress, bundleAddress, p, false)
		}
		if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
			t.Errorf("step %d: the second plan is not empty: %v\n%s", i, err, out)
		}
	}
}

// Without an identity nothing can be encrypted again. The plan says so, with remedies
// that work.
func TestAccOperatorsWithoutIdentity(t *testing.T) {
	const key = "resource \"ageenv_key\" \"k\" {}\n"
	w := newWorld(t)
	second := newPerson(t)
	c := newClosedCLI(t, w)
	c.write(w.config(key))
	c.must("apply", "-auto-approve")
	before := stateOf(t, c).text(keyAddress, "id")
	c.write(w.escrowConfig([]string{second.recipient}, key))
	for _, args := range [][]string{{"plan"}, {"plan", "-replace=" + keyAddress}} {
		out, err := c.run(args...)
		if exitCode(err) != 1 {
			t.Fatalf("%v ends with %v:\n%s", args, err, out)
		}
		badOutput(t, out, []string{
			"Error: The key can't be encrypted again", "with ageenv_key.k,", "No identity was found.", "identity_files", "SOPS_AGE_KEY_FILE",
			"Or, until an operator applies, leave escrow_recipients as they were.", "Or make a new key: remove this key from the state with terraform state rm, then apply.",
		}, nil)
	}
	if out, err := c.plain("state", "rm", keyAddress).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.must("apply", "-auto-approve")
	a := stateOf(t, c)
	if identityIn(t, a.text(keyAddress, "wrapped_identity"), second); a.text(keyAddress, "id") == before {
		t.Error("the key is the old one")
	}
}

// What an older version has left, without the attributes that are new, plans nothing
// unless the lists differ.
func TestAccOperatorsOfAnOlderState(t *testing.T) {
	w := newWorld(t)
	second := newPerson(t)
	c := newCLI(t, w)
	c.write(w.config(oneService))
	c.must("apply", "-auto-approve")
	state := string(c.state())
	const added = "\"operator_removed_at\": null,\n"
	if strings.Count(state, added) != 2 {
		t.Fatalf("the state has no operator_removed_at:\n%s", state)
	}
	writeFile(t, filepath.Join(c.dir, "terraform.tfstate"), strings.ReplaceAll(state, added, ""))
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan is not empty: %v\n%s", err, out)
	}
	c.write(w.escrowConfig([]string{w.operator.recipient, second.recipient}, oneService))
	c.must("apply", "-auto-approve")
	opens(t, stateOf(t, c), keyAddress, bundleAddress, second, true)
}

// A list that is not known while planning is planned as a change, and where it turns
// out to be the same, nothing is encrypted again.
func TestAccOperatorsUnknown(t *testing.T) {
	w := newWorld(t)
	second := newPerson(t)
	config := func(comment string, people ...person) string {
		return fmt.Sprintf(`
resource "terraform_data" "operators" {
  input = { comment = %q, list = %s }
}

provider "ageenv" {
  escrow_recipients = terraform_data.operators.output.list
%s}
`, comment, theOperators(people...), fastVultr(w.sim != nil)) + oneService
	}
	c := newCLI(t, w)
	c.write(config("one", w.operator))
	c.must("apply", "-auto-approve")
	before := stateOf(t, c)
	c.write(config("two", w.operator))
	c.must("apply", "-auto-approve")
	same := stateOf(t, c)
	if same.text(keyAddress, "wrapped_identity") != before.text(keyAddress, "wrapped_identity") || same.text(bundleAddress, "ciphertext") != before.text(bundleAddress, "ciphertext") {
		t.Error("the same operators, and something was encrypted again")
	}
	c.write(config("three", second, w.operator))
	c.must("apply", "-auto-approve")
	opens(t, stateOf(t, c), keyAddress, bundleAddress, second, true)
	c.write(config("four", w.operator))
	c.must("apply", "-auto-approve")
	opens(t, stateOf(t, c), keyAddress, bundleAddress, second, false)
	if a := stateOf(t, c); a.text(keyAddress, "operator_removed_at") == "" || a.text(bundleAddress, "operator_removed_at") == "" {
		t.Error("operator_removed_at is not set")
	}
	if out, err := c.run("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the last plan is not empty: %v\n%s", err, out)
	}
}

// An empty list of the provider is a list: it names nobody, and nothing is taken from
// this machine instead.
func TestAccOperatorsEmptyList(t *testing.T) {
	w := newWorld(t)
	c := newCLI(t, w)
	text := "resource \"ageenv_key\" \"k\" {}\nresource \"ageenv_bundle\" \"b\" {\n  entries_wo = { TOKEN = \"x\" }\n  recipients = [\"" + newPerson(t).recipient + "\"]\n}\n"
	for _, applied := range []bool{false, true} {
		if applied {
			c.write(w.config(text))
			c.must("apply", "-auto-approve")
		}
		c.write("provider \"ageenv\" {\n  escrow_recipients = []\n}\n" + text)
		out, err := c.run("plan")
		if exitCode(err) != 1 {
			t.Fatalf("the plan ends with %v:\n%s", err, out)
		}
		badOutput(t, out, []string{"Error: No escrow recipient", "with ageenv_key.k,", "Error: No operator recipient", "with ageenv_bundle.b,"},
			[]string{"taken from the identities", "Warning: The operators"})
	}
}
