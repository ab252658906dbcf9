//go:build race

package sops_test

// raceFactor is how much slower hostile files are read under the race detector, at
// most; they are that much smaller there.
const raceFactor = 20
