package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	composeGuide = "templates/guides/compose.md"
	runningBox   = "templates/guides/running-box.md"
)

// boxEditor writes other values each time.
const boxEditor = `#!/bin/sh
printf x >>"$0.count"
printf 'API_TOKEN=s3cret-%s\nPOSTGRES_PASSWORD=s3cret-pg\n' "$(cat "$0.count")" >"$1"
`

// boxSSH is a box whose root is a directory.
const boxSSH = `#!/bin/sh
case $1 in
root@203.0.113.*) shift ;;
*) echo "ssh: cannot reach $1" >&2; exit 255 ;;
esac
mkdir -p ~/box/run/systemd/system
PATH=~/box/usr/local/sbin:$PATH AGEENV_ROOT=$(cd ~/box && pwd) exec sh -c "$*"
`

// TestAccBoxGuides follows the guide "Docker compose" on an operator's machine, from nothing to an
// applied configuration, and then "A running box" with the box of the first example.
func TestAccBoxGuides(t *testing.T) {
	t.Parallel()
	s := &boxOperator{shell: newShell(t)}
	writeFile(t, filepath.Join(s.dir, "editor"), boxEditor, 0o700)
	writeFile(t, filepath.Join(s.dir, "bin/ssh"), boxSSH, 0o700)
	s.must(`cd ~ && git clone -q https://github.com/ageenv/terraform-provider-ageenv && cd terraform-provider-ageenv && make build`)
	mirror := blockOf(t, gettingStarted, "A provider built by hand", "sh")
	if strings.Contains(s.must("terraform version"), "OpenTofu") {
		mirror = strings.ReplaceAll(mirror, "registry.terraform.io", "registry.opentofu.org")
	}
	s.must(mirror)
	s.must(strings.ReplaceAll(`go build -o build/terraform-provider-vultr ./test/vultrschema`+"\n"+mirror, "ageenv", "vultr"))
	s.must(blocksBelow(t, gettingStarted, "Without an account")[0].text)
	s.must(blocksBelow(t, "README.md", "A first real use")[0].text)
	s.must("age-keygen -o ~/second.txt")

	s.follow(composeGuide, map[string]func(){
		"Secret files": func() { s.copied("app") }, "Values in the environment": func() { s.copied("app-env") },
	})
	for dir, names := range map[string]string{"app": "API_TOKEN POSTGRES_PASSWORD", "app-env": "API_TOKEN POSTGRES_PASSWORD"} {
		state := readFile(t, filepath.Join(s.home, dir, "terraform.tfstate"))
		for name := range strings.FieldsSeq(names) {
			if !strings.Contains(state, `"`+name+`"`) || strings.Contains(state, "s3cret") {
				t.Errorf("the state of %s has no %s, or a value", dir, name)
			}
		}
		if out, code := s.run("cd ~/" + dir + " && terraform plan -detailed-exitcode"); code != 0 {
			t.Errorf("the plan of %s after the apply: %s", dir, out)
		}
	}

	// The first boot of the box, and then the guide.
	s.must(`cd ~/app && curl -fs "$VULTR_API_URL/box/$(terraform output -raw script_id)" | ssh root@203.0.113.1 sh`)
	token := func() string { return readFile(t, filepath.Join(s.home, "box/run/app/secrets/API_TOKEN")) }
	first := token()
	s.follow(runningBox, map[string]func(){
		"Where the identity does not travel": func() { s.dataSource() },
		"Replace the box":                    func() { s.must("cd ~/app") },
	})
	if second := token(); first == second || !strings.HasPrefix(second, "s3cret-") {
		t.Errorf("the box has %q, and then %q", first, second)
	}
	if got := readFile(t, filepath.Join(s.home, "box/run/app/.env")); got != "TOKEN=a-token\n" {
		t.Errorf("the data source's script gives the box %q", got)
	}
	digest := regexp.MustCompile(`[0-9a-f]{64}`).FindString(s.must("terraform output bundle_sha256"))
	if status := s.outputOf("ageenv status"); digest == "" || strings.Count(status, digest) != 2 {
		t.Errorf("the digest of the output, %s, is not that of the box: %s", digest, status)
	}
	if out := s.outputOf("-replace=vultr_instance.app"); !strings.Contains(out, "1 added, 0 changed, 1 destroyed") {
		t.Errorf("the box is replaced by %s", out)
	}
	// An API key that is wrong leaves the box as it is, and says so.
	before := token()
	run := strings.ReplaceAll(blocksBelow(t, runningBox, "Run the new script over SSH")[1].text, "https://api.vultr.com", "$VULTR_API_URL")
	if out, _ := s.run("sops edit app.enc.env && terraform apply >/dev/null && (VULTR_API_KEY=wrong\n" + run + ")"); !strings.Contains(out, "curl: (22)") || strings.Contains(out, "ageenv:") || token() != before {
		t.Errorf("with a wrong API key: %s", out)
	}
	for _, typed := range s.typed {
		if strings.Contains(typed[1], "s3cret") || strings.Contains(typed[1], "AGE-SECRET-KEY-1") {
			t.Errorf("%s prints a value: %s", typed[0], typed[1])
		}
	}
}

