package dotenv_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// All problems are told at once, as far as it is certain where the next entry begins.
func TestParseTellsAllProblems(t *testing.T) {
	for name, tt := range map[string]struct {
		text  string
		lines []int
	}{
		"three lines":                      {"BAD+NAME=1\nA=1\nno equals\nB=$A\n", []int{1, 3, 4}},
		"a quote that is never closed":     {"BAD+NAME=1\nA=\"x\nB C\nD E\n", []int{1, 2}},
		"a problem in a line with a quote": {"A B=\"x\nC D\"\nE F=1\n", []int{1, 3}},
		"more than are told":               {strings.Repeat("A+B=1\n", 30), first(20)},
	} {
		_, err := dotenv.Parse(secret.New(tt.text), dotenv.Compose)
		var got []int
		for _, problem := range unjoined(err) {
			var e *dotenv.Error
			if !errors.As(problem, &e) {
				t.Fatalf("%s: %v", name, problem)
			}
			got = append(got, e.Line)
		}
		if len(got) != len(tt.lines) {
			t.Errorf("%s: problems in the lines %v, want %v: %v", name, got, tt.lines, err)
			continue
		}
		for i := range got {
			if got[i] != tt.lines[i] {
				t.Errorf("%s: problems in the lines %v, want %v", name, got, tt.lines)
			}
		}
	}
}

func unjoined(err error) []error {
	if join, ok := err.(interface{ Unwrap() []error }); ok {
		return join.Unwrap()
	}
	return []error{err}
}

func first(n int) (lines []int) {
	for i := range n {
		lines = append(lines, i+1)
	}
	return lines
}
