package dotenv_test

// composeTexts are read, as compose-go reads them.
var composeTexts = map[string]string{
	"byte order mark":       "\ufeffA=1\n",
	"export":                "export A=1\nexport\tB=2\nexport=3\nexported=4\n",
	"dotted names":          "a.b=1\nxpack.security-on=true\nA-=2\nENV=x\n",
	"spaces around =":       "A = 1 \nB=  two words  \n",
	"empty values":          "A=\nB=\"\"\nC=''\nD=   \n",
	"inline comment":        "A=one # two\nB=\"one # two\" # three\nC='x'#y\nD=a#b\nE=#e\n",
	"equals in value":       "A=b=c==\n",
	"url":                   "U=postgres://u:p%40s@db.internal:5432/app?sslmode=require&x=1\n",
	"single quotes":         `A='$X ${Y} "x" \n'` + "\n",
	"single quote escape":   `A='it\'s'` + "\n" + `B='C:\dir\\'` + "\n",
	"double quote escapes":  `A="a\"b\\c\$d\ne\rf\tg\vh\fi\aj\bk"` + "\n",
	"unknown escapes stay":  `A="\d \x41 \c \u00e9"` + "\n" + `B=\d\n` + "\n",
	"dollars that stay":     "A=$1 5$ $ $- $(x)\nB=\"$1 5$\"\n",
	"escape then dollars":   `A="\$\$x \$$"` + "\n",
	"several lines":         "A=\"one\ntwo\n\nthree\"\nB='x\ny'\nC=3\n",
	"pem":                   "KEY=\"-----BEGIN X-----\nMIIE/abc+==\n-----END X-----\n\"\nNEXT=1\n",
	"quotes inside bare":    `A=foo"bar'baz` + "\n",
	"unicode":               "A=grüße 日本 🔑\n",
	"control characters":    "A=a\x01b\x7fc\nB=\"a\rb\"\n",
	"backslash before end":  `A="x\\"` + "\n" + `B='x\\'` + "\n" + `C=x\` + "\n",
	"json in single quotes": `A='{"a": ["$b", 1]}'` + "\n",
}

// composeRefusals are texts that compose-go would guess about, or that a person
// can't have meant.
var composeRefusals = map[string]refusal{
	"export without name":    {"export =" + hidden, 1, "", "name is empty"},
	"unclosed double":        {"A=1\nB=\"" + hidden + "\nC=3\n", 2, "B", "never closed"},
	"unclosed single":        {"A='" + hidden + "\\'", 1, "A", "never closed"},
	"another's quote":        {"A='" + hidden + "\\'\nB='x'\n", 2, "A", "(the value begins in line 1)"},
	"text after quote":       {"A=\"" + hidden + "\" more", 1, "A", "after the closing quote"},
	"text after quote later": {"A=\"x\n" + hidden + "\" more", 2, "A", "after the closing quote"},
	"expansion bare":         {"A=" + hidden + "$HOME", 1, "A", "references ="},
	"expansion braces":       {"A=${" + hidden + "}", 1, "A", "references ="},
	"expansion double":       {"A=\"x\n$y" + hidden + "\"", 1, "A", "references ="},
	"expansion odd dollars":  {"A=$$$x", 1, "A", "$$ is one $"},
	"expansion escape first": {`A="\\$x"`, 1, "A", "references ="},
	"expansion kelvin":       {"A=$\u212a", 1, "A", "references ="},
	"nul in a last comment":  {"A=x # " + hidden + "\x00", 1, "A", "comment"},
	"nul after quotes":       {"A='x' # " + hidden + "\x00", 1, "A", "comment"},
	"doubled dollars":        {"A=" + hidden + "$$word", 1, "A", "$$ is one $"},
	"doubled in quotes":      {"B=1\nA=\"" + hidden + "$$word\"", 2, "A", "$$ is one $"},
	"cr in a value":          {"A=" + hidden + "\rB=2\n", 1, "A", "a CR"},
	"crlf in some quotes":    {"A=\"" + hidden + "\r\n\"\nB=2\n", 1, "A", "CR LF"},
	"zero-width end":         {"A=" + hidden + "\u200b\n", 1, "A", "cannot be seen"},
	"zero-width quote":       {"A=\u200b\"" + hidden + "\"\n", 1, "A", "cannot be seen"},
	"octal":                  {`A="\0101"`, 1, "A", "octal"},
	"nul":                    {"A=\"a\n\x00\"", 1, "A", "NUL"},
	"invalid utf-8":          {"A=\xff" + hidden, 1, "A", "UTF-8"},

	"no-break space":       {"A=x\u00a0", 1, "A", "space"},
	"no-break space value": {"A=\u00a0\"x\"", 1, "A", "space"},
	"hash after a space":   {"A= #" + hidden, 1, "A", "begins with #"},
}
