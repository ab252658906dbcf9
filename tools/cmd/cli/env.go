package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// registryHosts is where each program looks for a provider whose address names
// no host. The acceptance test harness must serve the provider under it.
var registryHosts = map[kind]string{
	terraform: "registry.terraform.io",
	openTofu:  "registry.opentofu.org",
}

// writeEnv writes what tests and the demo need in their environment to run
// with c, as assignments that a shell can evaluate. It puts an empty
// configuration file into dir: the user's own may hold mirrors or overrides,
// or be named and not exist.
func writeEnv(w io.Writer, c cli, dir string) error {
	config := filepath.Join(dir, "empty.tfrc")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		return err
	}
	for _, entry := range [][2]string{
		{"AGEENV_CLI", c.path},
		{"AGEENV_CLI_KIND", string(c.kind)},
		{"AGEENV_CLI_VERSION", c.version.String()},
		{"TF_ACC_TERRAFORM_PATH", c.path},
		{"TF_ACC_PROVIDER_HOST", registryHosts[c.kind]},
		{"TF_CLI_CONFIG_FILE", config},
		{"CHECKPOINT_DISABLE", "1"},
	} {
		if _, err := fmt.Fprintf(w, "%s=%s\n", entry[0], shellQuote(entry[1])); err != nil {
			return err
		}
	}
	return nil
}

// shellQuote returns s as one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
