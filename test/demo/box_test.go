package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

func TestDecryptorOfTheMachine(t *testing.T) {
	for _, program := range []string{"python3", "age"} {
		t.Run(program, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, program), nil, 0o700); err != nil {
				t.Fatal(err)
			}
			path, note, err := decryptorPathFrom(t.Context(), t.TempDir()+":"+folder, "", t.TempDir())
			if path != "" || note != "" || err != nil {
				t.Errorf("got %q, %q, %v: want the script's own PATH", path, note, err)
			}
		})
	}
}

// TestAccAgeIsBuiltForTheBox is a machine that has neither python3 nor age.
func TestAccAgeIsBuiltForTheBox(t *testing.T) {
	needTerraform(t)
	root, err := stage.Repository(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	empty, built := t.TempDir(), t.TempDir()
	path, note, err := decryptorPathFrom(t.Context(), empty, root, built)
	if err != nil {
		t.Fatal(err)
	}
	if path != built+":"+empty || !strings.Contains(note, "was built for the box") {
		t.Errorf("got %q, %q", path, note)
	}
	if out, err := exec.Command(filepath.Join(built, "age"), "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "v1.") {
		t.Errorf("the age that was built: %v, %s", err, out)
	}
}
