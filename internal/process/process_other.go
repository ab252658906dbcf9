//go:build !linux

package process

// NoDumps does nothing here: core dumps are the system's business.
func NoDumps() {}

// blankInitial does nothing here: only Linux shows the initial environment.
func blankInitial([]string) {}
