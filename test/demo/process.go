package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a program that was asked to stop may take before it is killed.
const grace = 10 * time.Second

// newCommand prepares a program with exactly this environment. It gets a process
// group of its own: a Ctrl-C at the terminal reaches the demo alone, which then
// asks its children to stop, one way for every way that a run can end.
func newCommand(ctx context.Context, dir string, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = grace
	return cmd
}

// result is what a program said and how it ended.
type result struct {
	stdout, stderr []byte
	code           int
}

// runCommand runs it to its end. A program that ends with another code than 0 is
// no error here; one that can't be started or was stopped is.
func runCommand(ctx context.Context, cmd *exec.Cmd) (result, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.Process != nil && ctx.Err() != nil {
		// Whatever it started and left behind, Terraform its plugin for one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	r := result{stdout: stdout.Bytes(), stderr: stderr.Bytes()}
	if cmd.ProcessState == nil {
		return r, fmt.Errorf("%s can't be started: %w", cmd.Path, err)
	}
	r.code = cmd.ProcessState.ExitCode()
	if r.code < 0 {
		return r, fmt.Errorf("%s was stopped: %s", cmd.Path, cmd.ProcessState)
	}
	return r, nil
}
