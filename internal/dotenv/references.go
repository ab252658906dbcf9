package dotenv

import "strings"

// References is the meaning of a $ in compose's text.
type References string

const (
	// NoReferences refuses references. It is the zero value.
	NoReferences References = ""
	// Resolve reads compose's forms. A reference takes the value that the text sets earlier,
	// and never one from the environment.
	Resolve References = "resolve"
	// Braces reads ${NAME} alone; any other $ is text, as phpdotenv has it.
	Braces References = "braces"
)

// ReferenceModes lists all modes except NoReferences.
func ReferenceModes() []References { return []References{Resolve, Braces} }

const (
	problemReference = `the $ is a reference to some readers, and text to others: for the value of a name that is set earlier in the text, set references = "resolve" (compose's forms) or "braces" (${NAME} alone, as php reads it). ` +
		`For a $ itself, write the value in single quotes (kept by compose, shells, php, ruby and node; Next and python fill in ${NAME} there too) or write \$ inside double quotes (kept by compose, shells, php, ruby and Next; node and python keep the backslash)`
	problemDoubled = `$$ is one $ to compose and two to most others: write the value in single quotes for two (all readers), or for one in single quotes (all), or as \$ inside double quotes (compose, shells, php, ruby and Next)`

	problemNotSet      = "a reference names what is not set earlier in the text: set it earlier, or give a default (${NAME:-default}; the environment is not read)"
	problemItself      = "the value refers to its own name, which has no earlier value in the text: set it earlier, or give a default (${NAME:-default})"
	problemRequired    = "a reference of the form ${NAME:?…} or ${NAME?…} names what is not set earlier, or is empty: set it earlier"
	problemBetween     = "the value refers to a name that is set before and again after it, and some readers take the last value: set the name once"
	problemSingle      = "there is a reference inside single quotes to a name that the text sets: compose, shells and php keep it as text, Next and python fill it in. For the reference write double quotes; for the text, give the entry in entries_wo"
	problemBareEscape  = `there is \$ outside quotes, where compose keeps the backslash: for a $ write the value in single quotes, or \$ inside double quotes`
	problemCommand     = "there is $(…), which shells and some other readers run as a command: write the result, or the value in single quotes"
	problemForm        = "there is a ${…} of a form that compose does not have (it has ${NAME} and, after the name, :- - :+ + :? and ?, and no names with . or -): write the value in one of these, or in single quotes if it is text"
	problemBracesForm  = `references = "braces" has ${NAME} alone, and there is a ${…} of another form, which php keeps as text and python may fill in: use references = "resolve", or single quotes if it is text`
	problemExpanded    = "the references of the text bring in more than 4 MiB: write the values without references"
	problemBracesHash  = "there is a # in the value, after which php reads a comment and compose does not: put quotes around the value"
	problemBracesQuote = `there is \' in single quotes, where php ends the value: write the value in double quotes`
	problemBracesSlash = `there is \$, which php reads as $ and python keeps with the backslash: write the value in single quotes if the $ is text`
)

// maxExpanded is the most that references may add to a text, in bytes. Without it, values
// that double in each line would exhaust the memory.
const maxExpanded = 4 << 20

// nameStart matches the name that a reference begins with.
var nameStart = compiled(`^[A-Za-z_][A-Za-z0-9_]*`)

// reference is a name that a value refers to, and the error if the text sets it.
type reference struct {
	name    string
	problem error
}

// expansion replaces the references of one value.
type expansion struct {
	reader *reader
	key    string
	unused bool // the result is not needed, so names need not be set
	out    strings.Builder
}

// expand replaces the references in a value in which \$ has become $$. The error is a
// problem.
func (r *reader) expand(key, text string) (string, error) {
	switch {
	case strings.IndexByte(text, '$') < 0:
		return text, nil
	case r.options.References == NoReferences:
		return unescapeDollars(text)
	}
	e := expansion{reader: r, key: key}
	rest, err := e.text(text, false)
	if err == nil && rest != "" {
		err = problem(problemForm)
	}
	return e.out.String(), err
}

// text replaces references up to the end or, inside a default, up to the brace that
// closes it. It returns the rest of the text.
func (e *expansion) text(text string, inDefault bool) (rest string, err error) {
	for text != "" {
		length := strings.IndexAny(text, "${}\n")
		if length < 0 {
			length = len(text)
		}
		e.out.WriteString(text[:length])
		text = text[length:]
		if text == "" {
			break
		}
		switch {
		case text[0] == '$':
			text, err = e.dollar(text, inDefault)
			if err != nil {
				return "", err
			}
		case !inDefault:
			e.out.WriteByte(text[0])
			text = text[1:]
		case text[0] == '}':
			return text, nil
		default:
			return "", problem(problemForm) // compose counts braces, and ends at a line break
		}
	}
	return "", nil
}

