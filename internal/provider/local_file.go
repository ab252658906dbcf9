package provider

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/regularfile"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// readFile reads a regular file by its path. Its errors show the path.
func readFile(name string) (secret.Text, error) {
	text, err := regularfile.Read(name, agekey.MaxSize)
	if err != nil {
		return secret.Text{}, fmt.Errorf("%s: %w", shownPath(name), err)
	}
	return text, nil
}

// shownPath is a path for an error, from the root, so that it tells what a relative
// one is relative to. What looks like the content of a file is not shown.
func shownPath(name string) string {
	if agekey.ContainsPrivateKey(name) || len(name) > 1000 || strings.ContainsAny(name, "=\n\r") {
		return "the path (which does not look like one, and is not repeated here)"
	}
	absolute, err := filepath.Abs(name)
	if err != nil || name == "" {
		absolute = name
	}
	return fmt.Sprintf("%q", absolute)
}