// boxOperator is a person who has boxes.
type boxOperator struct {
	*shell
	typed [][2]string // blocks of a guide, and what they printed
}

// outputOf is what the only block printed that has a text.
func (s *boxOperator) outputOf(text string) (output string) {
	s.t.Helper()
	found := 0
	for _, typed := range s.typed {
		if strings.Contains(typed[0], text) {
			output = typed[1]
			found++
		}
	}
	if found != 1 {
		s.t.Fatalf("%d blocks have %q", found, text)
	}
	return output
}

// copied puts the operators into a copy of an example. Who is not root can give files to nobody
// else.
func (s *boxOperator) copied(dir string) {
	s.t.Helper()
	rules := filepath.Join(s.home, dir, ".sops.yaml")
	content, err := os.ReadFile(rules)
	if err != nil || !strings.Contains(string(content), "age1-your-recipient") {
		return
	}
	writeFile(s.t, rules, withOperators(s.shell, string(content)), 0o600)
	if os.Getuid() != 0 {
		s.must(fmt.Sprintf(`sed -i -e 's/\(owner *= \)"1000"/\1"%d"/' -e 's/\(group *= \)"1000"/\1"%d"/' ~/%s/main.tf`, os.Getuid(), os.Getgid(), dir))
	}
}

// dataSource changes to a directory with the data source's example, whose box has the operator's
// identity.
func (s *boxOperator) dataSource() {
	s.t.Helper()
	config := page(s.t, "examples/data-sources/ageenv_first_boot_script/data-source.tf")
	for _, edit := range [][2]string{{"/usr/local/bin/fetch-identity", "cat " + s.home + "/.config/sops/age/keys.txt"}, {`  restart_units = ["app.service"]` + "\n", ""}} {
		if !strings.Contains(config, edit[0]) {
			s.t.Fatalf("the example does not have %q", edit[0])
		}
		config = strings.Replace(config, edit[0], edit[1], 1)
	}
	writeFile(s.t, filepath.Join(s.home, "data/main.tf"), config, 0o600)
	s.must(`cd ~/data && export TF_VAR_token=a-token TF_VAR_operator="$(age-keygen -y ~/.config/sops/age/keys.txt)" && terraform init`)
}

// follow types all blocks of a guide that are for an operator's machine, in their order, and
// compares a text after one with its output. before is called with each block of a section. A
// session on a box is test/firstboot's.
func (s *boxOperator) follow(guide string, before map[string]func()) {
	s.t.Helper()
	ran := 0
	for _, heading := range headings(s.t, guide) {
		_, section, _ := strings.Cut(page(s.t, guide), "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !fence.MatchString(section) {
			continue
		}
		var output string
		for _, b := range blocksBelow(s.t, guide, heading) {
			switch b.language {
			case "sh":
				if f := before[heading]; f != nil {
					f()
				}
				output = s.must(strings.ReplaceAll(b.text, "https://api.vultr.com", "$VULTR_API_URL"))
				s.typed = append(s.typed, [2]string{b.text, output})
				ran++
			case "text":
				if os.Getuid() == 0 && !strings.Contains(output, b.text) {
					s.t.Errorf("%s shows %q, and what ran prints %s", guide, b.text, output)
				}
			case "console":
			default:
				s.t.Errorf("%s: nothing is done with a block of %s", guide, b.language)
			}
		}
	}
	if ran < 4 {
		s.t.Errorf("%s: only %d blocks were run", guide, ran)
	}
}