// dollar reads a reference or another form that begins with a $.
func (e *expansion) dollar(text string, inDefault bool) (rest string, err error) {
	after := text[1:]
	switch {
	case strings.HasPrefix(after, "$"):
		e.out.WriteByte('$')
		return after[1:], nil
	case strings.HasPrefix(after, "("):
		return "", problem(problemCommand)
	case strings.HasPrefix(after, "{"):
		return e.braced(after[1:])
	}
	name := nameStart().FindString(after)
	if strings.HasPrefix(after[len(name):], "\u017f") || strings.HasPrefix(after[len(name):], "\u212a") {
		return "", problem(problemForm) // compose reads these letters as s and k
	}
	if name != "" {
		value, err := e.lookup(name)
		e.out.WriteString(value)
		return after[len(name):], err
	}
	if inDefault {
		return "", problem(problemForm)
	}
	e.out.WriteByte('$')
	return after, nil
}

// braced reads a reference after its "${", with the closing brace.
func (e *expansion) braced(text string) (rest string, err error) {
	name := nameStart().FindString(text)
	text = text[len(name):]
	if name == "" || text == "" {
		return "", problem(problemForm)
	}
	if text[0] == '}' {
		value, err := e.lookup(name)
		e.out.WriteString(value)
		return text[1:], err
	}
	text, orEmpty := strings.CutPrefix(text, ":")
	if text == "" || strings.IndexByte("-+?", text[0]) < 0 {
		return "", problem(problemForm)
	}
	operator := text[0]
	value, set := e.reader.values[name]
	e.reader.expanded += len(value)
	if e.reader.expanded > maxExpanded {
		return "", problem(problemExpanded)
	}
	set = set && (!orEmpty || value != "")
	if _, exists := e.reader.values[name]; exists {
		e.note(name)
	}
	counts := operator == '-' && !set || operator == '+' && set
	word := expansion{reader: e.reader, key: e.key, unused: e.unused || !counts}
	rest, err = word.text(text[1:], true)
	switch {
	case err != nil:
		return "", err
	case !strings.HasPrefix(rest, "}"):
		return "", problem(problemForm)
	case operator == '?' && !set && !e.unused:
		return "", problem(problemRequired)
	case counts:
		e.out.WriteString(word.out.String())
	case operator != '+':
		e.out.WriteString(value)
	}
	return rest[1:], nil
}

// lookup returns the value that the text sets a name to before this entry.
func (e *expansion) lookup(name string) (string, error) {
	value, set := e.reader.values[name]
	e.reader.expanded += len(value)
	switch {
	case e.reader.expanded > maxExpanded:
		return "", problem(problemExpanded)
	case set:
		e.note(name)
	case e.unused:
	case name == e.key:
		return "", problem(problemItself)
	default:
		return "", problem(problemNotSet)
	}
	return value, nil
}

// note records a reference, which is an error if the text sets the name again. A value
// may refer to an earlier value of its own name.
func (e *expansion) note(name string) {
	if name != e.key {
		e.reader.referred[name] = append(e.reader.referred[name], &Error{Line: e.reader.began, Key: e.key, Problem: problemBetween})
	}
}

// bracedName matches the one form that both php and python replace.
var bracedName = compiled(`\$\{(?:([A-Za-z_][A-Za-z0-9_.]*)\}|[^}\n]*\}?)`)

// expandBraces replaces ${NAME} and leaves any other $ as it is.
// The error is a problem.
func (r *reader) expandBraces(key, text string) (value string, err error) {
	e := expansion{reader: r, key: key}
	value = bracedName().ReplaceAllStringFunc(text, func(match string) string {
		name := bracedName().FindStringSubmatch(match)[1]
		if name == "" || strings.Contains(name, ".") {
			err = problem(problemBracesForm)
			return ""
		}
		found, lookupErr := e.lookup(name)
		if lookupErr != nil {
			err = lookupErr
		}
		return found
	})
	return value, err
}

// anyReference matches what Next or python replaces in any kind of quotes.
var anyReference = compiled(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// noteSingle records the names that a value in single quotes could refer to.
func (r *reader) noteSingle(key, text string) {
	if r.options.References == NoReferences {
		return
	}
	for _, match := range anyReference().FindAllStringSubmatch(text, -1) {
		if r.options.References == Resolve || strings.HasPrefix(match[0], "${") {
			r.single = append(r.single, reference{match[1], &Error{Line: r.began, Key: key, Problem: problemSingle}})
		}
	}
}

// checkReferences returns the errors that depend on the whole text.
func (r *reader) checkReferences() (problems []error) {
	for _, single := range r.single {
		if _, set := r.assigned[single.name]; set {
			problems = append(problems, single.problem)
		}
	}
	return append(problems, r.between...)
}
