// Command measured stands where Terraform looks for a provider: it runs the real one, and
// appends what that used to a file, as a line of JSON. The environment names both.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	if err := run(os.Getenv("MEASURED_PROVIDER"), os.Getenv("MEASURED_FILE")); err != nil {
		fmt.Fprintln(os.Stderr, "measured:", err)
		os.Exit(1)
	}
}

func run(provider, file string) error {
	signal.Ignore(os.Interrupt) // Terraform's is for the provider, in the same process group
	cmd := exec.CommandContext(context.Background(), provider, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	ended := cmd.Run()
	if cmd.ProcessState == nil {
		return ended
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return ended
	}
	line, err := json.Marshal(map[string]float64{
		"cpu":    (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		"memory": float64(used.Maxrss) * 1024,
	})
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // the write is checked
	if _, err := out.Write(append(line, '\n')); err != nil {
		return err
	}
	return ended
}
