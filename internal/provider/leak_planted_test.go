package provider_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leakPlantedConfig is one bundle, all that a planted fault needs.
const leakPlantedConfig = `
terraform {
  required_providers {
    ageenv = { source = "HOST/ageenv/ageenv" }
  }
}
variable "operator_identity" {
  type      = string
  ephemeral = true
}
variable "entries" {
  type      = map(string)
  ephemeral = true
}
variable "identity_file" { type = string }
variable "escrow" { type = set(string) }

provider "ageenv" {
  identities        = [var.operator_identity]
  identity_files    = [var.identity_file]
  escrow_recipients = var.escrow
  vultr             = { requests_per_second = 1000 }
}

resource "ageenv_bundle" "b" {
  entries_wo = var.entries
  recipients = var.escrow
}
`

// leakPlanted runs a plan and an apply with a fault in the provider.
func leakPlanted(t *testing.T, binary, fault string) (r *leakRun, output string) {
	t.Helper()
	r = newLeakRun(t, binary)
	r.leakOperators()
	pin := r.secret("the PIN", "PIN-%s")[:8]
	r.secrets = append(r.secrets, leakSecret{"the short PIN", pin})
	entries, err := json.Marshal(map[string]string{"PIN": pin})
	if err != nil {
		t.Fatal(err)
	}
	r.env["TF_VAR_entries"], r.env["AGEENV_TEST_FAULT"] = string(entries), fault
	r.config("main.tf", leakPlantedConfig)
	r.must(nil, "init", "-no-color")
	plan := filepath.Join(r.root, "kept", "planted.tfplan")
	r.must(nil, "plan", "-no-color", "-out="+plan)
	r.must(nil, "show", "-json", plan)
	_, output = r.try(nil, "apply", "-no-color", plan)
	return r, output
}

// TestAccPlantedLeaksAreFound plants one leak of each kind in a provider, so that
// TestAccNothingLeaks is known to be able to fail.
func TestAccPlantedLeaksAreFound(t *testing.T) {
	binary := leakBuild(t, "./testdata/leaky")
	for _, planted := range []struct {
		fault  string
		places []string
	}{
		{"", nil},
		{"state", []string{"/terraform.tfstate"}},
		{"plan", []string{"planted.tfplan!", "-show.output"}},
		{"tflog", []string{"/trace.log"}},
		{"tflog-base64", []string{"/trace.log"}},
		{"hclog", []string{"/trace.log"}},
		{"stderr", []string{"/trace.log"}},
		{"diagnostic", []string{"-apply.output"}},
		{"temporary-file", []string{"/tmp/sealing"}},
		{"environment", []string{"/protocol/", "key-command-environment"}},
		{"panic-value", []string{"/trace.log"}},
	} {
		t.Run("fault="+planted.fault, func(t *testing.T) {
			r, output := leakPlanted(t, binary, planted.fault)
			s := r.search()
			if planted.places == nil && len(s.found) > 0 {
				t.Errorf("without a fault, something is found: %s", s.found)
			}
			for _, place := range planted.places {
				if len(s.in(place)) == 0 {
					t.Errorf("the leak is not found in %s; found: %s\n%s", place, s.found, output)
				}
			}
		})
	}
}

// TestAccPanicShowsNoSecret crashes the provider while plaintext is in its hands:
// the stack, which Terraform prints and both CLIs log, holds addresses and lengths.
func TestAccPanicShowsNoSecret(t *testing.T) {
	r, output := leakPlanted(t, leakBuild(t, "./testdata/leaky"), "panic")
	trace, err := os.ReadFile(filepath.Join(r.root, "trace.log"))
	if err != nil || !strings.Contains(string(trace), "sealPart(") {
		t.Fatalf("the provider did not crash where it should:\n%s", output)
	}
	r.search().report(t)
}
