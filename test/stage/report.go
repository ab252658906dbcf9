package stage

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// width is where lists are broken into lines.
const width = 100

// indent stands before everything but the headings.
const indent = "      "

// Report is what the user reads.
type Report struct {
	out    io.Writer
	colour bool
	Hide   *strings.Replacer // takes values out of what other programs said; nil until there are any
}

// NewReport colours its headings if the output is a terminal whose user has not
// asked for none (no-color.org).
func NewReport(out io.Writer) *Report {
	r := &Report{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		r.colour = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return r
}

// Paint colours a text, if there are colours.
func (r *Report) Paint(code, text string) string {
	if !r.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Heading begins a step.
func (r *Report) Heading(number, total int, name, what string) {
	fmt.Fprintf(r.out, "%s %s\n", r.Paint("1;36", fmt.Sprintf("%2d/%d", number, total)), r.Paint("1", name))
	r.Block(what)
}

// Done ends a step.
func (r *Report) Done(elapsed time.Duration) {
	fmt.Fprintf(r.out, "%s%s\n", indent, r.Paint("32", fmt.Sprintf("ok, %.1f s", elapsed.Seconds())))
}

// Line says one thing that the program knows.
func (r *Report) Line(format string, args ...any) {
	fmt.Fprintf(r.out, indent+"- "+format+"\n", args...)
}

// Block writes text as it is, indented.
func (r *Report) Block(text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		fmt.Fprintln(r.out, strings.TrimRight(indent+line, " "))
	}
}

// Foreign shows what another program said. None should say a value; if one does
// it is not repeated.
func (r *Report) Foreign(text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(r.Redact(text)), "\n") {
		fmt.Fprintln(r.out, strings.TrimRight(indent+"  | "+line, " "))
	}
}

// Redact takes the values out of a text.
func (r *Report) Redact(text string) string {
	if r.Hide == nil {
		return text
	}
	return r.Hide.Replace(text)
}

// List writes words in lines of a readable length.
func (r *Report) List(words []string) {
	line := ""
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		if line != "" && len(line)+len(word) >= width {
			fmt.Fprintln(r.out, indent+"  "+line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	fmt.Fprintln(r.out, indent+"  "+line)
}

// Counted is a number with its noun.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
