package ageplugin

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// parents returns the processes that show, each with its parent.
func parents() map[int]int {
	parents := map[int]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		stat, err := os.ReadFile(path) //nolint:gosec // of /proc
		if err != nil {
			continue // it has ended
		}
		// proc_pid_stat(5): the name may hold spaces and parentheses; the state and the
		// parent follow the last ")".
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			parents[pid] = parent
		}
	}
	return parents
}
