package provider_test

import (
	"path/filepath"
	"strconv"
	"testing"
)

// contentCanary is in every value and in no output.
const contentCanary = "content-canary"

// badTexts are env texts that are refused, and what is said of them.
var badTexts = map[string]struct{ text, says string }{
	"three problems":  {"BAD+NAME=" + contentCanary + "\nA=1\nPATH=" + contentCanary + "\nB=\"x\n$A\"\nC\n", "Line 1: the name is not one that every program reads: use letters, digits and _, and no digit first. Line 3, PATH: this name takes over the program that reads it, so it is refused: set it where the program is started. Line 4, B: the $ is a reference to some readers, and text to others"},
	"a bad name":      {"A=1\nBAD+NAME=" + contentCanary, "Line 2: the name is not one that every program reads: use letters, digits and _, and no digit first."},
	"a taken name":    {"LD_PRELOAD=" + contentCanary, "Line 1, LD_PRELOAD: this name takes over the program that reads it, so it is refused: set it where the program is started."},
	"an open quote":   {"A=1\nB=\"" + contentCanary + "\nC=3\n", "Line 2, B: the quote that opens the value is never closed."},
	"no equals sign":  {"A=1\n# comment\n" + contentCanary, "Line 3: there is no = in the line: write NAME=value (a value of several lines needs quotes)."},
	"an expansion":    {"A=" + contentCanary + "$HOME", "Line 1, A: the $ is a reference to some readers, and text to others: for the value of a name that is set earlier in the text, set references = \"resolve\""},
	"a doubled $":     {"A=" + contentCanary + "$$" + contentCanary, "Line 1, A: $$ is one $ to compose and two to most others"},
	"a bare CR":       {"A=" + contentCanary + "\rB=2\n", "Line 1, A: there is a CR that is not part of a line end"},
	"text after":      {"A='1' " + contentCanary, "Line 1, A: there is text after the closing quote: escape quotes inside the value, or remove it."},
	"a name of sops":  {"sops_mac=" + contentCanary, "Line 1, sops_mac: names that begin with sops_ belong to sops' metadata: choose another."},
	"a name in clear": {"A_unencrypted=" + contentCanary, "Line 1, A_unencrypted: sops stores names that end in _unencrypted in clear: choose another."},
}

// A line of env text that is refused is known by its number, and shown nowhere.
func TestAccBadEnvText(t *testing.T) {
	cases := map[string]badInput{}
	for name, tt := range badTexts {
		file := filepath.Join(t.TempDir(), ".env")
		writeFile(t, file, tt.text)
		vars, hides := map[string]string{"text": tt.text}, []string{contentCanary}
		cases["dotenv_wo, "+name] = badInput{
			config: "resource \"ageenv_bundle\" \"b\" {\n  dotenv_wo  = var.text\n  recipients = []\n}\n", vars: vars, hides: hides,
			says: []string{"Error: Unusable env content", "with ageenv_bundle.b", "In dotenv_wo: ", tt.says},
		}
		cases["ageenv_dotenv, "+name] = badInput{
			config: "ephemeral \"ageenv_dotenv\" \"e\" {\n  text = var.text\n}\n", vars: vars, hides: hides,
			says: []string{"Error: Unusable env content", "with ephemeral.ageenv_dotenv.e", "In text: ", tt.says},
		}
		cases["ageenv_dotenv, a file with "+name] = badInput{
			config: "ephemeral \"ageenv_dotenv\" \"e\" {\n  path = \"" + file + "\"\n}\n", hides: hides,
			says: []string{"Error: Unusable env content", "with ephemeral.ageenv_dotenv.e", "In " + strconv.Quote(file) + ": ", tt.says},
		}
	}
	none, dir := filepath.Join(t.TempDir(), "none"), t.TempDir()
	for path, problem := range map[string]string{none: "there is no such file.", dir: "it is a directory, and a file is needed.", "/dev/zero": "it is a pipe, a socket or a device, and only regular files are read: write its content to a file."} {
		cases["ageenv_dotenv, "+problem] = badInput{
			config: "ephemeral \"ageenv_dotenv\" \"e\" {\n  path = \"" + path + "\"\n}\n",
			says:   []string{"Error: The file can't be read", ": path = ", `"` + path + `": ` + problem},
		}
	}
	cases["ageenv_dotenv, a relative path"] = badInput{
		config: "ephemeral \"ageenv_dotenv\" \"e\" {\n  path = \"none.env\"\n}\n",
		says:   []string{"Error: The file can't be read", `/none.env": there is no such file.`},
	}
	cases["ageenv_dotenv, the content for the path"] = badInput{
		config: "ephemeral \"ageenv_dotenv\" \"e\" {\n  path = var.text\n}\n", vars: map[string]string{"text": "TOKEN=" + contentCanary},
		says: []string{"Error: The file can't be read", "The path (which does not look like one, and is not repeated here): there is no such file."}, hides: []string{contentCanary},
	}
	badTable(t, cases)
}

