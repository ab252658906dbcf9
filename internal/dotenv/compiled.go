package dotenv

import (
	"regexp"
	"sync"
)

// compiled returns a regular expression that is compiled on first use. Compiling all of
// them would slow down every start, and most runs need only a few.
func compiled(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
