//go:build !race

package sops_test

// raceFactor is 1: hostile files have their whole size.
const raceFactor = 1
