package stage

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// Grace is how long a program that was asked to stop may take before it is killed.
const Grace = 10 * time.Second

// Command prepares a program with exactly this environment. It gets a process
// group of its own: a Ctrl-C at the terminal reaches the caller alone, which then
// asks its children to stop, one way for every way that a run can end.
func Command(ctx context.Context, dir string, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = Grace
	return cmd
}

// Result is what a program said and how it ended.
type Result struct {
	Stdout, Stderr []byte
	Code           int
}

// Run runs it to its end. A program that ends with another code than 0 is
// no error here; one that can't be started or was stopped is.
func Run(ctx context.Context, cmd *exec.Cmd) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.Process != nil && ctx.Err() != nil {
		// Whatever it started and left behind, Terraform its plugin for one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	r := Result{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if cmd.ProcessState == nil {
		return r, fmt.Errorf("%s can't be started: %w", cmd.Path, err)
	}
	r.Code = cmd.ProcessState.ExitCode()
	if r.Code < 0 {
		return r, fmt.Errorf("%s was stopped: %s", cmd.Path, cmd.ProcessState)
	}
	return r, nil
}
