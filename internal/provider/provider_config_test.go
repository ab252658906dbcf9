package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const configText = "TOKEN=config-canary\n"

// Every place that the docs name is looked in, alone and beside places that fail.
func TestIdentitySources(t *testing.T) {
	operator, sshOperator, other := newPerson(t), newSSHPerson(t), newPerson(t)
	home, xdg, empty := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{filepath.Join(home, ".config"), xdg} {
		if err := os.MkdirAll(filepath.Join(dir, "sops", "age"), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "sops", "age", "keys.txt"), operator.identity+"\n")
	}
	sshHome, withPlugin := t.TempDir(), filepath.Join(t.TempDir(), "keys.txt")
	if err := os.Mkdir(filepath.Join(sshHome, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(sshHome, ".ssh", "id_ed25519"), sshOperator.identity)
	writeFile(t, withPlugin, "AGE-PLUGIN-YUBIKEY-1QQPSQQGDZ6VYQHZTCJM4\n"+operator.identity+"\n")
	for name, tt := range map[string]struct {
		attributes map[string]any
		env        map[string]string
		holder     person
	}{
		"identities":                    {attributes: map[string]any{"identities": []string{operator.identity}}, holder: operator},
		"identities, the second":        {attributes: map[string]any{"identities": []string{other.identity, operator.identity}}, holder: operator},
		"identities, a key file":        {attributes: map[string]any{"identities": []string{"# a comment\n" + other.identity + "\n" + operator.identity + "\n"}}, holder: operator},
		"identities, an SSH key":        {attributes: map[string]any{"identities": []string{sshOperator.identity}}, holder: sshOperator},
		"identity_files":                {attributes: map[string]any{"identity_files": []string{other.keyFile, operator.keyFile}}, holder: operator},
		"identity_files, an SSH key":    {attributes: map[string]any{"identity_files": []string{sshOperator.keyFile}}, holder: sshOperator},
		"SOPS_AGE_KEY":                  {env: map[string]string{"SOPS_AGE_KEY": operator.identity}, holder: operator},
		"SOPS_AGE_KEY, two":             {env: map[string]string{"SOPS_AGE_KEY": other.identity + " " + operator.identity}, holder: operator},
		"SOPS_AGE_KEY_FILE":             {env: map[string]string{"SOPS_AGE_KEY_FILE": operator.keyFile}, holder: operator},
		"SOPS_AGE_KEY_CMD":              {env: map[string]string{"SOPS_AGE_KEY_CMD": "cat '" + operator.keyFile + "'"}, holder: operator},
		"SOPS_AGE_SSH_PRIVATE_KEY_FILE": {env: map[string]string{"SOPS_AGE_SSH_PRIVATE_KEY_FILE": sshOperator.keyFile}, holder: sshOperator},
		"SOPS_AGE_SSH_PRIVATE_KEY_CMD":  {env: map[string]string{"SOPS_AGE_SSH_PRIVATE_KEY_CMD": "cat '" + sshOperator.keyFile + "'"}, holder: sshOperator},
		"keys.txt in ~/.config":         {env: map[string]string{"HOME": home}, holder: operator},
		"id_ed25519 in ~/.ssh":          {env: map[string]string{"HOME": sshHome}, holder: sshOperator},
		"next to a plugin's":            {attributes: map[string]any{"identity_files": []string{withPlugin}}, holder: operator},
		"keys.txt in XDG_CONFIG_HOME":   {env: map[string]string{"HOME": empty, "XDG_CONFIG_HOME": xdg}, holder: operator},
		"merged with what fails": {
			attributes: map[string]any{"identities": []string{other.identity}, "identity_files": []string{filepath.Join(empty, "none")}},
			env:        map[string]string{"SOPS_AGE_KEY": "rubbish", "SOPS_AGE_KEY_CMD": "false", "HOME": home},
			holder:     operator,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := sealedBundle(t, configText, tt.holder.recipient)
			u := newUnitServer(t, tt.env)
			if diagnostics := u.configure("1.11.0", tt.attributes); len(diagnostics) > 0 {
				t.Fatal(unitText(diagnostics))
			}
			got, diagnostics := u.open("ageenv_bundle", map[string]any{"ciphertext": sealed})
			if len(diagnostics) > 0 || got["dotenv"] != configText {
				t.Errorf("opened: %q\n%s", got["dotenv"], unitText(diagnostics))
			}
			// Without the source it stays closed: nothing else gave the identity.
			bare := newUnitServer(t, map[string]string{"HOME": empty})
			bare.configure("1.11.0", nil)
			_, diagnostics = bare.open("ageenv_bundle", map[string]any{"ciphertext": sealed})
			unitExpect(t, diagnostics, "The bundle can't be opened", "No identity was found.")
		})
	}
}

