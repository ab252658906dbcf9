package bundle

import (
	"regexp"
	"strings"
	"testing"
)

// Names that are checked by hand are checked as these expressions do.
func TestHandWrittenChecks(t *testing.T) {
	isType := func(name string) bool { return CheckKubernetesType(name) == nil }
	for expression, check := range map[string]func(string) bool{
		`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`: isFileName,
		`^[-._A-Za-z0-9]{1,253}$`:            isTreeName,
		`^[-./_A-Za-z0-9]{1,253}$`:           isType,
	} {
		pattern := regexp.MustCompile(expression)
		texts := []string{"", "é", "a\n", "\n"}
		for _, length := range []int{98, 99, 100, 101, 252, 253, 254} {
			texts = append(texts, strings.Repeat("a", length))
		}
		for c := range 256 {
			one := string([]byte{byte(c)})
			texts = append(texts, one, one+"a", "a"+one, "a"+one+"a")
		}
		for _, text := range texts {
			if got, want := check(text), pattern.MatchString(text); got != want {
				t.Errorf("%s of %.20q: got %t", expression, text, got)
			}
		}
	}
}
