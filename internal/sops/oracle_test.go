package sops_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/agekey/agekeytest"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// cli is the real sops, with a home and a key of its own.
type cli struct {
	path, dir string
	env       []string
}

// realSOPS finds the sops to test with: AGEENV_TEST_SOPS, or the one on PATH.
func realSOPS(t *testing.T) cli {
	t.Helper()
	path := os.Getenv("AGEENV_TEST_SOPS")
	if path == "" {
		found, err := exec.LookPath("sops")
		if err != nil {
			t.Skip("no sops to test with: set AGEENV_TEST_SOPS to one (3.12 or later, for hybrid keys), or put it on PATH")
		}
		path = found
	}
	dir := t.TempDir()
	return cli{path: path, dir: dir, env: []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir}}
}

// with gives the identity to sops, and nothing else.
func (c cli) with(t *testing.T, id agekey.Identity) cli {
	t.Helper()
	name := "SOPS_AGE_KEY_FILE"
	if kind := id.Recipient().Kind(); kind == agekey.SSHEd25519 || kind == agekey.SSHRSA {
		name = "SOPS_AGE_SSH_PRIVATE_KEY_FILE"
	}
	c.env = append(c.env[:len(c.env):len(c.env)], name+"="+c.file(t, "identity", id.Text().Reveal()))
	return c
}

func (c cli) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c cli) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.path, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	var out, report bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &report
	err := cmd.Run()
	if err != nil {
		t.Logf("sops %s: %s", strings.Join(args, " "), report.String())
	}
	return out.String(), err
}

// encrypted returns what sops makes of a file, for one recipient.
func (c cli) encrypted(t *testing.T, name, content string, id agekey.Identity, args ...string) string {
	t.Helper()
	// The form without a subcommand takes --mac-only-encrypted, and `sops encrypt` does not.
	args = append([]string{"--encrypt", "--age", id.Recipient().String()}, args...)
	out, err := c.run(t, append(args, c.file(t, name, content))...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Texts that both directions must give back byte for byte.
var texts = map[string]string{
	"one entry":      "A=1\n",
	"comments":       "# first\nA=1\n#\n#no space\n#B=2\nC=3\n# last = line\n",
	"escaped breaks": `A=one\ntwo\n` + "\n" + `B=\\n \t \r \\` + "\n" + `# a\nb` + "\n",
	"quotes":         "A=\"quoted\"\nB='single'\nC=a\"b'c`d\nD=\"\"\n",
	"unicode":        "A=grüße 🔑 \u2028 \u00a0\n# ключ\nB=\xff\xfe\n",
	"like sops":      "A=ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]x\nB=_unencrypted\nsop=1\n",
	"signs":          "A==\nB=a=b=c\nC= padded \t\nD=$HOME $(x) `y` #z\n_=1\na_1=2\n",
	"like types":     "A=1\nB=01\nC=true\nD=1.50\nE=null\nF=-0\n",
	"long":           "A=" + strings.Repeat("0123456789abcdef", 1<<12) + "\n",
	"control":        "A=\x00\x01\x7f\nB=a\rb\n",
}

func TestSOPSDecryptsOurs(t *testing.T) {
	c := realSOPS(t)
	one, two, pq, sshKey, rsaKey := x25519(t), x25519(t), hybrid(t), sshEd25519(t), agekeytest.SSHRSA(t)
	for _, tt := range []struct {
		name       string
		recipients []agekey.Identity
	}{
		{"one", []agekey.Identity{one}},
		{"three", []agekey.Identity{x25519(t), one, two}},
		{"mixed", []agekey.Identity{pq, rsaKey, sshKey, one}},
	} {
		for name, text := range texts {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				path := c.file(t, "x.enc.env", encrypt(t, text, tt.recipients...))
				out, err := c.with(t, one).run(t, "-d", path)
				if err != nil {
					t.Fatal(err)
				}
				if out != text {
					t.Errorf("got %.200q, want %.200q", out, text)
				}
			})
		}
	}
	path := c.file(t, "x.enc.env", encrypt(t, texts["comments"], pq, sshKey, rsaKey, one))
	for name, id := range map[string]agekey.Identity{"x25519": one, "hybrid": pq, "ssh-ed25519": sshKey, "ssh-rsa": rsaKey} {
		t.Run("mixed, opened by "+name, func(t *testing.T) {
			if out, err := c.with(t, id).run(t, "-d", path); err != nil || out != texts["comments"] {
				t.Errorf("got %q, %v", out, err)
			}
		})
	}
	t.Run("a stranger", func(t *testing.T) {
		if out, err := c.with(t, two).run(t, "-d", path); err == nil || out != "" {
			t.Errorf("sops gave a stranger %q", out)
		}
	})
}

func TestWeDecryptWhatSOPSEncrypts(t *testing.T) {
	c := realSOPS(t)
	for kind, id := range agekeytest.Kinds(t) {
		for name, text := range texts {
			for _, option := range []string{"", "--mac-only-encrypted"} {
				t.Run(kind+"/"+name+option, func(t *testing.T) {
					var args []string
					if option != "" {
						args = append(args, option)
					}
					file := c.encrypted(t, "plain.env", text, id, args...)
					if got := strings.Contains(file, "\nsops_mac_only_encrypted=true\n"); got != (option != "") {
						t.Fatal("sops did not take the option")
					}
					if store, ok := sops.Detect(file); !ok || store != sops.Dotenv {
						t.Error("not recognised as a dotenv file of sops")
					}
					got, err := decrypt(t, file, id)
					if err != nil {
						t.Fatal(err)
					}
					if got != text {
						t.Errorf("got %.200q, want %.200q", got, text)
					}
				})
			}
		}
	}
}

// The oldest release that is compared opens what is sealed to X25519 and others it
// does not know, and what it writes is read here.
func TestOldestSOPS(t *testing.T) {
	c, id := oldestSOPS(t), x25519(t)
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			path := c.file(t, "x.enc.env", encrypt(t, text, hybrid(t), agekeytest.SSHRSA(t), id, sshEd25519(t)))
			if out, err := c.with(t, id).run(t, "-d", path); err != nil || out != text {
				t.Errorf("it reads %.200q, %v", out, err)
			}
			if got, err := decrypt(t, c.encrypted(t, "plain.env", text, id), id); err != nil || got != text {
				t.Errorf("we read %.200q, %v", got, err)
			}
		})
	}
}

func TestEmptyValueOfSOPSIsRefused(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	file := c.encrypted(t, "plain.env", "A=1\nEMPTY=\n", id)
	_, err := decrypt(t, file, id)
	at(t, err, 2, "EMPTY")
}

// YAML has types, and sops keeps them when it writes dotenv.
func TestTypesOfSOPS(t *testing.T) {
	c, id := realSOPS(t), x25519(t)
	for name, tt := range map[string]struct {
		yaml string
		open bool
	}{
		"int":        {"A: 17\n", true},
		"negative":   {"A: -17\n", true},
		"hex":        {"A: 0x10\n", true},
		"string":     {"A: \"01\"\n", true},
		"line break": {"A: \"one\\ntwo\"\n", true},
		"bool":       {"A: true\n", false},
		"float":      {"A: 1.50\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.encrypted(t, "plain.yaml", tt.yaml, id, "--output-type", "dotenv")
			want, err := c.with(t, id).run(t, "-d", c.file(t, "typed.enc.env", file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decrypt(t, file, id)
			if !tt.open {
				at(t, err, 1, "A")
				return
			}
			if err != nil || got != want {
				t.Errorf("got %q, %v, and sops gives %q", got, err, want)
			}
		})
	}
}
