package dotenv_test

// systemdTexts are read, as systemd's own loader reads them.
var systemdTexts = map[string]string{
	"spaces around =":         "A = 1 \nB=  two words  \nC\t=\t3\n",
	"comments by semicolon":   ";one\n ;two\nA=1\n",
	"escaped comment":         "# one \\\\\nA=1\n;two\\ \nB=2\n",
	"no inline comment":       "A=one # two\nB=#three\nC=a;b\n",
	"quoted":                  `A="one two"` + "\n" + `B='one "two" \n $X'` + "\n" + `C=""` + "\nD=''\n",
	"blanks after the quote":  "A=\"one\" \t\nB='two' ",
	"nothing expands":         "A=$HOME ${HOME} $(id) `id` ~ $$\nB=\"$HOME `id`\"\n",
	"double quote escapes":    `A="a\"b\\c\$d` + "\\`" + `e\nf\tg\'h"` + "\n",
	"several lines":           "A=\"one\ntwo\n\nthree\"\nB='x\ny'\nC=3\n",
	"joined lines":            "A=one\\\ntwo\nB=\\\n three \\\n  \nC=\"four\\\nfive\"\nD=\\\n\nE=5\n",
	"escapes outside quotes":  `A=C:\\dir\x\"\ ` + "\nB= x \\  \nC=\\ \n",
	"quotes inside bare":      `A=foo"bar'baz` + "\n",
	"cr in quotes":            "A=\"a\rb\r\nc\r\"\nB='\r'\n",
	"unicode":                 "A=grüße 日本 🔑\nB=\u00a0x\u00a0\nC=\ufeff\ufffd\n",
	"control characters":      "A=a\x01b\x7fc\v\f\n",
	"a backslash then quotes": `A=\"x"` + "\n",
	"pem":                     "KEY=\"-----BEGIN X-----\nMIIE/abc+==\n-----END X-----\n\"\nNEXT=1\n",
}

// systemdRefusals are texts that systemd would drop, or take for less than was
// meant.
var systemdRefusals = map[string]refusal{
	"name with dash":           {"A=1\nA-B=" + hidden, 2, "", "compose and docker"},
	"name with dot":            {"A.B=7", 1, "", "compose and docker"},
	"export":                   {"export A=1", 1, "", "begins with export"},
	"unclosed double":          {"A=1\nB=\"" + hidden + "\nC=3\n", 2, "B", "never closed"},
	"unclosed single":          {"A='" + hidden, 1, "A", "never closed"},
	"escaped quote at the end": {`A="` + hidden + `\"`, 1, "A", "never closed"},
	"text after quote":         {"A=\"" + hidden + "\" more", 1, "A", "after the closing quote"},
	"text after quote later":   {"A='x\n" + hidden + "' more", 2, "A", "after the closing quote"},
	"comment after quote":      {"A=\"" + hidden + "\" # more", 1, "A", "after the closing quote"},
	"quoted for a shell":       {`A='it'\''s'`, 1, "A", "after the closing quote"},
	"comment that goes on":     {"A=1\n# " + hidden + "\\\nB=1", 2, "", `the systemd dialect can't hold a comment with a backslash at its end, which joins the next line to it; compose, docker and shell can`},
	"crlf joined":              {"A=x\\\r\ny\n", 1, "A", "CR LF"},
	"cr in a bare value":       {"A=" + hidden + "\rB=2", 1, "A", "takes a CR for the end of the line"},
	"cr after a backslash":     {"A=\"" + hidden + "\\\r\n\"\n", 1, "A", "CR after a backslash"},
	"backslash at the end":     {"A=1\nB=" + hidden + "\\", 2, "B", "the text ends after a backslash"},
	"backslash in last line":   {"B=" + hidden + "\\\n", 1, "B", "the text ends after a backslash"},
	"joined to nothing":        {"B=" + hidden + "\\\nx\\", 2, "B", "the text ends after a backslash"},
	"nul":                      {"A=\"" + hidden + "\n\x00\"", 1, "A", "the systemd dialect can't hold a NUL byte; no dialect can"},
	"invalid utf-8":            {"A=\xff" + hidden, 1, "A", "the systemd dialect can't hold invalid UTF-8; shell can"},
	"noncharacter":             {"A=\ufffe" + hidden, 1, "A", "the systemd dialect can't hold a Unicode noncharacter (such as U+FFFE); compose, docker and shell can"},
	"noncharacter far up":      {"A=\U0010ffff" + hidden, 1, "A", "noncharacter"},
	"noncharacter in arabic":   {"A='\n\ufdd0" + hidden + "'", 1, "A", "noncharacter"},
}
