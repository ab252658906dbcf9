package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const teams = "templates/guides/teams.md"

// team is a repository with the files of examples/team.
type team struct {
	*shell
	dir string
}

// newTeam copies the files into a new repository. Ada and Grace are operators, Linus is a
// developer, Margaret is to come: each has a file of keys in the home.
func newTeam(t *testing.T) team {
	t.Helper()
	s := newShell(t)
	r := team{s, filepath.Join(s.home, "repository")}
	if err := os.CopyFS(r.dir, os.DirFS(filepath.Join(repository, "examples/team"))); err != nil {
		t.Fatal(err)
	}
	s.must(`cd ~/repository
git init -q -b main .
git config user.email ada@example.org && git config user.name Ada
for person in ada grace linus margaret; do age-keygen -o ~/$person.txt; done
export SOPS_AGE_KEY_FILE=~/ada.txt`)
	return r
}

func (r team) recipient(person string) string {
	r.t.Helper()
	return strings.TrimSpace(r.must("age-keygen -y ~/" + person + ".txt"))
}

// rules edits .sops.yaml.
func (r team) rules(pairs ...string) {
	r.t.Helper()
	path := filepath.Join(r.dir, ".sops.yaml")
	before := readFile(r.t, path)
	after := strings.NewReplacer(pairs...).Replace(before)
	if after == before {
		r.t.Fatal(".sops.yaml is not as expected")
	}
	writeFile(r.t, path, after, 0o600)
}

// peopled puts the recipients of people in the place of those that the file makes up.
func (r team) peopled() {
	r.t.Helper()
	r.rules("age1-ada-operator", r.recipient("ada"), "age1-grace-operator", r.recipient("grace"), "age1-linus-developer", r.recipient("linus"))
}

// gitleaks is the pinned program, in the version that the files name.
func gitleaks(t *testing.T) string {
	t.Helper()
	path := tool(t, "gitleaks")
	_, version, _ := strings.Cut(filepath.Base(filepath.Dir(path)), "-")
	for file, pattern := range map[string]string{
		".pre-commit-config.yaml":       `repo: https://github.com/gitleaks/gitleaks\n    rev: v` + regexp.QuoteMeta(version) + `\n`,
		".github/workflows/secrets.yml": `go run github.com/zricethezav/gitleaks/v8@v` + regexp.QuoteMeta(version) + ` `,
	} {
		if text := page(t, "examples/team/"+file); !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("%s does not take gitleaks %s", file, version)
		}
	}
	return path
}

// ciSteps are the commands of the workflow's steps, with the pinned gitleaks in the place of
// the one that it downloads.
func ciSteps(t *testing.T) (steps []string) {
	t.Helper()
	workflow := page(t, "examples/team/.github/workflows/secrets.yml")
	download := regexp.MustCompile(`go run github\.com/zricethezav/gitleaks/v8@\S+`)
	for _, m := range regexp.MustCompile(`(?m)^ +run: (.*)$`).FindAllStringSubmatch(workflow, -1) {
		steps = append(steps, download.ReplaceAllString(m[1], gitleaks(t)))
	}
	if len(steps) != 2 {
		t.Fatalf("the workflow has %d commands, want 2", len(steps))
	}
	return steps
}