func TestAccBadEntries(t *testing.T) {
	value := map[string]string{"value": contentCanary}
	with := func(entry, says string) badInput {
		return badInput{
			config: badBundle(entry, "[]"), vars: value, hides: []string{contentCanary},
			says: []string{"Error: Unusable env content", "with ageenv_bundle.b", "In entries_wo: ", says},
		}
	}
	const badName = ": the name is not one that every program reads: use letters, digits and _, and no digit first."
	badTable(t, map[string]badInput{
		"a plus":          with(`"BAD+NAME" = var.value`, `"BAD+NAME"`+badName),
		"a digit first":   with(`"1A" = var.value`, `"1A"`+badName),
		"a space":         with(`"a name" = var.value`, `"a name"`+badName),
		"an empty name":   with(`"" = var.value`, "The name is empty: write NAME=value."),
		"PATH":            with(`PATH = var.value`, "PATH: this name takes over the program that reads it, so it is refused: set it where the program is started."),
		"a name of sops":  with(`sops_mac = var.value`, "sops_mac: names that begin with sops_ belong to sops' metadata: choose another."),
		"a name in clear": with(`A_unencrypted = var.value`, "A_unencrypted: sops stores names that end in _unencrypted in clear: choose another."),
		"NUL":             with(`TOKEN = "${var.value}\u0000"`, "TOKEN: the compose dialect can't hold a NUL byte; no dialect can: encode the value, for example as base64."),
		"null":            with(`TOKEN = null, OTHER = var.value`, `TOKEN: the value is null: leave the name out, or write "" for an empty value.`),
		"all at once": {
			config: badBundle(`"A+B" = var.value, "C+D" = var.value, PATH = "x"`, "[]"), vars: value, hides: []string{contentCanary},
			says: []string{`"A+B"` + badName, `"C+D"` + badName, "PATH: this name takes over"},
		},
		"content and recipients missing": {
			config: `resource "ageenv_bundle" "b" { }`, says: []string{"Error: No content", "Error: No recipients"},
		},
		"no content": {
			config: `resource "ageenv_bundle" "b" { recipients = [] }`,
			says:   []string{"Error: No content", "with ageenv_bundle.b", "Set entries_wo, dotenv_wo or generated. A bundle without either keeps the content it has, and a new one has none; to take over an existing file, import it by its path."},
		},
		"no such format": {
			config: badBundle(`TOKEN = var.value`, "[]\n  format = \"json\""), vars: value, hides: []string{contentCanary},
			says: []string{"Error: Invalid Attribute Value Match", `: format = "json"`, `["sops_dotenv" "sops_binary" "sops_yaml" "sops_json" "sops_kubernetes" "age_dotenv" "age_files"]`},
		},
		"too much": {
			config: "resource \"ageenv_bundle\" \"b\" {\n  entries_wo = { for i in range(50) : \"TOKEN${i}\" => join(var.value, [for i in range(20) : format(\"%6000s\", \"x\")]) }\n  recipients = []\n}\n", vars: value,
			says: []string{"Error: Unusable env content", "bytes long, and the most that is sealed are 4194304."}, hides: []string{contentCanary},
		},
		"too long for a variable": {
			config: badBundle(`TOKEN = join(var.value, [for i in range(30) : format("%6000s", "x")])`, "[]"), vars: value,
			says: []string{"Error: Unusable env content", "In entries_wo: TOKEN: NAME=value is longer than 131071 bytes"}, hides: []string{contentCanary},
		},
	})
}
