package docs_test

import (
	"cmp"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const databases = "docs/guides/databases.md"

// postgres starts a real server on this machine, as a user who is not root, and gives the
// shell an administrator's connection. It returns the path of the server's log.
func postgres(s *shell) (log string) {
	s.t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		s.t.Skip("PostgreSQL is not installed")
	}
	bin := found[len(found)-1]
	dir, err := os.MkdirTemp("/tmp", "ageenv-postgres-") // not below t.TempDir: another user has to reach it
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	writeFile(s.t, filepath.Join(dir, "password"), "s3cret-admin\n", 0o600)
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		const nobody = 65534
		as.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		for _, path := range []string{dir, filepath.Join(dir, "password")} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}, as
		return cmd
	}
	if out, err := run("initdb", "-D", dir+"/data", "-U", "postgres", "--auth=scram-sha-256", "--pwfile="+dir+"/password", "--no-sync").CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	_ = listener.Close()
	log = filepath.Join(dir, "log")
	output, err := os.Create(log)
	if err != nil {
		s.t.Fatal(err)
	}
	server := run("postgres", "-D", dir+"/data", "-h", "127.0.0.1", "-p", port, "-k", "", "-c", "fsync=off")
	server.Stdout, server.Stderr = output, output
	if err := server.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
		_ = output.Close()
	})
	s.must("export PGHOST=127.0.0.1 PGPORT=" + port + " PGSSLMODE=disable PGDATABASE=postgres PGPASSWORD=s3cret-admin")
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, code := s.run("PGUSER=postgres psql -c 'select 1'"); code == 0 {
			return log
		}
		if time.Since(begun) > 20*time.Second {
			s.t.Fatalf("the server does not answer:\n%s", readFile(s.t, log))
		}
	}
}