// TestAccTeamPlaintext plants secrets in a repository with the files to copy: each is found,
// and no output shows one.
func TestAccTeamPlaintext(t *testing.T) {
	t.Parallel()
	const (
		weak   = "s3cret-weak"
		stripe = "sk_live_" + "51H8xTnV9rLm4KpW7aBcDeFg" // in two parts: this file is searched too
	)
	r := newTeam(t)
	ci := ciSteps(t)
	// What gitleaks' own .pre-commit-hooks.yaml runs.
	hooks := []string{gitleaks(t) + " git --pre-commit --redact --staged --verbose", "./check-plaintext"}
	if !strings.Contains(page(t, "examples/team/.pre-commit-config.yaml"), "entry: "+hooks[1]+"\n") {
		t.Error("pre-commit does not run check-plaintext")
	}
	if out, code := r.run("sops edit secrets/prod.enc.env"); code == 0 {
		t.Errorf("sops encrypts to recipients that nobody has: %s", out)
	}
	r.peopled()
	r.must("mkdir -p secrets && sops edit secrets/prod.enc.env && sops edit secrets/stage.enc.env")
	passes := func(commands []string) {
		t.Helper()
		for _, c := range commands {
			r.must(c)
		}
	}
	refused := func(what string, command, names string) {
		t.Helper()
		out, code := r.run(command)
		if code == 0 || !strings.Contains(out, names) {
			t.Errorf("%s: exit code %d, %s", what, code, out)
		}
		if strings.Contains(out, weak) || strings.Contains(out, stripe) {
			t.Errorf("%s: the value is shown: %s", what, out)
		}
	}

	// What is never added.
	ignored := []string{".env", ".env.local", "prod.env", "secrets/prod.env", "prod.env.bak", "keys.txt", "terraform.tfstate", "a.tfplan", "a.tfvars"}
	for _, name := range ignored {
		writeFile(t, filepath.Join(r.dir, name), "TOKEN="+weak+"\n", 0o600)
	}
	r.must("git add .")
	staged := strings.Fields(r.must("git ls-files"))
	for _, name := range staged {
		if text := readFile(t, filepath.Join(r.dir, name)); strings.Contains(text, weak) {
			t.Errorf("%s was added", name)
		}
	}
	if joined := strings.Join(staged, " "); !strings.Contains(joined, "secrets/prod.enc.env secrets/stage.enc.env") {
		t.Errorf("encrypted files were not added: %s", joined)
	}
	passes(hooks)
	r.must("git commit -q -m first")
	passes(ci)

	for _, name := range []string{".env", "prod.env", "secrets/prod.env", "prod.env.bak"} {
		r.must("git add -f " + name)
		refused("a forced "+name, hooks[1], name+" is an env file in plaintext")
		r.must("git rm -q --cached " + name)
	}
	for what, line := range map[string]string{"an entry by hand": "BY_HAND=" + weak, "a comment by hand": "# was " + weak, "a broken value": weak} {
		r.must("printf '%s\\n' '" + line + "' >>secrets/prod.enc.env && git add secrets/prod.enc.env")
		refused(what, hooks[1], "secrets/prod.enc.env: lines that are not encrypted: ")
		r.must("git restore --staged --worktree secrets/prod.enc.env")
	}
	r.must("sed '/^sops_/d; s/=ENC.*/=/' secrets/prod.enc.env >bare && mv bare secrets/prod.enc.env && git add secrets/prod.enc.env")
	refused("without sops' MAC", hooks[1], "not encrypted by sops")
	r.must("git restore --staged --worktree secrets/prod.enc.env")

	writeFile(t, filepath.Join(r.dir, "notes.md"), "The key is "+stripe+"\n", 0o600)
	r.must("git add notes.md")
	refused("a key in any file", hooks[0], "stripe-access-token")
	r.must("git commit -q -m planted && git rm -q notes.md && git commit -q -m removed")
	passes(hooks)
	passes(ci[:1])
	refused("a key in an earlier commit", ci[1], "leaks found: 1")

	r.must("git add -f .env && git commit -q -m planted")
	refused("plaintext that was committed", ci[0], ".env is an env file in plaintext")
}

// TestAccTeamPreCommit commits with the real pre-commit. It takes gitleaks' hook from a stand-in
// for its repository, which runs the pinned program in the place of one that it would build.
func TestAccTeamPreCommit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pre-commit"); err != nil {
		t.Skip("pre-commit is not installed")
	}
	const stripe = "sk_live_" + "51H8xTnV9rLm4KpW7aBcDeFg" // in two parts: this file is searched too
	r := newTeam(t)
	r.peopled()
	hook := "- id: gitleaks\n  name: keys and passwords\n  entry: " + gitleaks(t) + " git --pre-commit --redact --staged --verbose\n" +
		"  language: system\n  pass_filenames: false\n"
	writeFile(t, filepath.Join(r.home, "gitleaks/.pre-commit-hooks.yaml"), hook, 0o600)
	tag := regexp.MustCompile(`gitleaks/gitleaks\n    rev: (\S+)`).FindStringSubmatch(page(t, "examples/team/.pre-commit-config.yaml"))[1]
	r.must(`git config --global url.$HOME/gitleaks.insteadOf https://github.com/gitleaks/gitleaks
(cd ~/gitleaks && git init -q . && git add . && git -c user.name=x -c user.email=x@example.org commit -q -m x && git tag ` + tag + `)
pre-commit install && mkdir secrets && sops edit secrets/prod.enc.env && git add .`)
	if out := r.must("git commit -m first"); strings.Count(out, "Passed") != 2 {
		t.Errorf("an encrypted file: %s", out)
	}
	for what, planted := range map[string]string{
		"keys and passwords":      "echo 'key: " + stripe + "' >notes.md && git add notes.md",
		"env files are encrypted": "echo TOKEN=s3cret-weak >a.env && git add -f a.env",
	} {
		out, code := r.run(planted + " && git commit -m planted")
		if code == 0 || !regexp.MustCompile(regexp.QuoteMeta(what)+`\.+Failed`).MatchString(out) || strings.Contains(out, stripe) || strings.Contains(out, "s3cret") {
			t.Errorf("%s: exit code %d: %s", what, code, out)
		}
		r.must("git reset -q --hard")
	}
}

