package provider

import (
	"os"
	"strings"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/process"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Variables for Vultr, as its own tools read them.
const (
	envVultrKey = "VULTR_API_KEY"
	envVultrURL = "VULTR_API_URL"
)

// protoDataDir makes terraform-plugin-go write every value of every call, write-only
// ones too, to files.
const protoDataDir = "TF_LOG_SDK_PROTO_DATA_DIR"

// cliInputs begin the names of variables that are meant for the CLI, which hands
// its whole environment on: input variables, ephemeral ones too, and arguments,
// which may be -var.
var cliInputs = []string{"TF_VAR_", "TF_CLI_ARGS"}

// Environment is what the environment gives: where identities are looked for, and
// the Vultr account.
type Environment struct {
	Identities agekey.Sources
	VultrKey   secret.Text
	VultrURL   string
}

// TakeEnvironment reads the environment and removes from it what children and
// other processes must not see: identities, the Vultr key, the CLI's inputs, and
// the variable that would have every secret written to files. Call it before
// serving.
func TakeEnvironment() Environment {
	names := []string{agekey.EnvKey, agekey.EnvKeyFile, agekey.EnvKeyCmd, agekey.EnvSSHFile, agekey.EnvSSHCmd, envVultrKey, protoDataDir}
	for _, entry := range os.Environ() {
		for _, prefix := range cliInputs {
			if strings.HasPrefix(entry, prefix) {
				name, _, _ := strings.Cut(entry, "=")
				names = append(names, name)
			}
		}
	}
	taken := process.TakeVariables(names...)
	return ReadEnvironment(func(name string) (string, bool) {
		if value, ok := taken[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	})
}

// ReadEnvironment reads an environment and removes nothing.
func ReadEnvironment(lookup func(string) (string, bool)) Environment {
	key, _ := lookup(envVultrKey)
	url, _ := lookup(envVultrURL)
	return Environment{Identities: agekey.SourcesFromEnvironment(lookup), VultrKey: secret.New(key), VultrURL: url}
}
