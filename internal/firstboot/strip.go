package firstboot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// stripShell drops the lines that are empty or comments, which are for readers of
// the source, but for those that begin with one of keep.
func stripShell(source string, keep ...string) string {
	var out strings.Builder
	for line := range strings.Lines(source) {
		code := strings.TrimLeft(line, "\t")
		kept := slices.ContainsFunc(keep, func(s string) bool { return strings.HasPrefix(code, s) })
		if kept || code != "\n" && !strings.HasPrefix(code, "#") {
			out.WriteString(line)
		}
	}
	return out.String()
}

const tripleQuote = `"""`

// stripPython drops docstrings, comments, empty lines and the annotations of
// functions, and indents by one blank instead of four. It knows no Python but these conventions of box/, and
// refuses what it can tell is not one of them:
//
//   - a docstring begins a line with three double quotes and ends a line with three;
//   - no other string spans lines;
//   - a parameter's default has no colon outside of brackets;
//   - blocks are indented by four blanks each.
//
// A test compares the syntax trees of each module before and after.
func stripPython(source string) (string, error) {
	var out strings.Builder
	// The indent of a docstring whose block has nothing else so far.
	docstring, emptyBlock := false, -1
	var header functionHeader
	number := 0
	for line := range strings.Lines(source) {
		number++
		text := strings.TrimRight(line, " \t\n")
		code := strings.TrimLeft(text, " ")
		indent := len(text) - len(code)
		switch {
		case docstring:
			docstring = !strings.HasSuffix(code, tripleQuote)
			continue
		case strings.HasPrefix(code, tripleQuote):
			docstring = len(code) < 2*len(tripleQuote) || !strings.HasSuffix(code, tripleQuote)
			emptyBlock = indent
			continue
		}
		code, err := withoutComment(code)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", number, err)
		}
		if code == "" {
			continue
		}
		if indent < emptyBlock {
			out.WriteString(strings.Repeat(" ", emptyBlock/4) + "pass\n")
		}
		emptyBlock = -1
		out.WriteString(strings.Repeat(" ", indent/4) + header.withoutAnnotations(code) + "\n")
	}
	if docstring {
		return "", errors.New("a docstring has no end")
	}
	if emptyBlock > 0 {
		out.WriteString(strings.Repeat(" ", emptyBlock/4) + "pass\n")
	}
	return out.String(), nil
}

// functionHeader follows the header of a function over its lines.
type functionHeader struct {
	inside     bool
	depth      int  // of brackets
	annotation bool // inside that of a parameter
	result     bool // inside that of what is returned
}

// withoutAnnotations returns a line of Python, without its comment, without the
// types of parameters and of what a function returns.
func (h *functionHeader) withoutAnnotations(code string) string {
	if !h.inside {
		if !strings.HasPrefix(code, "def ") {
			return code
		}
		*h = functionHeader{inside: true}
	}
	var out strings.Builder
	for i := 0; i < len(code); i++ {
		c := code[i]
		from := i
		switch {
		case c == '"' || c == '\'':
			i = endOfString(code, i)
		case strings.IndexByte("([{", c) >= 0:
			h.depth++
		case strings.IndexByte(")]}", c) >= 0:
			h.annotation = h.annotation && h.depth != 1
			h.depth--
		case !h.result && h.depth == 1 && (c == ',' || c == '='):
			h.annotation = false
		case !h.result && h.depth == 1 && c == ':':
			h.annotation = true
		case h.depth == 0 && strings.HasPrefix(code[i:], " ->"):
			h.result = true
		case h.depth == 0 && c == ':':
			h.inside = false
			return out.String() + code[i:]
		}
		if !h.annotation && !h.result {
			out.WriteString(code[from : i+1])
		}
	}
	return strings.TrimRight(out.String(), " ")
}

// endOfString returns where the string that begins at i ends.
func endOfString(code string, i int) int {
	quote := code[i]
	for i++; i < len(code) && code[i] != quote; i++ {
		if code[i] == '\\' {
			i++
		}
	}
	return min(i, len(code)-1)
}

// withoutComment returns a line of Python without the comment at its end.
func withoutComment(code string) (string, error) {
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case strings.HasPrefix(code[i:], tripleQuote), strings.HasPrefix(code[i:], "'''"):
			return "", errors.New("a triple-quoted string that is no docstring")
		case c == '"', c == '\'':
			end := endOfString(code, i)
			if end == i || code[end] != c {
				return "", errors.New("a string that goes on in the next line")
			}
			i = end
		case c == '#':
			return strings.TrimRight(code[:i], " "), nil
		case c == '\t':
			return "", errors.New("a tab")
		}
	}
	return code, nil
}
