package provider

import (
	"os"

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

// Environment is what the environment gives: where identities are looked for, and
// the Vultr account.
type Environment struct {
	Identities agekey.Sources
	VultrKey   secret.Text
	VultrURL   string
}

// TakeEnvironment reads the environment and removes from it what children and
// other processes must not see: identities, the Vultr key, and the variable that
// would have every secret written to files. Call it before serving.
func TakeEnvironment() Environment {
	taken := process.Take(agekey.EnvKey, agekey.EnvKeyFile, agekey.EnvKeyCmd, agekey.EnvSSHFile, agekey.EnvSSHCmd, envVultrKey, protoDataDir)
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
