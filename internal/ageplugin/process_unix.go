//go:build unix

package ageplugin

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
)

// inSessionOfItsOwn keeps the terminal from the child: a plugin that opens /dev/tty is
// told that there is none, and does not wait for an answer on Terraform's terminal. A
// session is a process group too.
func inSessionOfItsOwn(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}

// maxInherited is up to which file descriptor a program may have been given an open file.
const maxInherited = 1 << 10

// keepFiles keeps open files from the plugin that Terraform was started with, such as the
// pipe of -var-file=<(command) or a lock, which a plugin that stays would hold.
func keepFiles() {
	for fd := 3; fd < maxInherited; fd++ {
		syscall.CloseOnExec(fd)
	}
}

// group is the number of a process group.
type group int

func groupOf(command *exec.Cmd) group { return group(command.Process.Pid) }

// kill kills all of the group and all that descends from the child: a plugin may have
// left the group. A daemon, whose parent has ended, stays.
func (g group) kill() {
	_ = syscall.Kill(-int(g), syscall.SIGSTOP) // nothing new starts
	killDescendants(int(g))
	_ = syscall.Kill(-int(g), syscall.SIGKILL)
}

// killOwnGroup kills this process, the plugin and what it started.
func killOwnGroup() {
	killDescendants(os.Getpid())
	_ = syscall.Kill(0, syscall.SIGKILL)
	os.Exit(1)
}

// maxRounds bounds the search for descendants of a program that starts others without end.
const maxRounds = 100

// killDescendants kills what descends from a process. All are stopped before the first is
// killed: the children of one that has ended are nobody's.
func killDescendants(of int) {
	var stopped []int
	for range maxRounds {
		found := slices.DeleteFunc(descendants(of, parents()), func(pid int) bool { return slices.Contains(stopped, pid) })
		if len(found) == 0 {
			break
		}
		for _, pid := range found {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
		stopped = append(stopped, found...)
	}
	for _, pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// descendants returns the processes that descend from one, of all processes and their
// parents.
func descendants(of int, parents map[int]int) (found []int) {
	family := []int{of}
	for i := 0; i < len(family); i++ {
		for pid, parent := range parents {
			if parent == family[i] && !slices.Contains(family, pid) {
				family = append(family, pid)
			}
		}
	}
	return family[1:]
}