// TestAccTeamGit: git neither changes an encrypted file nor merges two of them.
func TestAccTeamGit(t *testing.T) {
	t.Parallel()
	r := newTeam(t)
	r.peopled()
	r.must(`mkdir -p secrets && sops edit secrets/prod.enc.env && git add . && git commit -q -m first
git switch -q -c other && sops edit secrets/prod.enc.env && git commit -q -a -m theirs
git switch -q main && sops set --value-stdin secrets/prod.enc.env '["LOG_LEVEL"]' <<<'"debug"' && git commit -q -a -m ours`)
	if out, code := r.run("git merge other"); code == 0 || !strings.Contains(out, "CONFLICT") {
		t.Errorf("two versions were merged: %s", out)
	}
	if strings.Contains(readFile(t, filepath.Join(r.dir, "secrets/prod.enc.env")), "<<<<<<<") {
		t.Error("git has mixed two versions in one file")
	}
	merging := blocksBelow(t, teams, "Change a value")[1].text
	r.must(merging)
	if out := r.must("git commit -q -m merged && sops decrypt secrets/prod.enc.env"); !strings.Contains(out, "LOG_LEVEL=debug\n") || !strings.Contains(out, "TOKEN=s3cret-xxx\n") {
		t.Errorf("after the merge: %q", out)
	}
	r.must(`git -c core.autocrlf=true clone -q . ~/windows && cmp secrets/prod.enc.env ~/windows/secrets/prod.enc.env`)
}

// TestAccTeamApplies is the guide: Ada makes the file and applies, Grace plans the same, Margaret
// comes, Ada leaves.
func TestAccTeamApplies(t *testing.T) {
	t.Parallel()
	r := newTeam(t)
	r.peopled()
	r.must("cd ~ && git clone -q https://github.com/ageenv/terraform-provider-ageenv && cd terraform-provider-ageenv")
	install := blockOf(t, "README.md", "Install", "sh")
	r.must(install[strings.Index(install, "make build"):])
	r.must(blocksBelow(t, gettingStarted, "Without an account")[0].text)
	r.must("cd ~/repository && mkdir secrets")

	setUp := blocksBelow(t, teams, "Set up")
	if out := r.must(setUp[0].text); !strings.Contains(out, "3 added") {
		t.Errorf("the apply: %s", out)
	}
	empty := func(person string) {
		t.Helper()
		if out, code := r.run("SOPS_AGE_KEY_FILE=~/" + person + ".txt terraform plan -detailed-exitcode"); code != 0 {
			t.Errorf("%s plans: %s", person, out)
		}
	}
	empty("grace")
	if out, code := r.run("SOPS_AGE_KEY_FILE=~/linus.txt terraform plan"); code == 0 {
		t.Errorf("a developer plans production: %s", out)
	}

	if state := readFile(t, filepath.Join(r.dir, "terraform.tfstate")); strings.Contains(state, r.recipient("linus")) || !strings.Contains(state, r.recipient("grace")) {
		t.Error("the operators in the state are not those of production")
	}

	r.must("git clone -q --bare . ~/origin && git remote add origin ~/origin && git fetch -q && git branch -q -u origin/main")
	if out := r.must(blocksBelow(t, teams, "Change a value")[0].text); !strings.Contains(out, "Values change: TOKEN (") || strings.Contains(out, "s3cret") {
		t.Errorf("the plan: %s", out)
	}
	r.must("terraform apply")

	grace := r.recipient("grace")
	r.rules(grace, grace+",\n      "+r.recipient("margaret"))
	if out := r.must(blockOf(t, teams, "A new operator", "sh")); !strings.Contains(out, "0 added, 3 changed, 0 destroyed") {
		t.Errorf("the apply: %s", out)
	}
	empty("margaret")

	r.must("export SOPS_AGE_KEY_FILE=~/margaret.txt")
	r.rules(r.recipient("ada")+",", "")
	if out := r.must(blockOf(t, teams, "An operator leaves", "sh")); !strings.Contains(out, "0 added, 3 changed, 0 destroyed") {
		t.Errorf("the apply: %s", out)
	}
	empty("grace")
	if out, code := r.run("SOPS_AGE_KEY_FILE=~/ada.txt sops decrypt secrets/prod.enc.env"); code == 0 {
		t.Errorf("who left reads %s", out)
	}
	if strings.Contains(readFile(t, filepath.Join(r.dir, "terraform.tfstate")), "s3cret") {
		t.Error("a value is in the state")
	}

	// A plaintext file that is there before.
	r.must(`rm secrets/prod.enc.env && printf 'TOKEN=s3cret-old\nEMPTY=""\n' >.env`)
	r.must(setUp[1].text)
	r.must("test ! -e .env && git add . && ./check-plaintext && terraform plan")
}

// TestTeamScript is for what shellcheck knows.
func TestTeamScript(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed")
	}
	if out, err := exec.Command(shellcheck, filepath.Join(repository, "examples/team/check-plaintext")).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}

// TestAccTeamWorkflow is for what actionlint knows.
func TestAccTeamWorkflow(t *testing.T) {
	if os.Getenv("TF_ACC") == "" {
		t.Skip("it builds actionlint, as make test does")
	}
	workflow := filepath.Join(repository, "examples/team/.github/workflows/secrets.yml")
	if out, err := exec.Command(tool(t, "actionlint"), workflow).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
}