// A source that fails is told where an identity is missing, and nowhere else.
func TestFailingSourcesMatterOnlyWhereNeeded(t *testing.T) {
	operator, missing := newPerson(t), filepath.Join(t.TempDir(), "none.txt")
	empty := filepath.Join(t.TempDir(), "empty.txt")
	writeFile(t, empty, "# nothing\n")
	env := map[string]string{
		"SOPS_AGE_KEY":      "AGE-SECRET-KEY-1CANARY",
		"SOPS_AGE_KEY_FILE": empty,
		"SOPS_AGE_KEY_CMD":  "sh -c 'echo canary-on-stderr >&2; exit 3'",
	}
	u := newUnitServer(t, env)
	if diagnostics := u.configure("1.11.0", map[string]any{"identity_files": []string{missing}}); len(diagnostics) > 0 {
		t.Fatalf("configured: %s", unitText(diagnostics))
	}
	if got, diagnostics := u.open("ageenv_dotenv", map[string]any{"text": configText}); got["dotenv"] != configText {
		t.Errorf("what needs no identity: %s", unitText(diagnostics))
	}
	if got, diagnostics := u.open("ageenv_bundle", map[string]any{
		"ciphertext": sealedBundle(t, configText, operator.recipient), "identity": operator.identity,
	}); got["dotenv"] != configText {
		t.Errorf("what has an identity of its own: %s", unitText(diagnostics))
	}
	_, diagnostics := u.open("ageenv_bundle", map[string]any{"ciphertext": sealedBundle(t, configText, operator.recipient)})
	unitExpect(t, diagnostics,
		`ERROR: The bundle can't be opened [AttributeName("ciphertext")]`,
		"The bundle can't be decrypted with any identity found here.\nNo identity was found.\n",
		`Not usable: identity_files ("`+missing+`"): there is no such file.`+"\n",
		"Not usable: SOPS_AGE_KEY: line 1: this is not an identity: expected AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…, whole and unaltered.\n",
		`Not usable: SOPS_AGE_KEY_FILE ("`+empty+`"): there is no identity in it: `,
		"Not usable: the command in SOPS_AGE_KEY_CMD: it ended with exit code 3.\n",
		"Give an operator identity that opens it: identity_files or identities in the provider's configuration, SOPS_AGE_KEY_FILE (or another SOPS_AGE_… variable) in the environment, or the user's sops/age/keys.txt.")
	if text := unitText(diagnostics); strings.Contains(text, "CANARY") || strings.Contains(text, "canary") {
		t.Errorf("a secret is in the error:\n%s", text)
	}
}

// Identities that open nothing here are named by their public halves.
func TestForeignIdentitiesAreNamed(t *testing.T) {
	stranger := newPerson(t)
	u := newUnitServer(t, map[string]string{"SOPS_AGE_KEY": stranger.identity})
	u.configure("1.11.0", nil)
	for name, attributes := range map[string]map[string]any{
		"ageenv_bundle":   {"ciphertext": sealedBundle(t, configText, newPerson(t).recipient)},
		"ageenv_identity": {"wrapped_identity": unitWrapped(t, newPerson(t), newPerson(t))},
	} {
		_, diagnostics := u.open(name, attributes)
		unitExpect(t, diagnostics, "can't be decrypted with any identity found here.\nThe identities found belong to: "+stranger.recipient+".\n")
	}
}

