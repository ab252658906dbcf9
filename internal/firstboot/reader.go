package firstboot

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
)

//go:embed reader.py
var readerSource string

// compactReader is reader.py in the form that the script carries: a Python
// program of one line. It is made from the source on first use, so that the two
// cannot differ.
var compactReader = sync.OnceValues(func() (string, error) {
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return "", fmt.Errorf("compressing the embedded reader: %w", err)
	}
	if _, err := w.Write([]byte(stripPython(readerSource))); err != nil {
		return "", fmt.Errorf("compressing the embedded reader: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("compressing the embedded reader: %w", err)
	}
	return fmt.Sprintf(`import base64,zlib;exec(zlib.decompress(base64.b64decode("%s")))`,
		base64.StdEncoding.EncodeToString(packed.Bytes())), nil
})

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
