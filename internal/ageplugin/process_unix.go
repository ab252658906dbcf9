//go:build unix

package ageplugin

import (
	"os"
	"os/exec"
	"syscall"
)

// inSessionOfItsOwn keeps the terminal from the child: a plugin that opens /dev/tty is
// told that there is none, and does not wait for an answer on Terraform's terminal. A
// session is a process group too.
func inSessionOfItsOwn(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}

// group is the number of a process group.
type group int

func groupOf(command *exec.Cmd) group { return group(command.Process.Pid) }

// kill kills all of the group. What has left it, a daemon, stays.
func (g group) kill() { _ = syscall.Kill(-int(g), syscall.SIGKILL) }

// killOwnGroup kills this process, the plugin and what it started.
func killOwnGroup() {
	_ = syscall.Kill(0, syscall.SIGKILL)
	os.Exit(1)
}
