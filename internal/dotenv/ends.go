package dotenv

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Editors on Windows write CR LF, a byte order mark or UTF-16. Each is read where only
// one reading makes sense, with a warning, and named otherwise.

const (
	// invisible are characters of no width that come with pasted text. The joiners
	// U+200C and U+200D are not among them: scripts and emoji need them.
	invisible = "\u200b\u2060\ufeff\u200e\u200f"

	byteOrderMark = "\ufeff"

	problemMixedEnds = "the quoted value has a line that ends in CR LF, and other lines of the text end in LF: readers differ in whether the CR is part of the value, so save the text with LF line ends, or write \\r in double quotes"
	problemCR        = "there is a CR that is not part of a line end, and some readers end the line there: save the text with LF line ends, or write \\r in double quotes"
	problemInvisible = "the value begins or ends with a character that cannot be seen (a zero-width space or a byte order mark), as pasted text may have: remove it"
	problemUTF16     = "the text looks like UTF-16 without a byte order mark, as some Windows programs save it: save it as UTF-8"
	problemNoUTF16   = "the text begins as UTF-16 (which PowerShell writes) and is not valid: save it as UTF-8"

	warnUTF16     = "the text is UTF-16, as PowerShell writes it, and was read as such. Programs that read it need UTF-8; what is encrypted is UTF-8"
	warnMark      = "the text begins with a byte order mark, which was left out"
	warnEnds      = "the lines end in CR LF, as on Windows, and were read as if they ended in LF, inside quotes too"
	warnSomeEnds  = "lines end in CR LF, as on Windows, while others end in LF: they were read as if they ended in LF (this is the first)"
	warnInvisible = "the value holds a character that cannot be seen (a zero-width space or a byte order mark), which was kept"
)

// decode makes text of UTF-8 with LF line ends where that is safe. It notes warnings.
func (r *reader) decode() error {
	if r.strict {
		if err := r.decodeUTF16(); err != nil {
			return err
		}
	}
	if after, ok := strings.CutPrefix(r.rest, byteOrderMark); ok {
		r.rest, r.mark = after, len(byteOrderMark)
		r.warn(1, "", warnMark)
	}
	if breaks := strings.Count(r.rest, "\n"); r.strict && breaks > 0 && strings.Count(r.rest, "\r\n") == breaks {
		r.rest = strings.ReplaceAll(r.rest, "\r\n", "\n")
		r.warn(1, "", warnEnds)
	}
	return nil
}

// decodeUTF16 decodes UTF-16 that begins with its mark, and refuses one that does not.
func (r *reader) decodeUTF16() error {
	low := 0 // where the low byte of a pair is
	switch text := r.rest; {
	case strings.HasPrefix(text, "\xff\xfe"):
	case strings.HasPrefix(text, "\xfe\xff"):
		low = 1
	case isUTF16(text, 0), isUTF16(text, 1):
		return r.fail("", problemUTF16)
	default:
		return nil
	}
	text := r.rest[2:]
	if len(text)%2 != 0 {
		return r.fail("", problemNoUTF16)
	}
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = uint16(text[2*i+low]) | uint16(text[2*i+1-low])<<8
	}
	decoded := string(utf16.Decode(units))
	if strings.ContainsRune(decoded, utf8.RuneError) || strings.IndexByte(decoded, 0) >= 0 {
		return r.fail("", problemNoUTF16)
	}
	r.rest = decoded
	r.warn(1, "", warnUTF16)
	return nil
}

// isUTF16 reports whether every other byte, the one at low not included, is NUL.
func isUTF16(text string, low int) bool {
	if len(text) < 4 || len(text)%2 != 0 {
		return false
	}
	for i := 0; i < len(text); i += 2 {
		if text[i+1-low] != 0 || text[i+low] == 0 {
			return false
		}
	}
	return true
}

// endsInCR reports whether the current line ends in CR LF.
func (r *reader) endsInCR() bool {
	end := strings.IndexByte(r.rest, '\n')
	return end > 0 && r.rest[end-1] == '\r'
}
