package dotenv

import "strings"

// dockerGrammar is docker's kvfile parser: everything after the = is the value.
type dockerGrammar struct{}

// dockerLine is the longest line that docker reads, in bytes without the LF; a
// longer one, be it a comment, ends the reading of the whole file.
const dockerLine = 65535

const longLine = "a line of more than 65,535 bytes, name included"

func (dockerGrammar) unrepresentable(key, value string) string {
	switch {
	case strings.IndexByte(value, '\n') >= 0:
		return "a line break"
	case strings.HasSuffix(value, "\r"):
		return "a CR at a value's end, which it drops"
	case len(key)+len("=")+len(value) > dockerLine:
		return longLine
	}
	return notText(value)
}

func (dockerGrammar) uncommentable(text string) string {
	if len("#")+len(text) > dockerLine {
		return longLine
	}
	return ""
}

func (dockerGrammar) isReserved(string) bool { return false }

func (dockerGrammar) quote(value string) string { return value }

// readEntry reads a line. Quotes and spaces are part of the value; before the name,
// blanks are skipped.
func (dockerGrammar) readEntry(r *reader) error {
	line := r.peekLine()
	key, value, found := strings.Cut(strings.TrimLeft(line, blanks), "=")
	if !found {
		return r.fail("", "there is no = in the line: write NAME=value, in one line (docker takes a name alone from the environment of whoever starts it)")
	}
	if err := r.checkName(key); err != nil {
		return err
	}
	if strings.HasSuffix(value, "\r") {
		return r.fail(key, problemCRLF)
	}
	r.cutLine()
	return r.add(key, value)
}

// checkDockerLine refuses a line, whatever it holds, that is too long for docker.
// Blanks before a name and the byte order mark count.
func checkDockerLine(r *reader, line string) error {
	if r.endsInCR() {
		line += "\r"
	}
	if length := len(line); length <= dockerLine && (r.line > 1 || length+r.mark <= dockerLine) {
		return nil
	}
	key, _, found := strings.Cut(strings.TrimLeft(line, blanks), "=")
	if !found || Docker.CheckKey(key) != nil {
		key = ""
	}
	return r.fail(key, "docker reads no line of more than 65,535 bytes, and then nothing of the file: shorten it")
}
