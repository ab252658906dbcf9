package dotenv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/dotenvtest"
)

// wildFiles are env files as frameworks bring them, with who reads them and what the
// first try without references says.
var wildFiles = map[string]struct {
	references dotenv.References
	readers    []dotenvtest.Reader
	first      string   // in the error without references; empty where there is none
	warnings   []string // what they begin with
}{
	"laravel":  {dotenv.Braces, []dotenvtest.Reader{dotenvtest.PHP, dotenvtest.Compose}, "line 22, MAIL_FROM_NAME: the $ is a reference", nil},
	"rails":    {dotenv.Resolve, []dotenvtest.Reader{dotenvtest.Ruby, dotenvtest.Compose}, "line 3, RACK_ENV: the $ is a reference", nil},
	"django":   {dotenv.Resolve, []dotenvtest.Reader{dotenvtest.Python, dotenvtest.Compose}, "line 9, DATABASE_URL: the $ is a reference", nil},
	"next":     {dotenv.Resolve, []dotenvtest.Reader{dotenvtest.Next, dotenvtest.Compose}, "line 3, NEXT_PUBLIC_URL: the $ is a reference", nil},
	"supabase": {dotenv.Resolve, []dotenvtest.Reader{dotenvtest.Compose}, "line 18, POOLER_DB_URL: the $ is a reference", []string{"line 26, SITE_URL: the name is set in line 20 already"}},
	"elastic":  {dotenv.Resolve, []dotenvtest.Reader{dotenvtest.Compose}, "line 12, cluster.name: the $ is a reference", nil},
	"windows":  {dotenv.NoReferences, []dotenvtest.Reader{dotenvtest.Node16, dotenvtest.Node}, "", []string{"line 1: the text begins with a byte order mark", "line 1: the lines end in CR LF"}},
}

// TestWildFiles reads each file as its real reader does, and writes what that reader
// reads as the same.
func TestWildFiles(t *testing.T) {
	found, err := filepath.Glob(filepath.Join("testdata", "wild", "*.txt"))
	if err != nil || len(found) != len(wildFiles) {
		t.Fatalf("there are %q (%v), and %d are known", found, err, len(wildFiles))
	}
	for name, tt := range wildFiles {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata", "wild", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := read(string(content), dotenv.NoReferences); tt.first != "" && (err == nil || !strings.Contains(err.Error(), tt.first)) {
				t.Errorf("without references: %v", err)
			}
			doc, warnings, err := read(string(content), tt.references)
			if err != nil {
				t.Fatal(err)
			}
			checkWarnings(t, warnings, tt.warnings)
			written, err := doc.Encode(dotenv.Compose)
			if err != nil {
				t.Fatal(err)
			}
			want := reveal(doc)
			for _, reader := range tt.readers {
				t.Run(string(reader), func(t *testing.T) {
					checkSame(t, "before", reader.Read(t, string(content)), want)
					checkSame(t, "after", reader.Read(t, written.Reveal()), want)
				})
			}
		})
	}
}

// checkSame compares what a reader reads.
func checkSame(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s, it reads %s as %q, want %q", when, key, got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s, it reads %d entries, want %d", when, len(got), len(want))
	}
}
