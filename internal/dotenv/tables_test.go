package dotenv

import "testing"

// A dialect or reader of the tables has a grammar or rules, and a description.
func TestTablesAreComplete(t *testing.T) {
	for _, d := range Dialects() {
		if d.grammar() == nil {
			t.Errorf("Dialect.grammar has no case for %s", d)
		}
	}
	for _, r := range Readers() {
		if r.rules() == nil {
			t.Errorf("Reader.rules has no case for %s", r)
		}
		if r.Programs() == "" {
			t.Errorf("the tables have no programs for %s", r)
		}
	}
}
