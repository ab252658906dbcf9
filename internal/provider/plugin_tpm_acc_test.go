//go:build linux

package provider_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// tpmDevice is where age-plugin-tpm finds a TPM, and nowhere else.
const tpmDevice = "/dev/tpmrm0"

// softwareTPM runs swtpm behind a pseudo terminal, and has the TPM's device point to that.
func softwareTPM(t *testing.T) {
	t.Helper()
	swtpm, err := exec.LookPath("swtpm")
	switch _, there := os.Stat(tpmDevice); {
	case err != nil:
		t.Skip("no software TPM: install swtpm")
	case there == nil:
		t.Skip("this machine has a TPM, which is left alone")
	case os.Getuid() != 0:
		t.Skip("only root can put a device into /dev")
	}
	master, slave := rawTerminal(t)
	cmd := exec.Command(swtpm, "chardev", "--tpm2", "--fd", "3", "--tpmstate", "dir="+t.TempDir(), "--flags", "not-need-init,startup-clear")
	cmd.ExtraFiles = []*os.File{master}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = master.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if err := os.Symlink(slave, tpmDevice); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(tpmDevice) })
}

// rawTerminal is a pseudo terminal that hands on bytes as they are.
func rawTerminal(t *testing.T) (master *os.File, slave string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave = "/dev/pts/" + strconv.Itoa(number)
	held, err := os.OpenFile(slave, os.O_RDWR|unix.O_NOCTTY, 0) // open, it keeps what is set
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	raw, err := unix.IoctlGetTermios(int(held.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	raw.Iflag, raw.Oflag, raw.Lflag = 0, 0, 0
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(held.Fd()), unix.TCSETS, raw); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// An operator's key in a TPM, with the plugin that people use for that. The TPM is
// swtpm's.
func TestAccPluginTPM(t *testing.T) {
	program := os.Getenv("AGEENV_TEST_AGE_PLUGIN_TPM")
	if program == "" {
		t.Skip("no age-plugin-tpm to test with: set AGEENV_TEST_AGE_PLUGIN_TPM")
	}
	w := newWorldWith(t, vultrsim.Options{})
	c := newCLI(t, w)
	softwareTPM(t)
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "age-plugin-tpm")); err != nil {
		t.Fatal(err)
	}
	c.env["PATH"] = bin + string(os.PathListSeparator) + os.Getenv("PATH")
	path := []string{"PATH=" + c.env["PATH"]}
	keyFile := filepath.Join(dir, "key.txt")
	generate := func(args ...string) {
		t.Helper()
		_ = os.Remove(keyFile)
		cmd := exec.Command(program, append([]string{"--generate", "-o", keyFile}, args...)...)
		cmd.Env = append(os.Environ(), "AGE_TPM_PIN=1234")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// Without escrow_recipients: the key file names the recipient.
	generate()
	c.env["SOPS_AGE_KEY_FILE"] = keyFile
	c.write("provider \"ageenv\" {\n" + fastVultr(w.sim != nil) + "}\n" + oneService)
	badOutput(t, c.must("apply", "-auto-approve"), []string{"Warning: Operators taken from the identities found here", "age1tag1"}, nil)
	badOutput(t, c.must("plan"), []string{"No changes.", "Each plan asks age-plugin-tpm to open this bundle"}, nil)
	a := stateOf(t, c)
	env := append(path, "SOPS_AGE_KEY_FILE="+keyFile)
	if got := realRun(t, "AGEENV_TEST_SOPS", a.text(bundleAddress, "ciphertext"), env, "--decrypt", "--input-type", "dotenv", "--output-type", "dotenv", "/dev/stdin"); !strings.Contains(got, "TOKEN=first") {
		t.Errorf("sops gives %q", got)
	}
	if got := realRun(t, "AGEENV_TEST_AGE", a.text(keyAddress, "wrapped_identity"), path, "-d", "-i", keyFile); !strings.Contains(got, a.text(keyAddress, "recipient")) {
		t.Error("age does not give the identity")
	}
	c.must("apply", "-auto-approve", "-replace="+keyAddress)

	// A key with a PIN: nobody is asked for it.
	c.must("destroy", "-auto-approve", "-refresh=false")
	generate("--pin")
	c.env["AGE_TPM_PIN"] = "1234"
	c.must("apply", "-auto-approve", "-target="+bundleAddress)
	out, err := c.run("plan")
	if err == nil {
		t.Error("the plan succeeds")
	}
	badOutput(t, out, []string{"The program age-plugin-tpm asked for a PIN or another text."}, nil)
}
