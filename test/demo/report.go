package main

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

// report is what the user reads.
type report struct {
	out    io.Writer
	colour bool
	hide   *strings.Replacer // nil until there are values to hide
}

// newReport colours its headings if the output is a terminal whose user has not
// asked for none (no-color.org).
func newReport(out io.Writer) *report {
	r := &report{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		r.colour = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return r
}

func (r *report) paint(code, text string) string {
	if !r.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// heading begins a step.
func (r *report) heading(number, total int, name, what string) {
	fmt.Fprintf(r.out, "%s %s\n", r.paint("1;36", fmt.Sprintf("%2d/%d", number, total)), r.paint("1", name))
	r.block(what)
}

// done ends a step.
func (r *report) done(elapsed time.Duration) {
	fmt.Fprintf(r.out, "%s%s\n", indent, r.paint("32", fmt.Sprintf("ok, %.1f s", elapsed.Seconds())))
}

// line says one thing that the demo knows.
func (r *report) line(format string, args ...any) {
	fmt.Fprintf(r.out, indent+"- "+format+"\n", args...)
}

// block writes text as it is, indented.
func (r *report) block(text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		fmt.Fprintln(r.out, strings.TrimRight(indent+line, " "))
	}
}

// foreign shows what another program said. None should say a value; if one does
// it is not repeated.
func (r *report) foreign(text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(r.redact(text)), "\n") {
		fmt.Fprintln(r.out, strings.TrimRight(indent+"  | "+line, " "))
	}
}

// redact takes the values out of a text.
func (r *report) redact(text string) string {
	if r.hide == nil {
		return text
	}
	return r.hide.Replace(text)
}

// list writes words in lines of a readable length.
func (r *report) list(words []string) {
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
