package main

import (
	"os"
	"strings"
	"testing"
)

// TestGuideFollowsTheDrill: who reads the guide in an incident finds every step that
// was rehearsed, in its order.
func TestGuideFollowsTheDrill(t *testing.T) {
	content, err := os.ReadFile("../../templates/guides/incident-response.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, at := string(content), 0
	for _, s := range steps {
		if !strings.Contains(s.name, ": ") {
			continue // the surroundings
		}
		found := strings.Index(guide[at:], "["+s.name+"]")
		if found < 0 {
			t.Errorf("the guide does not have [%s], or has it too early", s.name)
			continue
		}
		at += found
	}
	for _, said := range []string{"terraform apply -replace=ageenv_key.fleet", "status 401"} {
		if !strings.Contains(guide, said) {
			t.Errorf("the guide does not say %q", said)
		}
	}
}
