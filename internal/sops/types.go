package sops

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// sops authenticates the text of a value, and not its type.

// isTruthText reports whether a value is the text True or False, where it could be a
// truth value that was encrypted alike.
func isTruthText(value any, store Store) bool {
	return store != Dotenv && store != Binary && (value == "True" || value == "False")
}

// changesWithType reports whether the text that a reader gets of a value was changed
// by its type: dotenv and INI files have none, and sops writes these anew there.
func changesWithType(value any, store Store) bool {
	switch value.(type) {
	case bool, float64, time.Time:
		return store == Dotenv || store == INI
	}
	return false
}

// namedTexts is how many values a warning names.
const namedTexts = 10

// truthWarning is the warning of values that are such texts.
func truthWarning(leaves []leaf) string {
	places := make([]string, 0, namedTexts+1)
	for _, l := range leaves[:min(len(leaves), namedTexts)] {
		places = append(places, l.place())
	}
	if more := len(leaves) - namedTexts; more > 0 {
		places = append(places, fmt.Sprintf("and %d more", more))
	}
	// Several names that can't be shown would look like one value that is named twice.
	places = slices.Compact(places)
	return strings.Join(places, "; ") + ": this is the text True or False. sops encrypts such a text as it does a truth value, and does not authenticate the type: " +
		"anybody who can write the file can turn one into the other, which reads true or false"
}

// place says where a leaf is, in the way of an Error.
func (l leaf) place() string {
	switch name := shownName(l.name); {
	case l.line > 0 && name != "":
		return fmt.Sprintf("line %d, %s", l.line, name)
	case l.line > 0:
		return fmt.Sprintf("line %d", l.line)
	case name != "":
		return name
	}
	return "a value under a name that is not repeated here"
}
