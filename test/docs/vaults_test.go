package docs_test

import (
	"path/filepath"
	"strings"
	"testing"
)

const vaults = "docs/guides/vaults.md"

// opCommand plays 1Password's op: it keeps one document in a file, and notes its arguments.
const opCommand = `#!/bin/sh
printf '%s\n' "$*" >>"$HOME/op.log"
case "$*" in
"document create - --title age operator --vault Private --file-name keys.txt") cat >"$HOME/op.document" ;;
"document get age operator --vault Private") cat "$HOME/op.document" ;;
*) echo "op: $*: not as 1Password documents it" >&2; exit 1 ;;
esac
`

// bwsCommand plays Bitwarden's bws. Its second value is what Terraform would take for its own in
// another type of variable.
const bwsCommand = `#!/bin/sh
[ "$*" = "secret list PROJECT_ID" ] && [ -n "$BWS_ACCESS_TOKEN" ] || exit 1
cat <<END
[{"object": "secret", "id": "1", "key": "TOKEN", "value": "stand-in$STANDIN_VALUES", "note": ""},
 {"object": "secret", "id": "2", "key": "TEMPLATE", "value": "\${b} 'c' \"d\"", "note": ""}]
END
`

// TestAccVaultsGuide follows "Values from your vault" with stand-ins for the vaults: op keeps the
// operator's identity, which no file of the person's has, and each example fills a bundle.
func TestAccVaultsGuide(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.installed()
	for source, version := range map[string]string{"1Password/onepassword": "3.3.1", "hashicorp/aws": "6.0.0"} {
		s.mirrored(source, version, program(t, "test/standin"))
	}
	s.command("op", "", opCommand)
	s.command("bws", "", bwsCommand)

	key := blocksBelow(t, vaults, "The operator's key in 1Password")
	made := s.must(key[0].text)
	if strings.Contains(made, "AGE-SECRET-KEY-") {
		t.Error("the identity is shown")
	}
	_, recipient, _ := strings.Cut(made, "Public key: ")
	recipient = strings.TrimSpace(recipient)
	s.must(key[1].text)
	s.must(`export BWS_ACCESS_TOKEN=s3cret-bws TF_VAR_vault=stand-in TF_VAR_operators='["` + recipient + `"]'`)

	bitwarden := blocksBelow(t, vaults, "Bitwarden")
	for _, vault := range []struct {
		example, page, apply string
		entries              map[string]string
	}{
		{
			"onepassword", blockOf(t, vaults, "1Password", "terraform"), "terraform apply",
			map[string]string{"DATABASE_PASSWORD": "stand-in for app database", "TOKEN": "stand-in for app token", "LOG_LEVEL": "info"},
		},
		{
			"aws-secrets-manager", blockOf(t, vaults, "AWS Secrets Manager", "terraform"), "terraform apply",
			map[string]string{"DATABASE_PASSWORD": "stand-in for app/prod", "TOKEN": "stand-in for app/prod"},
		},
		{
			"bitwarden", bitwarden[0].text, bitwarden[1].text,
			map[string]string{"TOKEN": "stand-in", "TEMPLATE": `${b} 'c' "d"`},
		},
	} {
		dir := s.example(vault.example)
		sameBlocks(t, vault.page, readFile(t, filepath.Join(dir, "main.tf")))
		writeFile(t, filepath.Join(dir, "bundle.tf"), "output \"bundle\" {\n  value     = ageenv_bundle.app.ciphertext\n  sensitive = true\n}\n", 0o600)
		s.must("terraform init")
		for _, changed := range []string{"", "-changed"} {
			s.must("export STANDIN_VALUES=" + changed)
			if out := s.must(vault.apply); changed != "" && !strings.Contains(out, "Values change: ") {
				t.Errorf("%s: another value in the vault changes nothing:\n%s", vault.example, out)
			}
			for name, value := range vault.entries {
				if strings.HasPrefix(value, "stand-in") {
					value += changed
				}
				// A shell reads the quotes of the bundle's text.
				if got := s.must(`eval value=$(` + opened(name) + `) && printf %s "$value"`); got != value {
					t.Errorf("%s: %s of the bundle is %q, want %q", vault.example, name, got, value)
				}
			}
		}
		if state := s.must("cat terraform.tfstate*"); strings.Contains(state, "stand-in for") || strings.Contains(state, "stand-in-changed") || strings.Contains(state, "AGE-SECRET-KEY-") {
			t.Errorf("%s: a value or the identity is in the state", vault.example)
		}
	}
	if out, code := s.run("unset TF_VAR_secrets && BWS_ACCESS_TOKEN= && " + bitwarden[1].text); code == 0 && strings.Contains(out, "Apply complete") {
		t.Errorf("bws fails, and the apply does not:\n%s", out)
	}

	// A plan asks op once.
	s.must("cd ~/onepassword && rm ~/op.log && terraform plan")
	if asked := readFile(t, filepath.Join(s.home, "op.log")); asked != "document get age operator --vault Private\n" {
		t.Errorf("a plan runs op so:\n%s", asked)
	}
	// op fails, and what it says is not passed on.
	s.command("op", "", "#!/bin/sh\necho s3cret-message >&2\necho s3cret-output\nexit 6\n")
	out, code := s.run("export STANDIN_VALUES=-again; terraform plan")
	if code == 0 || !strings.Contains(out, "SOPS_AGE_KEY_CMD: it ended with exit code 6") || strings.Contains(out, "s3cret") {
		t.Errorf("op fails, and the plan ends with %d:\n%s", code, out)
	}
}
