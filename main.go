// Command terraform-provider-ageenv serves the provider to Terraform.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/process"
	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
)

// version is set by the linker.
var version = "dev"

// gcPercent is how much a run lets its memory grow between two garbage collections, in
// percent of what is in use. A provider is short-lived and has little in use, so fewer
// collections save much time and cost little memory; more than this costs memory.
const gcPercent = 200

// collectLess sets gcPercent, unless GOGC is set: whoever sets it has a reason.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

func main() {
	ageplugin.RunChild()
	collectLess()
	debugging := flag.Bool("debug", false, "serve for a debugger, and print how Terraform reaches it")
	flag.Parse()

	environment := provider.TakeEnvironment()
	process.NoDumps()
	process.QuietSDK()
	process.QuietStandardLog()
	// Terraform reads JSON lines from the plugin's standard error and filters them
	// by TF_LOG_PROVIDER; it has to be this one, from before the plugin is served.
	logger := hclog.New(&hclog.LoggerOptions{Name: "ageenv", Level: process.LogLevel(), Output: os.Stderr, JSONFormat: true})

	made := provider.New(provider.Options{Version: version, Environment: environment, Logger: logger})
	var options []tf6server.ServeOpt
	if *debugging {
		options = append(options, tf6server.WithManagedDebug())
	}
	err := tf6server.Serve("registry.terraform.io/ageenv/ageenv", func() tfprotov6.ProviderServer { return provider.NewServer(made()) }, options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err) // the log package's logger is off
		os.Exit(1)
	}
}
