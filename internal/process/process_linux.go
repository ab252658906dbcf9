package process

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// NoDumps turns core dumps off and keeps other processes of the same user from
// reading this one's memory and environment.
func NoDumps() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// Fields of /proc/PID/stat, counted from the one after the command's name
// (proc_pid_stat(5): env_start is field 50, env_end field 51).
const (
	envStartField = 50 - 3
	envEndField   = 51 - 3
)

// blankInitial overwrites the variables' values in the memory that the kernel
// shows as /proc/self/environ. Where that can't be done (no /proc, or a kernel
// that forbids it) they stay readable there to the user's own processes, until
// NoDumps closes that too. Go keeps its own copy of the environment.
func blankInitial(names []string) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return
	}
	// The name may hold spaces and parentheses; what follows the last ")" may not.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= envEndField {
		return
	}
	start, err1 := strconv.ParseInt(string(fields[envStartField]), 10, 64)
	end, err2 := strconv.ParseInt(string(fields[envEndField]), 10, 64)
	if err1 != nil || err2 != nil || start <= 0 || end <= start {
		return
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer memory.Close() //nolint:errcheck // nothing is buffered
	block := make([]byte, end-start)
	if _, err := memory.ReadAt(block, start); err != nil {
		return
	}
	offset := 0
	for _, entry := range bytes.SplitAfter(block, []byte{0}) {
		for _, name := range names {
			if bytes.HasPrefix(entry, []byte(name+"=")) {
				_, _ = memory.WriteAt(make([]byte, len(entry)), start+int64(offset))
			}
		}
		offset += len(entry)
	}
}
