package dotenv_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Every application gets an entry by its name, whatever the name is, or it is refused.
func TestReadersNames(t *testing.T) {
	t.Parallel() // it waits for other programs
	names := strings.Fields("__proto__ __defineGetter__ constructor hasOwnProperty toString valueOf export exports exportA null length this _ UID status")
	refused := map[dotenv.Reader]int{dotenv.Node: 1, dotenv.Next: 6}
	for reader, versions := range versions {
		s, err := dotenv.NewCodec(reader)
		if err != nil {
			t.Fatal(err)
		}
		var doc dotenv.Document
		for _, name := range names {
			if s.CheckKey(name) == nil {
				doc.Lines = append(doc.Lines, document(name, "a b").Lines...)
			}
		}
		if count := len(names) - len(doc.Lines); count != refused[reader] {
			t.Errorf("%s refuses %d names, want %d", reader, count, refused[reader])
		}
		for _, version := range versions {
			t.Run(string(version), func(t *testing.T) { checkVersion(t, version, s, doc) })
		}
	}
}

// No application reads an entry out of a comment.
func TestReadersComments(t *testing.T) {
	t.Parallel() // it waits for other programs
	comments := []string{" a", "A=b", " it's", "\"", "`", " export A=b", " \\", " a\u0085A=b", " a\u2028A=b", " a\u2029-=`", " a\vA=b", " a\fA=b", " a\x1cA=b"}
	for reader, versions := range versions {
		s, err := dotenv.NewCodec(reader)
		if err != nil {
			t.Fatal(err)
		}
		doc := document("K", "a b")
		held := 0
		for _, comment := range comments {
			line := document("", comment)
			if _, err := s.Encode(line); err == nil {
				doc.Lines = append(doc.Lines, line.Lines...)
				held++
			}
		}
		doc.Lines = append(doc.Lines, document("Z", "c d").Lines...)
		if held < len(comments)-2 {
			t.Errorf("%s has %d of %d comments", reader, held, len(comments))
		}
		text, err := s.Encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range versions {
			t.Run(string(version), func(t *testing.T) {
				if got := version.Read(t, text.Reveal()); len(got) != 2 || got["K"] != "a b" || got["Z"] != "c d" {
					t.Errorf("it reads %q", got)
				}
			})
		}
	}
}

// What people change in a text is read as every release of the library reads it, or is
// an error.
func TestReadersChanged(t *testing.T) {
	t.Parallel() // it waits for other programs
	lines := []string{"KEY=a", "export KEY=a", "export  KEY=a", "export\tKEY=a", "KEY\t=a", "KEY=\ta", "KEY=a\t", "KEY=\t", "KEY = a", "export KEY=", "export KEY = ", "KEY=a # b", "KEY=a # b\u2028L=c", "KEY='a' # b\u2028L=c", "# a\u2029L=c\nKEY=a", "KEY='a\u2028L=c'"}
	for reader, versions := range versions {
		s, err := dotenv.NewCodec(reader)
		if err != nil {
			t.Fatal(err)
		}
		taken := 0
		for _, line := range lines {
			doc, err := s.Parse(secret.New(line + "\n"))
			if err != nil {
				continue
			}
			taken++
			for _, version := range versions {
				t.Run(string(version), func(t *testing.T) {
					if got := version.Read(t, line+"\n"); !maps.Equal(got, reveal(doc)) {
						t.Errorf("%q is read as %q, and by us as %q", line, got, reveal(doc))
					}
				})
			}
		}
		if taken < 4 {
			t.Errorf("of %s, %d of %d lines are taken", reader, taken, len(lines))
		}
	}
}
