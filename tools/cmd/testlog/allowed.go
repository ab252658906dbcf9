package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// allowedSkip is a line of the list of allowed skips.
type allowedSkip struct {
	run    string // a pattern for the label of the run
	test   string // a pattern for the test
	reason string
}

// parseAllowed reads the list of allowed skips: a line for each, with the
// columns run, test and reason, separated by blanks; the reason takes the rest
// of the line and may not be empty. Empty lines and lines that begin with #
// are comments.
//
// Run and test are patterns as in [path.Match], in which * does not match a
// slash. A test is written as its package below the module, a dot and its
// name: internal/provider.TestBundle/import. A pattern for a test does not
// cover its subtests.
func parseAllowed(r io.Reader) ([]allowedSkip, error) {
	var list []allowedSkip
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 {
			return nil, fmt.Errorf("line %d: want a run, a test and the reason", number)
		}
		entry := allowedSkip{run: fields[0], test: fields[1], reason: strings.Join(fields[2:], " ")}
		for _, pattern := range []string{entry.run, entry.test} {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("line %d: %q: %w", number, pattern, err)
			}
		}
		list = append(list, entry)
	}
	return list, lines.Err()
}

// reasonFor returns why the run may skip the test, or false if it may not. id
// is the test's package, a dot and its name.
func reasonFor(list []allowedSkip, run, id string) (string, bool) {
	for _, entry := range list {
		// The list leaves the module's path out: as many trailing elements as the pattern has are compared.
		elements := strings.Split(id, "/")
		if n := strings.Count(entry.test, "/") + 1; n < len(elements) {
			elements = elements[len(elements)-n:]
		}
		if matches(entry.run, run) && matches(entry.test, strings.Join(elements, "/")) {
			return entry.reason, true
		}
	}
	return "", false
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
