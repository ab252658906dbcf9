package provider_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/bundle"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What is written for readers is read by the real ones, and by the provider again: by
// its plans, where readers change, by the ephemeral resource and by an import.
func TestAccReaders(t *testing.T) {
	w, box := newWorld(t), newPerson(t)
	values := map[string]string{"PLAIN": "a/b:c", "SPACED": "two words # no comment", "DOLLAR": "$x ${y}", "QUOTE": `it's "double"`, "PATH_OF": `C:\new\app`, "LINES": "a\nb\n"}
	config := func(more ...string) string {
		return bundleConfig(w, append(more, `content_version = "1"`, bundleRecipients(box))...)
	}
	readBy := func(readers ...dotenvtest.Reader) after {
		return func(a attributes) {
			text := openedBy(t, a.text(bundleAddress, "ciphertext"), box)
			for _, reader := range readers {
				t.Run(string(reader), func(t *testing.T) {
					if got := reader.Read(t, text); !maps.Equal(got, values) {
						t.Errorf("it reads %q", got)
					}
				})
			}
		}
	}
	content, never := "entries_wo = "+hclMap(values), "entries_wo = "+hclMap(map[string]string{"NOT": "read"})
	updated := planned(map[string]plancheck.ResourceActionType{bundleAddress: plancheck.ResourceActionUpdate})
	file := filepath.Join(t.TempDir(), "app.enc.env")
	node := config(never, `readers = ["node", "node"]`)
	opened := func(arguments string) string {
		return "\nephemeral \"ageenv_bundle\" \"e\" {\n  ciphertext = ageenv_bundle.b.ciphertext\n  " + arguments + "\n}\n" + echoed("ephemeral.ageenv_bundle.e")
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: config(content), ConfigStateChecks: looks(readBy(dotenvtest.Compose, dotenvtest.PHP))},
		{Config: node, ConfigPlanChecks: updated, ConfigStateChecks: looks(readBy(dotenvtest.Node, dotenvtest.Node16), func(a attributes) {
			writeFile(t, file, a.text(bundleAddress, "ciphertext"))
		})},
		{Config: node, ConfigPlanChecks: plannedEmpty},
		{Config: node + opened(`readers = ["node"]`), ConfigStateChecks: looks(echoFile(t, "sops_dotenv", "", values))},
		{Config: node + opened(`readers = ["node"]`) + "\nresource \"ageenv_bundle\" \"copy\" {\n  dotenv_wo = ephemeral.ageenv_bundle.e.dotenv\n  recipients = []\n}\n", ConfigStateChecks: looks(func(a attributes) {
			text := openedBy(t, a.text("ageenv_bundle.copy", "ciphertext"), w.operator)
			if got := dotenvtest.Compose.Read(t, text); !maps.Equal(got, values) {
				t.Errorf("a copy of the ephemeral's text is read as %q", got)
			}
		})},
		{Config: config(never, `readers = ["node", "go"]`, `format = "age_dotenv"`), PlanOnly: true, ExpectError: regexp.MustCompile(`QUOTE: no way to write the value is read\s+right by go`)},
		{Config: config(never), ConfigPlanChecks: updated, ConfigStateChecks: looks(readBy(dotenvtest.Compose, dotenvtest.PHP))},
	}})
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: w.factories(), Steps: []resource.TestStep{
		{Config: bundleConfig(w, `readers = ["node"]`, bundleRecipients(box)), ResourceName: bundleAddress, ImportState: true, ImportStatePersist: true, ImportStateId: "node:" + file},
		{Config: bundleConfig(w, `readers = ["node"]`, bundleRecipients(box)), ConfigPlanChecks: plannedEmpty},
	}})
}

