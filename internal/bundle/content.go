package bundle

import (
	"fmt"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/sops"
)

// Content is what a bundle holds: the text that is sealed, and what it says.
type Content struct {
	Text     secret.Text // env text; of age_files, a tar; of a document, nothing
	Document dotenv.Document
}

// NewContent writes a document as the format and the dialect have it. Errors are a
// *dotenv.Error that names the key, or that it is too long.
func NewContent(doc dotenv.Document, p Params) (Content, error) {
	var text secret.Text
	var err error
	switch {
	case p.Format == AgeFiles:
		text, err = writeFiles(doc)
	case p.Format.isTree():
		err = p.checkTree(doc)
	default:
		text, err = doc.Encode(p.Dialect)
	}
	if err != nil {
		return Content{}, err
	}
	for _, line := range doc.Lines {
		if line.IsComment() {
			continue
		}
		if err := p.CheckEntry(line.Key, line.Value); err != nil {
			return Content{}, err
		}
	}
	if text.Len() > MaxText {
		return Content{}, fmt.Errorf("the env text is %d bytes long, and the most that is sealed are %d", text.Len(), MaxText)
	}
	return Content{Text: text, Document: doc}, nil
}

// Carry makes content of what another bundle holds, to be sealed as p says. A text
// is kept byte for byte where p can hold it; else, or where the dialect changes, it
// is read and written anew. Errors are those of Opened.Read and NewContent.
func Carry(old Opened, dialect dotenv.Dialect, p Params) (Content, error) {
	if old.Format.HasText() && p.Format.HasText() && dialect == p.Dialect && old.Text.Len() <= MaxText &&
		(p.Format != SOPSDotenv || oneLineEach(old, dialect)) {
		return Content{Text: old.Text}, nil
	}
	content, err := old.Read(dialect)
	if err != nil {
		return Content{}, err
	}
	return NewContent(content.Document, p)
}

// oneLineEach reports whether sops' dotenv store can hold a text as it stands: an
// entry a line, as the dialect's program sees them too.
func oneLineEach(old Opened, dialect dotenv.Dialect) bool {
	if sops.CheckDotenv(old.Text) != nil {
		return false
	}
	if old.Format == SOPSDotenv {
		return true
	}
	doc, err := dotenv.ParseEncoded(old.Text, dialect)
	if err != nil {
		return false
	}
	lines := 0
	for line := range strings.SplitSeq(old.Text.Reveal(), "\n") {
		if line != "" {
			lines++
		}
	}
	return lines == len(doc.Lines)
}
