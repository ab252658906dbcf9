package dotenv_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/dotenv"
)

// nothing is a dialect that there isn't.
const nothing dotenv.Dialect = "json"

func TestEncodeRefuses(t *testing.T) {
	const noComment = "the comment holds a line break, a CR, a NUL byte or invalid UTF-8"
	for name, tt := range map[string]struct {
		dialect dotenv.Dialect
		doc     dotenv.Document
		want    string
	}{
		"bad name":             {dotenv.Compose, document("A+"+hidden, "1"), "the name is not one that every program reads: use letters, digits and _, and no digit first"},
		"a shell's name":       {dotenv.Shell, document("UID", hidden), "UID: the shell dialect can't hold a name that a shell keeps for itself; compose, docker and systemd can"},
		"duplicate":            {dotenv.Compose, document("A", hidden, "A", hidden), "A: the name is there twice: readers differ in which one counts"},
		"value":                {dotenv.Docker, document("A", hidden+"\n"), "A: the docker dialect can't hold a line break; compose, systemd, shell and portable can"},
		"comment of two":       {dotenv.Compose, document("", hidden+"\nB=1"), noComment},
		"comment with cr":      {dotenv.Docker, document("", hidden+"\r"), noComment},
		"comment with nul":     {dotenv.Shell, document("", hidden+"\x00"), noComment},
		"comment not utf-8":    {dotenv.Shell, document("", hidden+"\xff"), noComment},
		"comment for none":     {dotenv.Docker, document("", hidden+strings.Repeat("x", 65535)+"\xff"), noComment},
		"comment that goes on": {dotenv.Systemd, document("", hidden+`\\\`), "the systemd dialect can't hold a comment with a backslash at its end, which joins the next line to it; compose, docker and shell can"},
		"portable likewise":    {dotenv.Portable, document("", hidden+`\`), "the portable dialect can't hold a comment with a backslash at its end, which joins the next line to it; compose, docker and shell can"},
		"comment too long":     {dotenv.Docker, document("", hidden+strings.Repeat("x", 65535)), "the docker dialect can't hold a comment with a line of more than 65,535 bytes, name included; compose, systemd, shell and portable can"},
		"no dialect":           {nothing, document("A", hidden), "there is no such dialect: use compose, docker, systemd, shell or portable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.doc.Encode(tt.dialect)
			var at *dotenv.Error
			if !errors.As(err, &at) || at.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestEncode pins how each dialect writes: a later version must not write a file
// anew for nothing.
func TestEncode(t *testing.T) {
	doc := document("", " x", "EMPTY", "", "PLAIN", "a/b:c@1,2^=%+-", "SPACE", "a b", "DOLLAR", `$X \$`, "QUOTES", `"'`, "TICK", "`", "EQUALS", "=:=", "END", `'\`)
	lines := document("LF", "a\nb\n", "CR", "\r") // not for docker
	for dialect, want := range map[dotenv.Dialect][]string{
		dotenv.Compose:  {`EMPTY=""`, `SPACE='a b'`, `DOLLAR='$X \$'`, `QUOTES="\"'"`, "TICK='`'", `EQUALS==:=`, `END="'\\"`, `LF="a\nb\n"`, `CR="\r"`},
		dotenv.Docker:   {`EMPTY=`, `SPACE=a b`, `DOLLAR=$X \$`, `QUOTES="'`, "TICK=`", `EQUALS==:=`, `END='\`},
		dotenv.Systemd:  {`EMPTY=""`, `SPACE="a b"`, `DOLLAR="\$X \\\$"`, `QUOTES="\"'"`, "TICK=\"\\`\"", `EQUALS==:=`, `END="'\\"`, "LF=\"a\nb\n\"", "CR=\"\r\""},
		dotenv.Shell:    {`EMPTY=''`, `SPACE='a b'`, `DOLLAR='$X \$'`, `QUOTES='"'\'''`, "TICK='`'", `EQUALS='=:='`, `END=''\''\'`, "LF='a\nb\n'", "CR='\r'"},
		dotenv.Portable: {`EMPTY=''`, `SPACE='a b'`, `DOLLAR='$X \$'`, `QUOTES="\"'"`, "TICK='`'", `EQUALS='=:='`, `END="'\\"`, "LF='a\nb\n'", "CR='\r'"},
	} {
		t.Run(string(dialect), func(t *testing.T) {
			whole := dotenv.Document{Lines: slices.Clone(doc.Lines)}
			if dialect != dotenv.Docker {
				whole.Lines = append(whole.Lines, lines.Lines...)
			}
			got, err := whole.Encode(dialect)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Join(slices.Concat([]string{"# x", want[0], "PLAIN=a/b:c@1,2^=%+-"}, want[1:]), "\n") + "\n"
			if got.Reveal() != want {
				t.Errorf("got\n%s\nwant\n%s", got.Reveal(), want)
			}
			checkReadBy(t, oracles(t, dialect), got.Reveal(), whole)
		})
	}
}