func TestAccBadReaders(t *testing.T) {
	with := func(readers string, more ...string) string {
		config := "resource \"ageenv_bundle\" \"b\" {\n  entries_wo = { KEY = var.value }\n  recipients = []\n  readers = " + readers + "\n"
		for _, argument := range more {
			config += "  " + argument + "\n"
		}
		return config + "}\n"
	}
	for name, tt := range map[string]struct {
		config, value string
		says          []string
	}{
		"empty":             {with("[]"), "", []string{"readers is empty: name one reader at least, or leave it out."}},
		"null":              {with(`["compose", null]`), "", []string{"readers[1] is null: leave the element out."}},
		"unknown to us":     {with(`["compose", "perl"]`), "", []string{"There is no such reader", "readers[1] is none of these: compose, docker, systemd, shell, portable, node, next, python, php, ruby, go."}},
		"a command":         {with(`["compose", "next"]`), "$(x)", []string{"In entries_wo: KEY: next can't hold $(, which some of its versions run as a command: leave next out of readers, or encode the value"}},
		"one of two":        {with(`["compose", "node"]`), "'\"", []string{"In entries_wo: KEY: no way to write the value is read alike by compose and node: leave out compose or node, or encode the value"}},
		"none":              {with(`["compose", "python"]`), "${x}", []string{"In entries_wo: KEY: no way to write the value is read right by python: leave out python, or encode the value"}},
		"several lines":     {with(`["compose", "ruby"]`), "a\nb", []string{"In entries_wo: KEY: the spelling for compose and ruby writes a line break as it is, and sops_dotenv holds an entry in one line: use format sops_binary or age_dotenv, or other readers"}},
		"a name of a shell": {with(`["node", "shell"]`, "dotenv_wo = \"UID=x\""), "", []string{"UID", "shell"}},
		"ephemeral, empty":  {"ephemeral \"ageenv_bundle\" \"e\" {\n  ciphertext = var.value\n  readers = []\n}\n", "", []string{"readers is empty"}},
	} {
		t.Run(name, badInput{
			config: tt.config, vars: map[string]string{"value": contentCanary + tt.value}, says: tt.says, hides: []string{contentCanary},
		}.plan)
	}
}

// Readers that are not known yet are settled at apply. A format without text ignores
// them.
func TestReadersUnknown(t *testing.T) {
	operator, box := newPerson(t), newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_bundle")
	arguments := func(format string, readers any) map[string]any {
		return valuesArguments([]string{box.recipient}, map[string]any{"readers": readers, "format": format, "entries_wo": map[string]any{"KEY": "$(x)"}})
	}
	for _, readers := range []any{unitUnknown, []any{"compose", unitUnknown}} {
		if plan, diagnostics := c.plan(c.state, arguments("sops_dotenv", readers)); coreFailed(diagnostics) || plan.empty {
			t.Errorf("%v: %s", readers, unitText(diagnostics))
		}
	}
	for _, format := range []bundle.Format{bundle.AgeFiles, bundle.SOPSYAML, bundle.SOPSJSON} {
		if diagnostics := c.apply(arguments(string(format), []any{"next"})); coreFailed(diagnostics) {
			t.Fatal(unitText(diagnostics))
		}
		was := c.attribute("ciphertext")
		if diagnostics := c.apply(arguments(string(format), []any{"go"})); coreFailed(diagnostics) || c.attribute("ciphertext") != was {
			t.Errorf("%s is encrypted again for other readers: %s", format, unitText(diagnostics))
		}
	}
}

// A bundle that was written before other spellings were tried first stays.
func TestOldSpellingsStay(t *testing.T) {
	operator, box := newPerson(t), newPerson(t)
	at := &clock{at: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	c := newCore(valuesServer(t, at, operator, false), "ageenv_bundle")
	for _, format := range []bundle.Format{bundle.SOPSDotenv, bundle.SOPSBinary, bundle.AgeDotenv} {
		arguments := valuesArguments([]string{box.recipient}, map[string]any{
			"generated": nil, "format": string(format),
			"entries_wo": map[string]any{"DOLLAR": `$X \$`, "EMPTY": "", "SPACE": "a b", "TICK": "`"},
		})
		if diagnostics := c.apply(arguments); coreFailed(diagnostics) {
			t.Fatal(unitText(diagnostics))
		}
		recipients := agekey.Recipients(append(box.identities(t), operator.identities(t)...))
		old := "DOLLAR=\"\\$X \\\\\\$\"\nEMPTY=\"\"\nSPACE=\"a b\"\nTICK=\"`\"\n"
		sealed, err := bundle.Seal(bundle.Content{Text: secret.New(old)}, bundle.Params{Format: format, Dialect: dotenv.Compose, Recipients: recipients}, at.now())
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]tftypes.Value
		if err := c.state.As(&all); err != nil {
			t.Fatal(err)
		}
		all = maps.Clone(all)
		all["ciphertext"] = tftypes.NewValue(tftypes.String, sealed)
		c.state = tftypes.NewValue(c.object(), all)
		if plan, diagnostics := c.plan(c.state, arguments); !plan.empty {
			t.Errorf("%s: the plan is not empty: %s", format, unitText(diagnostics))
		}
		if text := openedBy(t, c.attribute("ciphertext"), box); text != old {
			t.Errorf("the text is %q", text)
		}
	}
}

// The guide's table of readers is the one of package dotenv.
func TestGuideListsReaders(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "env-text.md"))
	if err != nil {
		t.Fatal(err)
	}
	table := "| who reads the file | `readers` |\n|---|---|\n"
	for _, reader := range dotenv.Readers() {
		table += "| " + reader.Programs() + " | `" + string(reader) + "` |\n"
	}
	if !strings.Contains(string(guide), table+"\n") {
		t.Errorf("the guide does not have\n%s", table)
	}
}
