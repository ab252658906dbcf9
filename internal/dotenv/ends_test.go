package dotenv_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// asUTF16 is what PowerShell's > writes.
func asUTF16(text string, order binary.AppendByteOrder) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// Texts of other line ends and encodings are read as their writer meant them, in every
// dialect, and a warning says what was done.
func TestReadEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		text     string
		want     map[string]string
		warnings []string // what they begin with
	}{
		"crlf":              {"# c\r\n\r\nA=1\r\nB=\r\n", map[string]string{"A": "1", "B": ""}, []string{"line 1: the lines end in CR LF"}},
		"some crlf":         {"Z=0\n# c\r\n \r\nA=1\r\nB=2\r\n", map[string]string{"A": "1", "B": "2", "Z": "0"}, []string{"line 2: lines end in CR LF"}},
		"byte order mark":   {"\ufeffA=1\n", map[string]string{"A": "1"}, []string{"line 1: the text begins with a byte order mark"}},
		"mark and crlf":     {"\ufeffA=1\r\n", map[string]string{"A": "1"}, []string{"line 1: the text begins", "line 1: the lines end"}},
		"little-endian":     {asUTF16("A=é\r\nB=2\r\n", binary.LittleEndian), map[string]string{"A": "é", "B": "2"}, []string{"line 1: the text is UTF-16", "line 1: the lines end"}},
		"big-endian":        {asUTF16("B=2\n", binary.BigEndian), map[string]string{"B": "2"}, []string{"line 1: the text is UTF-16"}},
		"twice":             {"A=1\n# x\nB=2\nA=3\nA=4\n", map[string]string{"A": "4", "B": "2"}, []string{"line 4, A: the name is set in line 1 already", "line 5, A: the name is set in line 4 already"}},
		"nothing unusual":   {"A=1\n", map[string]string{"A": "1"}, nil},
		"zero-width inside": {"A=a\u200bb\n", map[string]string{"A": "a\u200bb"}, []string{"line 1, A: the value holds a character that cannot be seen"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, dialect := range dotenv.Dialects() {
				if (strings.Contains(name, "endian") || strings.Contains(name, "zero")) && (dialect == dotenv.Shell || dialect == dotenv.Portable) {
					continue // they need quotes around what is not ASCII
				}
				doc, warnings, err := dotenv.Read(secret.New(tt.text), dotenv.Options{Dialect: dialect})
				if err != nil {
					t.Errorf("%s: %v", dialect, err)
					continue
				}
				if got := reveal(doc); !equalMaps(got, tt.want) {
					t.Errorf("%s: got %q, want %q", dialect, got, tt.want)
				}
				checkWarnings(t, warnings, tt.warnings)
			}
		})
	}
}

func equalMaps(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			return false
		}
	}
	return true
}

func checkWarnings(t *testing.T, got []dotenv.Warning, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("warnings %v, want %q", got, want)
		return
	}
	for i := range got {
		if !strings.HasPrefix(got[i].String(), want[i]) {
			t.Errorf("warning %q, want %q", got[i], want[i])
		}
	}
}

// A value in quotes that goes over lines which end in CR LF has LF where all lines of
// the text end so. Where others end in LF, compose's is refused, and the rest keep the
// CR as their readers do.
func TestReadEndsInQuotes(t *testing.T) {
	const all, some = "A='x\r\ny'\r\nB=1\r\n", "A='x\r\ny'\r\nB=1\n"
	for _, dialect := range []dotenv.Dialect{dotenv.Compose, dotenv.Systemd, dotenv.Shell, dotenv.Portable} {
		doc, err := dotenv.Parse(secret.New(all), dialect)
		if err != nil || reveal(doc)["A"] != "x\ny" {
			t.Errorf("%s: got %q (%v)", dialect, reveal(doc), err)
		}
		doc, err = dotenv.Parse(secret.New(some), dialect)
		if dialect == dotenv.Compose {
			if err == nil || !strings.Contains(err.Error(), "CR LF") {
				t.Errorf("%s: got %v", dialect, err)
			}
		} else if err != nil || reveal(doc)["A"] != "x\r\ny" {
			t.Errorf("%s: got %q (%v)", dialect, reveal(doc), err)
		}
	}
}

// A bundle's text is read as it was written: a $$ and a CR that stood in it stay.
func TestParseEncodedKeepsWhatIsOld(t *testing.T) {
	doc, err := dotenv.ParseEncoded(secret.New("A=pa$$word\nB=x\ry\nC=1\r\n"), dotenv.Compose)
	if want := map[string]string{"A": "pa$word", "B": "x\ry", "C": "1"}; err != nil || !equalMaps(reveal(doc), want) {
		t.Errorf("got %q (%v), want %q", reveal(doc), err, want)
	}
}
