package bundle

import (
	"cmp"
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

// NewContent writes a document as the format and the readers have it. Errors are a
// *dotenv.Error that names the key, or that it is too long.
func NewContent(doc dotenv.Document, p Params) (Content, error) {
	var text secret.Text
	var err error
	switch {
	case p.Format == AgeFiles:
		text, err = writeFiles(doc)
	case p.Format.isTree():
		err = cmp.Or(p.checkTree(doc), p.checkTreeEntries(doc))
	default:
		text, err = p.encode(doc)
	}
	if err != nil {
		return Content{}, err
	}
	if text.Len() > MaxText {
		return Content{}, fmt.Errorf("the env text is %d bytes long, and the most that is sealed are %d", text.Len(), MaxText)
	}
	return Content{Text: text, Document: doc}, nil
}

// encode writes env text, and checks each entry as CheckEntry does.
func (p Params) encode(doc dotenv.Document) (secret.Text, error) {
	codec, err := p.codec()
	if err != nil {
		return secret.Text{}, err
	}
	var wrong error // of the first entry
	text, err := codec.EncodeEach(doc, func(entry dotenv.Line, text string) {
		if wrong == nil {
			wrong = p.checkText(codec, entry, text)
		}
	})
	return text, cmp.Or(err, wrong)
}

// parse reads env text that encode wrote.
func (p Params) parse(text secret.Text) (dotenv.Document, error) {
	codec, err := p.codec()
	if err != nil {
		return dotenv.Document{}, err
	}
	return codec.Parse(text)
}

// Carry makes content of what another bundle holds, which was sealed as was says, to
// be sealed as p says. A text is kept byte for byte where p can hold it; else, or
// where the readers change, it is read and written again. Errors are those of
// Opened.Read and NewContent.
func Carry(old Opened, was, p Params) (Content, error) {
	if old.Format.HasText() && p.Format.HasText() && p.sameReaders(was) && old.Text.Len() <= MaxText &&
		(p.Format != SOPSDotenv || oneLineEach(old, was)) {
		return Content{Text: old.Text}, nil
	}
	content, err := old.Read(was)
	if err != nil {
		return Content{}, err
	}
	return NewContent(content.Document, p)
}

// oneLineEach reports whether sops' dotenv store can hold a text as it stands: an
// entry a line, as its readers see them too.
func oneLineEach(old Opened, was Params) bool {
	if sops.CheckDotenv(old.Text) != nil {
		return false
	}
	if old.Format == SOPSDotenv {
		return true
	}
	doc, err := was.parse(old.Text)
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
