//go:build unix

package main

import (
	"errors"
	"os/exec"
	"syscall"
)

func inSession(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func leaveSession() error {
	_, err := syscall.Setsid()
	return err
}

func stop(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }

// coreLimit is an error if this process could write its memory to a core file.
func coreLimit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		return errors.New("core files are written")
	}
	return nil
}
