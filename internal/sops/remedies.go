package sops

import (
	"fmt"
	"strings"
)

// What git does to files of sops. It merges by lines, and the values of one version do
// not fit the MAC, or the data key, of the other one.
const (
	// checkout follows on a line that ends in CR LF.
	checkout = " (where git made these at a checkout on Windows, put a line such as *.enc.env -text into .gitattributes, and check the file out again)"
	// takeOne is for a file that is made of two versions.
	takeOne = "take one version whole (git checkout --ours FILE, or --theirs), and make the changes of the other one again"
	// neverMerge keeps git from doing it again.
	neverMerge = "A line such as *.enc.env -merge in .gitattributes makes git leave such files alone"
)

// errMAC: every value is authentic by itself.
var errMAC = fmt.Errorf("%w. Each value is authentic by itself, and all of them together are not: a value was added, removed or moved without sops, or git merged two versions of the file. "+
	"After a merge, read what sops -d --ignore-mac FILE prints. If that is what you want, sops --rotate --in-place --ignore-mac FILE encrypts it again; else "+takeOne+". "+neverMerge, ErrTampered)

// Conflict returns an *Error if git left a merge conflict in the text.
func Conflict(text string) error {
	for number, line := range lineNumbers(text) {
		if strings.HasPrefix(line, "<<<<<<< ") || strings.HasPrefix(line, ">>>>>>> ") {
			return &Error{Line: number, Problem: "git left a merge conflict here: " + takeOne + ". " + neverMerge}
		}
	}
	return nil
}

// lineNumbers are the lines of a text, from 1.
func lineNumbers(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range strings.SplitSeq(text, "\n") {
			if number++; !yield(number, line) {
				return
			}
		}
	}
}
