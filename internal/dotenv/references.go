package dotenv

import "strings"

// References says what a $ in compose's text means.
type References string

const (
	// NoReferences makes a reference an error. It is the zero value.
	NoReferences References = ""
	// Resolve reads compose's forms, from names that are set earlier in the text.
	// The environment is never read.
	Resolve References = "resolve"
	// Braces reads ${NAME} alone; any other $ is text, as phpdotenv has it.
	Braces References = "braces"
)

// ReferenceModes lists what References can be set to.
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

// maxExpanded is how many bytes references bring in, at most. Values that double in
// each line would fill any memory.
const maxExpanded = 4 << 20

// nameStart matches the name that a reference begins with.
var nameStart = compiled(`^[A-Za-z_][A-Za-z0-9_]*`)

// reference is a name that a value refers to, and what is wrong if it is set.
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

// expand replaces the references in a value in which \$ has become $$. It returns
// what is wrong, which holds nothing of the text.
func (r *reader) expand(key, text string) (value, problem string) {
	switch {
	case strings.IndexByte(text, '$') < 0:
		return text, ""
	case r.options.References == NoReferences:
		return dollars(text)
	}
	e := expansion{reader: r, key: key}
	rest, problem := e.text(text, false)
	if problem == "" && rest != "" {
		problem = problemForm
	}
	return e.out.String(), problem
}

// text replaces references up to the end or, in a default, up to the brace that
// closes it.
func (e *expansion) text(text string, inside bool) (rest, problem string) {
	for text != "" {
		length := strings.IndexAny(text, "${}\n")
		if length < 0 {
			length = len(text)
		}
		e.out.WriteString(text[:length])
		if text = text[length:]; text == "" {
			break
		}
		switch {
		case text[0] == '$':
			if text, problem = e.dollar(text, inside); problem != "" {
				return "", problem
			}
		case !inside:
			e.out.WriteByte(text[0])
			text = text[1:]
		case text[0] == '}':
			return text, ""
		default:
			return "", problemForm // compose counts braces, and ends at a line break
		}
	}
	return "", ""
}

// dollar reads what begins with a $.
func (e *expansion) dollar(text string, inside bool) (rest, problem string) {
	after := text[1:]
	switch {
	case strings.HasPrefix(after, "$"):
		e.out.WriteByte('$')
		return after[1:], ""
	case strings.HasPrefix(after, "("):
		return "", problemCommand
	case strings.HasPrefix(after, "{"):
		return e.braced(after[1:])
	}
	name := nameStart().FindString(after)
	if strings.HasPrefix(after[len(name):], "\u017f") || strings.HasPrefix(after[len(name):], "\u212a") {
		return "", problemForm // letters that compose takes for s and k
	}
	if name != "" {
		value, problem := e.lookup(name)
		e.out.WriteString(value)
		return after[len(name):], problem
	}
	if inside {
		return "", problemForm
	}
	e.out.WriteByte('$')
	return after, ""
}

// braced reads what stands after "${", and the closing brace.
func (e *expansion) braced(text string) (rest, problem string) {
	name := nameStart().FindString(text)
	text = text[len(name):]
	if name == "" || text == "" {
		return "", problemForm
	}
	if text[0] == '}' {
		value, problem := e.lookup(name)
		e.out.WriteString(value)
		return text[1:], problem
	}
	text, orEmpty := strings.CutPrefix(text, ":")
	if text == "" || strings.IndexByte("-+?", text[0]) < 0 {
		return "", problemForm
	}
	operator := text[0]
	value, set := e.reader.values[name]
	if e.reader.expanded += len(value); e.reader.expanded > maxExpanded {
		return "", problemExpanded
	}
	set = set && (!orEmpty || value != "")
	if _, exists := e.reader.values[name]; exists {
		e.note(name)
	}
	counts := operator == '-' && !set || operator == '+' && set
	word := expansion{reader: e.reader, key: e.key, unused: e.unused || !counts}
	rest, problem = word.text(text[1:], true)
	switch {
	case problem != "":
		return "", problem
	case !strings.HasPrefix(rest, "}"):
		return "", problemForm
	case operator == '?' && !set && !e.unused:
		return "", problemRequired
	case counts:
		e.out.WriteString(word.out.String())
	case operator != '+':
		e.out.WriteString(value)
	}
	return rest[1:], ""
}

// lookup returns what a name is set to earlier in the text.
func (e *expansion) lookup(name string) (value, problem string) {
	value, set := e.reader.values[name]
	e.reader.expanded += len(value)
	switch {
	case e.reader.expanded > maxExpanded:
		return "", problemExpanded
	case set:
		e.note(name)
	case e.unused:
	case name == e.key:
		return "", problemItself
	default:
		return "", problemNotSet
	}
	return value, ""
}

// note remembers a reference, to be an error if the name is set again. A value may
// refer to what its own name was before.
func (e *expansion) note(name string) {
	if name != e.key {
		e.reader.referred[name] = append(e.reader.referred[name], &Error{Line: e.reader.began, Key: e.key, Problem: problemBetween})
	}
}

// bracedName matches the one form that php and python both fill in.
var bracedName = compiled(`\$\{(?:([A-Za-z_][A-Za-z0-9_.]*)\}|[^}\n]*\}?)`)

// expandBraces replaces ${NAME} and leaves any other $ as it is.
func (r *reader) expandBraces(key, text string) (value, problem string) {
	e := expansion{reader: r, key: key}
	value = bracedName().ReplaceAllStringFunc(text, func(match string) string {
		name := bracedName().FindStringSubmatch(match)[1]
		if name == "" || strings.Contains(name, ".") {
			problem = problemBracesForm
			return ""
		}
		found, wrong := e.lookup(name)
		if wrong != "" {
			problem = wrong
		}
		return found
	})
	return value, problem
}

// anyReference matches what Next or python fills in, whatever the quotes.
var anyReference = compiled(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// noteSingle remembers the names that a value in single quotes could refer to.
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

// checkReferences returns what only the whole text shows to be wrong.
func (r *reader) checkReferences() (problems []error) {
	for _, single := range r.single {
		if _, set := r.assigned[single.name]; set {
			problems = append(problems, single.problem)
		}
	}
	return append(problems, r.between...)
}
