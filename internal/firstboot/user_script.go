package firstboot

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const (
	// maxUserScriptBytes leaves room for the rest: a box reads a plan of at most
	// 1 MiB, and JSON may take six bytes for one.
	maxUserScriptBytes = 64 << 10
	// maxInterpreterBytes is what every Linux kernel reads of an interpreter line.
	maxInterpreterBytes = 127
	// banner begins the second line of every script.
	banner = "# ageenv first boot, template "
)

// CheckUserScript reports why s cannot be run as a program after the files are in
// place.
func CheckUserScript(s string) error {
	line, _, _ := strings.Cut(s, "\n")
	interpreter := strings.TrimLeft(strings.TrimPrefix(line, "#!"), " \t")
	switch {
	case !strings.HasPrefix(line, "#!") || !strings.HasPrefix(interpreter, "/"):
		return errors.New("does not begin with its interpreter: write the script in plain, not in base64, with #!/bin/sh or the like as its first line")
	case strings.HasSuffix(line, "\r"):
		return errors.New("has CRLF line ends, with which its interpreter is not found: write it with LF")
	case len(line) > maxInterpreterBytes:
		return fmt.Errorf("has a first line of %d bytes: the kernel reads %d", len(line), maxInterpreterBytes)
	case !utf8.ValidString(s) || strings.Contains(s, "\x00"):
		return errors.New("is not text: write it in UTF-8, without NUL")
	case len(s) > maxUserScriptBytes:
		return fmt.Errorf("is %d bytes long: the limit is %d; put it into the image, and call it", len(s), maxUserScriptBytes)
	case isRendered(s):
		return errors.New("is a script that ageenv made: give the script of your own, without it")
	}
	return nil
}

// IsRendered reports whether a startup script was made by this package, in whatever
// version.
func IsRendered(script secret.Text) bool { return isRendered(script.Reveal()) }

func isRendered(script string) bool {
	_, rest, _ := strings.Cut(script, "\n")
	return strings.HasPrefix(rest, banner)
}
