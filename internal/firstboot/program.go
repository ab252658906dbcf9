package firstboot

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// What runs on the box, in the order in which it is joined. The reader goes in as
// a function of the shell program that prints it.
var (
	//go:embed box
	boxFiles   embed.FS
	boxProgram = []string{"common.sh", "identity.sh", "open.sh", "place.sh", "keep.sh", "clone.sh", "metadata.sh", "after.sh", "status.sh", "metrics.sh", "verify.sh", "main.sh"}
)

// boxTools are the programs that have to be there, beside one of age and python3.
// All but gzip and tar are coreutils.
var boxTools = []string{
	"base64", "cat", "chmod", "chown", "cp", "date", "dd", "gzip", "id", "ln", "ls", "mkdir", "mktemp", "mv", "rm", "rmdir",
	"sha256sum", "stat", "tar", "timeout",
}

// program is what runs on the box as one text, without comments.
var program = sync.OnceValues(func() (string, error) {
	reader, err := boxFiles.ReadFile("box/reader.py")
	if err != nil {
		return "", fmt.Errorf("joining the program for the box: %w", err)
	}
	var out strings.Builder
	for i, name := range boxProgram {
		text, err := boxFiles.ReadFile("box/" + name)
		if err != nil {
			return "", fmt.Errorf("joining the program for the box: %w", err)
		}
		if i == len(boxProgram)-1 {
			// Before the part that acts.
			out.WriteString("reader() {\n\tcat <<'.END'\n" + stripPython(string(reader)) + ".END\n}\n")
		}
		for line := range strings.Lines(stripShell(string(text), "#!")) {
			out.WriteString(strings.TrimLeft(line, "\t"))
		}
	}
	return out.String(), nil
})

// packedProgram is the program as the script carries it: gzip, in base64.
var packedProgram = sync.OnceValues(func() (string, error) {
	text, err := program()
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	return wrapBase64(packed.Bytes()), nil
})

// wrapBase64 breaks lines at 1024 characters: POSIX promises a line of 2048 bytes
// to be text, and few lines cost few bytes.
func wrapBase64(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var out strings.Builder
	for len(text) > base64Columns {
		out.WriteString(text[:base64Columns] + "\n")
		text = text[base64Columns:]
	}
	out.WriteString(text)
	return out.String()
}

const base64Columns = 1024

// stripShell drops the lines that are comments, which are for readers of the
// source, but for those that begin with one of keep.
func stripShell(source string, keep ...string) string {
	var out strings.Builder
	for line := range strings.Lines(source) {
		code := strings.TrimLeft(line, "\t")
		kept := slices.ContainsFunc(keep, func(s string) bool { return strings.HasPrefix(code, s) })
		if kept || code != "\n" && !strings.HasPrefix(code, "#") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// stripPython drops the lines that are comments or empty, and indents by one
// blank instead of four. No string of the source spans lines, which a test
// asserts.
func stripPython(source string) string {
	var out strings.Builder
	for line := range strings.Lines(source) {
		code := strings.TrimLeft(line, " ")
		if code == "\n" || strings.HasPrefix(code, "#") {
			continue
		}
		out.WriteString(strings.Repeat(" ", (len(line)-len(code))/4))
		out.WriteString(code)
	}
	return out.String()
}
