// Package process keeps the provider's own process from giving secrets away: by
// its environment, which its children inherit and /proc shows, by core dumps, and by
// what libraries log.
//
//   - process.go: variables of the environment, taken and removed
//   - process_linux.go, process_other.go: core dumps, and what /proc shows
//   - logging.go: which logs are written
package process

import "os"

// TakeVariables returns the values of the environment variables and removes them: from the
// environment that children get and, on Linux, from /proc/PID/environ, which
// os.Unsetenv leaves as it was at the start.
func TakeVariables(names ...string) map[string]string {
	taken := map[string]string{}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok {
			taken[name] = value
			_ = os.Unsetenv(name)
		}
	}
	if len(taken) > 0 {
		blankInitial(names)
	}
	return taken
}
