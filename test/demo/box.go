package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// boxPath is the PATH that the script sets for itself.
const boxPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// box is a directory that plays a new machine's root.
type box struct {
	name string
	root string
	path string // PATH for the script; empty for the script's own
}

// newBox makes one with nothing in it but the directory that says that systemd runs.
func (d *demo) newBox(name string) (box, error) {
	b := box{name: name, root: filepath.Join(d.dir, name), path: d.boxPath}
	return b, os.MkdirAll(filepath.Join(b.root, "run/systemd/system"), 0o700)
}

// boot runs the script as a new box would: with an empty environment, and nothing
// on its input. What it prints is returned; none of it is a value.
func (b box) boot(ctx context.Context, script secret.Text) (string, error) {
	file := b.root + ".script"
	if err := os.WriteFile(file, []byte(script.Reveal()), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(file) //nolint:errcheck // the whole directory goes in the end
	args := []string{"-i", "AGEENV_ROOT=" + b.root}
	if b.path != "" {
		args = append(args, "AGEENV_PATH="+b.path)
	}
	r, err := stage.Run(ctx, stage.Command(ctx, b.root, []string{}, "env", append(args, "sh", file)...))
	if err != nil {
		return "", err
	}
	said := strings.TrimSpace(string(r.Stdout) + string(r.Stderr))
	if r.Code != 0 {
		return said, fmt.Errorf("the script ended with code %d", r.Code)
	}
	return said, nil
}

// dropped is the file as it lies on the box.
type dropped struct {
	text         secret.Text
	owner, group string
	mode         string
	modified     int64 // nanoseconds
	inode        uint64
}

// look reads the file that the script was to put in place, and compares owner,
// group and mode with what was asked for.
func (b box) look(want placed) (dropped, error) {
	path := filepath.Join(b.root, want.Path)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return dropped{}, fmt.Errorf("%s is not there as a file", want.Path)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return dropped{}, errors.New("this system does not tell a file's owner")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return dropped{}, err
	}
	f := dropped{
		text: secret.New(string(content)), owner: userName(stat.Uid), group: groupName(stat.Gid),
		mode: fmt.Sprintf("%04o", info.Mode().Perm()), modified: info.ModTime().UnixNano(), inode: stat.Ino,
	}
	if f.owner != want.Owner || f.group != want.Group || f.mode != want.Mode {
		return f, fmt.Errorf("%s is %s:%s %s, and was to be %s:%s %s", want.Path, f.owner, f.group, f.mode, want.Owner, want.Group, want.Mode)
	}
	return f, nil
}

// userName is the user's name, or the number where there is none.
func userName(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

func groupName(id uint32) string {
	number := strconv.FormatUint(uint64(id), 10)
	if g, err := user.LookupGroupId(number); err == nil {
		return g.Name
	}
	return number
}

// decryptorPath returns the PATH for boxes. Boxes have python3 or age; if this
// machine has neither, age is built into the directory, and note says so.
func decryptorPath(ctx context.Context, root, dir string) (path, note string, err error) {
	return decryptorPathFrom(ctx, boxPath, root, dir)
}

func decryptorPathFrom(ctx context.Context, path, root, dir string) (newPath, note string, err error) {
	for _, program := range []string{"python3", "age"} {
		for _, folder := range filepath.SplitList(path) {
			if _, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
				return "", "", nil
			}
		}
	}
	// The release that the provider itself is built with.
	r, err := stage.Go(ctx, root, nil, "list", "-m", "-f", "{{.Version}}", "filippo.io/age")
	if err != nil {
		return "", "", err
	}
	release := strings.TrimSpace(string(r.Stdout))
	if _, err := stage.Go(ctx, dir, []string{"GOBIN=" + dir, "GOFLAGS=", "CGO_ENABLED=0"}, "install", "filippo.io/age/cmd/age@"+release); err != nil {
		return "", "", fmt.Errorf("a box needs python3 or age, this machine has neither, and age can't be built: install python3: %w", err)
	}
	return dir + ":" + path, "this machine has neither python3 nor age: age " + release + " was built for the box", nil
}
