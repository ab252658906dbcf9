package dotenv_test

import "strings"

// dockerTexts are read, as docker's own parser reads them.
var dockerTexts = map[string]string{
	"byte order mark":    "\ufeffA=1\n",
	"dotted names":       "a.b=1\nxpack.security-on=true\nENV=x\n",
	"crlf":               "A=1\r\n\r\n#c\r\nB=2\r\n",
	"some crlf":          "A=1\n\r\n#c\r\nB=2\r\n",
	"quotes are kept":    `A="one"` + "\n" + `B='two'` + "\n" + `C=it's "3"` + "\n",
	"spaces are kept":    "A= one \t\nB=\t\n",
	"nothing expands":    "A=$HOME ${HOME} $(id) `id` ~ $$\n",
	"nothing is escaped": `A=a\nb\$c\` + "\nB=2\n",
	"no inline comment":  "A=one # two\nB=#three\n",
	"equals in value":    "A==b==\n",
	"unicode":            "A=grüße 日本 🔑\nB=\u00a0x\u00a0\nC=\ufeff\ufffe\n",
	"control characters": "A=a\x01b\x7f\rc\v\f\n",
	"longest line":       "A=" + strings.Repeat("x", 65533) + "\nB=" + strings.Repeat("y", 65533),
	"longest with mark":  "\ufeffA=" + strings.Repeat("x", 65530) + "\nB=" + strings.Repeat("y", 65533),
	"longest comment":    "#" + strings.Repeat("x", 65534) + "\nA=1\n",
}

// dockerRefusals are texts that docker refuses, or reads from somebody's environment.
var dockerRefusals = map[string]refusal{
	"several lines":      {"A=\"" + hidden + "\nmore\"\n", 2, "", "no ="},
	"export":             {"export A=1", 1, "", "begins with export"},
	"space before =":     {"A =1", 1, "", "not one that every program reads"},
	"nul":                {"A=" + hidden + "\x00", 1, "A", "the docker dialect can't hold a NUL byte; no dialect can"},
	"invalid utf-8":      {"A=\xff" + hidden, 1, "A", "the docker dialect can't hold invalid UTF-8; shell can"},
	"too long a line":    {"B=1\nA=" + hidden + strings.Repeat("x", 65534), 2, "A", "65,535 bytes"},
	"too long by blanks": {"  A=" + strings.Repeat("x", 65533), 1, "A", "65,535 bytes"},
	"too long by mark":   {"\ufeffA=" + strings.Repeat("x", 65531), 1, "A", "65,535 bytes"},
	"too long a comment": {"#" + strings.Repeat("x", 65535), 1, "", "65,535 bytes"},
	"blanks and comment": {"A=1\n #" + strings.Repeat("x", 65534), 2, "", "65,535 bytes"},
	"too many blanks":    {strings.Repeat(" ", 65536), 1, "", "65,535 bytes"},
}
