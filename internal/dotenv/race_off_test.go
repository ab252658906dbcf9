//go:build !race

package dotenv_test

// raceFactor is 1: hostile texts have their whole size.
const raceFactor = 1
