package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const troubleshooting = "templates/guides/troubleshooting.md"

// TestMessagesExist: a message that the guide quotes is in the source, and a reason of the box
// in the program that runs there.
func TestMessagesExist(t *testing.T) {
	t.Parallel()
	provider := sourceBelow(t, "internal", ".go")
	box := sourceBelow(t, "internal/firstboot/box", ".py") + sourceBelow(t, "internal/firstboot", ".tmpl")
	for section, source := range map[string]string{"A plan stops": provider, "A plan warns": provider, "An apply stops": provider, "On the box": box} {
		messages := quotedBelow(t, section)
		if len(messages) < 5 {
			t.Errorf("%q quotes %d messages", section, len(messages))
		}
		for _, message := range messages {
			found := strings.Contains(source, message)
			if section == "On the box" {
				found = strings.Contains(source, `"`+message+`"`) || regexp.MustCompile(`\bfail [0-9]+ `+message+`\b`).MatchString(source)
			}
			if !found {
				t.Errorf("%q quotes what the source does not have: %s", section, message)
			}
		}
	}
}

// quotedBelow are the code spans in the first column of the tables below a heading.
func quotedBelow(t *testing.T, heading string) (messages []string) {
	t.Helper()
	_, section, _ := strings.Cut(page(t, troubleshooting), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") || len(cells) != 3 {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			if !strings.HasPrefix(m[1], "ageenv ") && m[1] != "unseen" {
				messages = append(messages, m[1])
			}
		}
	}
	return messages
}

// sourceBelow is the source below a directory, without tests; texts that the source writes in
// several parts are joined.
func sourceBelow(t *testing.T, dir, extension string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, extension) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		text.Write(content)
		return err
	})
	if err != nil || text.Len() == 0 {
		t.Fatalf("no source below %s: %v", dir, err)
	}
	return regexp.MustCompile(`" \+\s*"`).ReplaceAllString(text.String(), "")
}

// TestAccMessagesOfSops: the guide quotes the real sops.
func TestAccMessagesOfSops(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.must(`mkdir ~/app && cd ~/app && age-keygen -o ~/ada.txt && age-keygen -o ~/linus.txt
printf 'creation_rules:\n  - path_regex: secrets/\n    age: %s\n' "$(age-keygen -y ~/ada.txt)" >.sops.yaml
mkdir secrets && export SOPS_AGE_KEY_FILE=~/ada.txt && sops edit secrets/a.enc.env`)
	_, section, _ := strings.Cut(page(t, troubleshooting), "\n## Messages of other programs\n")
	section = strings.Join(strings.Fields(section), " ")
	for message, command := range map[string]string{
		"failed to parse input as Bech32-encoded age public key":       "sed -i 's/age: .*/age: age1-ada-operator/' .sops.yaml && sops edit secrets/b.enc.env",
		"no matching creation rules found":                             "sops edit other.enc.env",
		"Failed to get the data key required to decrypt the SOPS file": "SOPS_AGE_KEY_FILE=~/linus.txt sops decrypt secrets/a.enc.env",
	} {
		if !strings.Contains(section, `*sops*, "`+message+`": `) {
			t.Errorf("the guide does not quote %q", message)
		}
		if out, code := s.run(command); code == 0 || !strings.Contains(out, message) {
			t.Errorf("sops says, with exit code %d, %q, and not %q", code, out, message)
		}
	}
}
