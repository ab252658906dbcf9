package firstboot

import (
	"bytes"
	"compress/zlib"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// boxFiles is what runs on the box: the package ageenv, without its tests, and
// the few lines that unpack it there.
//
//go:embed box/bootstrap.py box/ageenv/*.py
var boxFiles embed.FS

// boxTools are the programs that the shell part calls. All but mount and umount
// are coreutils.
var boxTools = []string{"date", "id", "mkdir", "mktemp", "mount", "mv", "rm", "rmdir", "umount"}

// program is the text that the script hands to Python, and that stays on the box.
var program = sync.OnceValues(func() (string, error) { return packProgram(boxFiles) })

// packProgram returns the program text of the files in box/: bootstrap.py, and a
// last line that starts it with all modules of the package. It ends without a
// line end.
func packProgram(files fs.FS) (string, error) {
	bootstrap, err := bootstrapText(files)
	if err != nil {
		return "", err
	}
	modules, err := moduleTexts(files)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	if _, err := w.Write([]byte(modules)); err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	return bootstrap + "start(b\"\"\"\n" + base85(packed.Bytes()) + "\n\"\"\")", nil
}

// importsBase85 is the line of bootstrap.py that stands for the text of base85.py.
const importsBase85 = "from ageenv.base85 import decode\n"

// bootstrapText returns what runs before the modules are unpacked.
func bootstrapText(files fs.FS) (string, error) {
	bootstrap, err := readStripped(files, "box/bootstrap.py")
	if err != nil {
		return "", err
	}
	decoder, err := readStripped(files, "box/ageenv/base85.py")
	if err != nil {
		return "", err
	}
	before, after, found := strings.Cut(bootstrap, importsBase85)
	if !found {
		return "", fmt.Errorf("packing the program for the box: bootstrap.py has no line %q", importsBase85)
	}
	return before + decoder + after, nil
}

// moduleTexts returns names and texts of all modules, in the order of their
// names, with a NUL byte between any two.
func moduleTexts(files fs.FS) (string, error) {
	names, err := fs.Glob(files, "box/ageenv/*.py")
	if err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	var parts []string
	for _, name := range names {
		text, err := readStripped(files, name)
		if err != nil {
			return "", err
		}
		module := "ageenv"
		if base := path.Base(name); base != "__init__.py" {
			module += "." + strings.TrimSuffix(base, ".py")
		}
		parts = append(parts, module, text)
	}
	return strings.Join(parts, "\x00"), nil
}

// readStripped returns a Python file without what is for readers.
func readStripped(files fs.FS, name string) (string, error) {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return "", fmt.Errorf("packing the program for the box: %w", err)
	}
	text, err := stripPython(string(source))
	if err != nil {
		return "", fmt.Errorf("packing the program for the box: %s: %w", name, err)
	}
	return text, nil
}

// programSource is what the packed program is made of. It does not change when
// Go's compressor does.
func programSource(files fs.FS) (string, error) {
	bootstrap, err := bootstrapText(files)
	if err != nil {
		return "", err
	}
	modules, err := moduleTexts(files)
	if err != nil {
		return "", err
	}
	return bootstrap + "\x00" + modules + "\x00" + stripShell(scriptSource), nil
}
