package dotenv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
)

// versions are the real programs behind the readers that are no dialects.
var versions = map[dotenv.Reader][]dotenvtest.Reader{
	dotenv.Node:   {dotenvtest.Node16, dotenvtest.Node, dotenvtest.NodeEnvFile},
	dotenv.Next:   {dotenvtest.Next, dotenvtest.Expand10, dotenvtest.Expand1000},
	dotenv.Python: {dotenvtest.Python, dotenvtest.NewerPython},
	dotenv.PHP:    {dotenvtest.PHP, dotenvtest.NewerPHP},
	dotenv.Ruby:   {dotenvtest.Ruby3},
	dotenv.Go:     {dotenvtest.Go},
}

// readerSets are what people's files are read by, and at least how many of a hundred
// realistic and of a hundred nasty values each set is to hold.
var readerSets = []struct {
	readers          []dotenv.Reader
	realistic, nasty int
}{
	{[]dotenv.Reader{"compose"}, 100, 90},
}

func TestReaders(t *testing.T) {
	t.Parallel() // it waits for other programs
	sets := [][]dotenv.Reader{
		{"compose", "php"}, {"compose", "ruby"}, {"compose", "python"}, {"compose", "go"}, {"compose", "node"}, {"compose", "next"},
		{"node"}, {"next"}, {"python"}, {"php"}, {"ruby"}, {"go"}, {"shell", "node"}, {"docker", "go"}, {"systemd", "php"},
		{"node", "python", "php", "ruby", "go"}, {"compose", "systemd", "shell", "node", "next", "python", "php", "ruby", "go"},
	}
	for _, readers := range sets {
		t.Run(fmt.Sprint(readers), func(t *testing.T) {
			s, err := dotenv.Spell(readers...)
			if err != nil {
				t.Fatal(err)
			}
			var doc dotenv.Document
			all := nasty(4000)
			for i, value := range all {
				if key := fmt.Sprintf("K%05d", i); s.CheckValue(key, value) == nil {
					doc.Lines = append(doc.Lines, document(key, value).Lines...)
				}
			}
			t.Logf("%d of %d values", len(doc.Lines), len(all))
			text, err := s.Encode(doc)
			if err != nil {
				t.Fatal(err)
			}
			again, err := s.Parse(text)
			if err != nil || !again.Equal(doc) {
				t.Errorf("it is not read back: %v", err)
			}
			for _, reader := range readers {
				for _, version := range versions[reader] {
					t.Run(string(version), func(t *testing.T) {
						got := version.Read(t, text.Reveal())
						wrong := 0
						for _, line := range doc.Lines {
							if value, ok := got[line.Key]; !ok || value != line.Value.Reveal() {
								if wrong++; wrong < 10 {
									i := strings.Index(text.Reveal(), line.Key+"=")
									t.Errorf("%.80q is read as %.80q (%v), want %.80q", text.Reveal()[i:], value, ok, line.Value.Reveal())
								}
							}
						}
						if len(got) != len(doc.Lines) {
							t.Errorf("%d are read of %d, %d wrong", len(got), len(doc.Lines), wrong)
						}
					})
				}
				if dialect := dotenv.Dialect(reader); slices.Contains(dotenv.Dialects(), dialect) && dialect != dotenv.Shell {
					checkReadBy(t, oracles(t, dialect), text.Reveal(), doc)
				}
			}
		})
	}
}