// TestAccDatabaseGuide follows "Database passwords" with a real PostgreSQL. AGEENV_TEST_POSTGRESQL_PROVIDER
// names the real provider; without it, test/standin sets the password with psql.
func TestAccDatabaseGuide(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	log := postgres(s)
	s.installed()
	s.simulated()
	s.mirrored("cyrilgdn/postgresql", "1.26.0", cmp.Or(os.Getenv("AGEENV_TEST_POSTGRESQL_PROVIDER"), program(t, "test/standin")))
	s.must("mkdir -p ~/.config/sops/age && age-keygen -o ~/.config/sops/age/keys.txt && age-keygen -o ~/second.txt")
	dir := s.example("database")

	for _, block := range blocksBelow(t, databases, "Set up") {
		switch block.language {
		case "terraform":
			sameBlocks(t, block.text, readFile(t, filepath.Join(dir, "main.tf")))
		case "sh":
			text := withOperators(s, block.text)
			if !strings.Contains(text, "PGHOST=db.example.org ") {
				t.Fatal("the guide does not set PGHOST")
			}
			s.must(strings.ReplaceAll(text, "PGHOST=db.example.org ", ""))
		}
	}
	logIn := blockOf(t, databases, "See that it works", "sh")
	logsIn := func(when string) (password string) {
		t.Helper()
		if out := s.must("(" + logIn + ")"); !strings.Contains(out, "app") {
			t.Errorf("%s: psql prints %s", when, out)
		}
		password = s.must(opened("DATABASE_PASSWORD"))
		if !regexp.MustCompile(`^[A-Za-z0-9]{40}\n?$`).MatchString(password) {
			t.Fatalf("%s: the password has another form", when)
		}
		password = strings.TrimSpace(password)
		if out, _ := s.run("cat terraform.tfstate*; env"); strings.Contains(out, password) || regexp.MustCompile(`"password": *"[^"]{8}`).MatchString(out) {
			t.Errorf("%s: the password is in the state", when)
		}
		return password
	}
	if !strings.Contains(logIn, opened("DATABASE_PASSWORD")) {
		t.Error("the guide opens the bundle in another way")
	}
	first := logsIn("after the first apply")
	empty := func(when string) {
		t.Helper()
		if out, code := s.run("terraform plan -detailed-exitcode"); code != 0 {
			t.Errorf("%s, a plan ends with %d:\n%s", when, code, out)
		}
	}
	empty("after the first apply")
	refused := func(user, password, when string) {
		t.Helper()
		if out, code := s.run("PGUSER=" + user + " PGPASSWORD=" + password + " psql -c 'select 1'"); code == 0 || !strings.Contains(out, "password authentication failed") {
			t.Errorf("%s, the server says %s", when, out)
		}
	}

	// 30 days later.
	s.must(`sed -i -E 's/"(rotated_at|rotate_at)": "[^"]*"/"\1": "2020-01-01T00:00:00Z"/' terraform.tfstate`)
	before := s.must("terraform output -raw script_id")
	if out := s.must(blockOf(t, databases, "Once a month", "sh")); !strings.Contains(out, "DATABASE_PASSWORD") {
		t.Errorf("the plan does not name the password:\n%s", out)
	}
	second := logsIn("after a month")
	refused("app", first, "after a month")
	if second == first || s.must("terraform output -raw script_id") == before {
		t.Error("the apply after a month changes nothing")
	}
	empty("after a month")

	// Today.
	keepers := blockOf(t, databases, "Once a month", "terraform")
	main := readFile(t, filepath.Join(dir, "main.tf"))
	changed := regexp.MustCompile(`(?m)^  generated .*$`).ReplaceAllLiteralString(main, keepers)
	writeFile(t, filepath.Join(dir, "main.tf"), changed, 0o600)
	s.must("terraform apply")
	if third := logsIn("with keepers"); third == second {
		t.Error("keepers change nothing")
	}

	if text := readFile(t, log); strings.Contains(text, first) || strings.Contains(text, second) {
		t.Error("the server's log has a password")
	}

	// Two users, one of whom changes each month.
	two := blockOf(t, databases, "Without an outage: two users", "terraform")
	s.must("mkdir ~/two && cd ~/two")
	writeFile(t, filepath.Join(s.home, "two/main.tf"), header(main)+two+`
resource "ageenv_key" "box" {}

output "bundle" {
  value     = ageenv_bundle.app.ciphertext
  sensitive = true
}
`, 0o600)
	s.must("PGUSER=postgres psql -c 'drop role app'; terraform init")
	var users, passwords []string
	for _, month := range []string{"2026-11", "2026-12", "2027-01"} {
		s.must("export TF_VAR_month=" + month + " && terraform apply")
		users = append(users, strings.TrimSpace(s.must(opened("DATABASE_USER"))))
		passwords = append(passwords, strings.TrimSpace(s.must(opened("DATABASE_PASSWORD"))))
		for i := range users[max(0, len(users)-2):] {
			i += max(0, len(users)-2)
			if out, code := s.run("PGUSER=" + users[i] + " PGPASSWORD=" + passwords[i] + " psql -c 'select 1'"); code != 0 {
				t.Errorf("in %s, the password of %d months before does not work: %s", month, len(users)-1-i, out)
			}
		}
	}
	if !slices.Equal(users, []string{"app_b", "app_a", "app_b"}) && !slices.Equal(users, []string{"app_a", "app_b", "app_a"}) {
		t.Errorf("the users are %q", users)
	}
	refused(users[0], passwords[0], "two months later")
	empty("in the same month")
}

// opened prints an entry of the bundle, as the guide does.
func opened(entry string) string {
	return `terraform output -raw bundle | sops decrypt --input-type dotenv --extract '["` + entry + `"]' /dev/stdin`
}

// sameBlocks: each block of a page is in the example, apart from comments and what a page leaves out.
func sameBlocks(t *testing.T, page, example string) {
	t.Helper()
	have := plainHCL(example)
	for line := range strings.SplitSeq(plainHCL(page), "\n") {
		if !strings.Contains(have, line) {
			t.Errorf("the example does not have this line of the page: %s", line)
		}
	}
}

var comments = regexp.MustCompile(`(?m)^ *#.*\n`)

// plainHCL is a configuration without comments and the alignment of its arguments.
func plainHCL(text string) string {
	return regexp.MustCompile(` +=`).ReplaceAllString(comments.ReplaceAllString(text, ""), " =")
}

// header is the beginning of an example: its providers, and who the operators are.
func header(example string) string {
	before, _, _ := strings.Cut(example, "\nresource ")
	return before + "\n"
}
