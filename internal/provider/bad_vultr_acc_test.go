package provider_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// vultrProvider is a provider block with vultr = {…} in one line.
func vultrProvider(settings string) string {
	return "provider \"ageenv\" {\n  vultr = { " + settings + " }\n}\n"
}

// A wrong setting is said once, and not for each script; nor is the line printed, which
// may hold the API key.
func TestAccBadVultrIsOneError(t *testing.T) {
	box := newPerson(t)
	const misconfigured = "Error: Vultr can't be configured"
	const unknownKey = "\nresource \"terraform_data\" \"d\" {\n  input = \"x\"\n}\n"
	for name, tt := range map[string]struct {
		provider, config string
		env              map[string]string
		made             bool // three scripts are there already
		says             []string
	}{
		"a rate":                      {provider: vultrProvider(`api_key = "` + simKey + `", requests_per_second = 20000`), says: []string{misconfigured, "In vultr.requests_per_second: Requests per second must be from 0.1 to 10000.", `in provider "ageenv"`}},
		"a rate of zero":              {provider: vultrProvider(`requests_per_second = 0`), says: []string{misconfigured, "In vultr.requests_per_second: "}},
		"a rate, and no key":          {provider: vultrProvider(`requests_per_second = 20000`), env: map[string]string{"VULTR_API_KEY": "-"}, says: []string{misconfigured, "In vultr.requests_per_second: "}},
		"a rate, and a key to come":   {provider: vultrProvider(`api_key = terraform_data.d.output, requests_per_second = 20000`), config: unknownKey, says: []string{misconfigured, "In vultr.requests_per_second: "}},
		"a rate, and a URL to come":   {provider: vultrProvider(`api_url = terraform_data.d.output, requests_per_second = 20000`), config: unknownKey, says: []string{misconfigured, "In vultr.requests_per_second: "}},
		"retries below zero":          {provider: vultrProvider(`max_retries = -1`), says: []string{misconfigured, "In vultr.max_retries: "}},
		"a timeout":                   {provider: vultrProvider(`api_key = "` + simKey + `", timeout = "11m"`), says: []string{misconfigured, "In vultr.timeout: "}},
		"no duration":                 {provider: vultrProvider(`api_key = "` + simKey + `", timeout = "soon"`), says: []string{"Error: Malformed duration", "Write vultr.timeout as a duration above zero"}},
		"a URL":                       {provider: vultrProvider(`api_key = "` + simKey + `", api_url = "http://vultr.example.com"`), says: []string{misconfigured, "In vultr.api_url, or VULTR_API_URL: "}},
		"a URL of the environment":    {env: map[string]string{"VULTR_API_URL": "http://vultr.example.com"}, provider: "none", says: []string{misconfigured, "In vultr.api_url, or VULTR_API_URL: "}},
		"the same, at a refresh":      {env: map[string]string{"VULTR_API_URL": "http://vultr.example.com"}, provider: "none", made: true, says: []string{misconfigured, "In vultr.api_url, or VULTR_API_URL: "}},
		"no key":                      {env: map[string]string{"VULTR_API_KEY": "-"}, provider: "none", says: []string{"Error: No Vultr API key"}},
		"no key, at a refresh":        {env: map[string]string{"VULTR_API_KEY": "-"}, provider: "none", made: true, says: []string{"Error: No Vultr API key"}},
		"a refused key":               {env: map[string]string{"VULTR_API_KEY": "REFUSEDKEY0123456789"}, provider: "none", says: []string{"Error: Vultr refuses the API key"}},
		"a refused key, at refresh":   {env: map[string]string{"VULTR_API_KEY": "REFUSEDKEY0123456789"}, provider: "none", made: true, says: []string{"Error: Vultr: reading the startup script failed"}},
		"a key to come, at a refresh": {provider: vultrProvider(`api_key = terraform_data.d.output`), config: unknownKey, made: true, says: []string{"Error: Vultr is not configured yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.simulator()
			scripts := strings.Replace(badScript(badFile(t, box), "identity_wo = var.box"), "{", "{\n  count = 3", 1)
			vars := map[string]string{"box": box.identity}
			bad := badInput{provider: tt.provider, config: scripts + tt.config, vars: vars, env: tt.env}
			cli := bad.cli(t, w)
			if tt.made {
				made := badInput{config: scripts, vars: vars}.cli(t, w)
				made.must("apply", "-auto-approve")
				writeFile(t, filepath.Join(cli.dir, "terraform.tfstate"), string(made.state()))
			}
			out, err := cli.run("plan")
			if exitCode(err) != 1 || strings.Count(out, "Error: ") != 1 {
				t.Errorf("the plan ends with %v, and says %d errors, want one:\n%s", err, strings.Count(out, "Error: "), out)
			}
			badOutput(t, out, tt.says, []string{simKey, "REFUSEDKEY"})
			if tt.made {
				before := string(cli.state())
				out, err := cli.run("apply", "-refresh-only", "-auto-approve")
				if exitCode(err) != 1 || strings.Count(out, "Error: ") != 1 || string(cli.state()) != before {
					t.Errorf("the refresh ends with %v, or the state is another one:\n%s", err, out)
				}
			}
		})
	}
}
