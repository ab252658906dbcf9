package ageplugin

import (
	"os"

	"golang.org/x/sys/unix"
)

// parents returns the user's processes, each with its parent.
func parents() map[int]int {
	parents := map[int]int{}
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.uid", os.Getuid())
	if err != nil {
		return parents
	}
	for _, process := range processes {
		parents[int(process.Proc.P_pid)] = int(process.Eproc.Ppid)
	}
	return parents
}