func TestMalformedIdentitiesAreNotShown(t *testing.T) {
	good := newPerson(t)
	cut := good.identity[:len(good.identity)-7]
	for name, tt := range map[string]struct {
		identities []string
		want       string
	}{
		"cut off":             {[]string{good.identity, cut}, "In identities[1]: Line 1: this is not an identity: expected AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…, whole and unaltered."},
		"in its second line":  {[]string{"# key\n" + cut}, "In identities[0]: Line 2: this is not an identity"},
		"a recipient":         {[]string{good.recipient}, "In identities[0]: Line 1: this is a recipient (a public key), and an identity is a private one"},
		"empty":               {[]string{good.identity, good.identity, ""}, "In identities[2]: There is no identity in it: expected a line AGE-SECRET-KEY-1…"},
		"of a plugin":         {[]string{"AGE-PLUGIN-YUBIKEY-1CANARY"}, "In identities[0]: Line 1: this key needs an age plugin, and plugins are not supported"},
		"SSH, cut off":        {[]string{newSSHPerson(t).identity[:200]}, "In identities[0]: This is not a whole SSH private key"},
		"itself encrypted":    {[]string{unitWrapped(t, good, good)}, "In identities[0]: This key file is itself encrypted: decrypt it first (age -d)"},
		"a path in its place": {[]string{good.keyFile}, "In identities[0]: Line 1: this is not an identity"},
	} {
		t.Run(name, func(t *testing.T) {
			diagnostics := newUnitServer(t, nil).configure("1.11.0", map[string]any{"identities": tt.identities})
			// On no path: for a literal, Terraform would print the line of the file.
			unitExpect(t, diagnostics, "ERROR: Malformed identity []\n"+tt.want)
			text := unitText(diagnostics)
			for _, identity := range tt.identities {
				for line := range strings.SplitSeq(identity, "\n") {
					if len(line) > 8 && strings.Contains(text, line[len(line)/2:]) {
						t.Errorf("it shows what was given:\n%s", text)
					}
				}
			}
		})
	}
}

// What is unknown while planning is not missing.
func TestUnknownIdentitiesAreNoError(t *testing.T) {
	for name, attributes := range map[string]map[string]any{
		"the list":           {"identities": unitUnknown},
		"an element":         {"identities": []string{unitUnknown}},
		"the files":          {"identity_files": unitUnknown},
		"escrow recipients":  {"escrow_recipients": unitUnknown},
		"an escrow element":  {"escrow_recipients": []string{unitUnknown}},
		"Vultr":              {"vultr": unitUnknown},
		"Vultr's time limit": {"vultr": map[string]any{"timeout": unitUnknown}},
	} {
		if diagnostics := newUnitServer(t, nil).configure("1.11.0", attributes); len(diagnostics) > 0 {
			t.Errorf("%s: %s", name, unitText(diagnostics))
		}
	}
}

func TestVultrTimeout(t *testing.T) {
	for text, ok := range map[string]bool{"30s": true, "2m": true, "90": false, "soon": false, "0s": false, "-1s": false, "": false} {
		diagnostics := newUnitServer(t, nil).configure("1.11.0", map[string]any{"vultr": map[string]any{"timeout": text}})
		if ok {
			if len(diagnostics) > 0 {
				t.Errorf("%q: %s", text, unitText(diagnostics))
			}
			continue
		}
		unitExpect(t, diagnostics, "ERROR: Malformed duration []",
			`Write vultr.timeout as a duration above zero, for example "30s" or "2m".`)
	}
}
