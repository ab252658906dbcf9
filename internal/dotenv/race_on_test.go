//go:build race

package dotenv_test

// raceFactor is how much slower hostile texts are read under the race detector, at
// most; they are that much smaller there.
const raceFactor = 40
