package dotenv

import (
	"regexp"
	"sync"
)

// compiled returns a regular expression that is compiled when it is first used: most runs
// need few of those of this package, and every start would pay for all.
func compiled(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
