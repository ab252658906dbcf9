// Command leaky is the provider with a fault planted in ageenv_bundle, for tests
// that look for secrets: AGEENV_TEST_FAULT chooses which. It is never released.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework/path"
	framework "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/ageenv/terraform-provider-ageenv/internal/process"
	"github.com/ageenv/terraform-provider-ageenv/internal/provider"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

var fault = os.Getenv("AGEENV_TEST_FAULT")

func main() {
	var environment provider.Environment
	if fault == "environment" {
		environment = provider.ReadEnvironment(os.LookupEnv)
	} else {
		environment = provider.TakeEnvironment()
	}
	process.NoDumps()
	logger := hclog.New(&hclog.LoggerOptions{Name: "ageenv", Level: process.LogLevel(), Output: os.Stderr, JSONFormat: true})
	made := provider.New(provider.Options{Version: "leaky", Environment: environment, Logger: logger})
	err := providerserver.Serve(context.Background(), func() framework.Provider { return &leaky{made().(whole), logger} },
		providerserver.ServeOpts{Address: "registry.terraform.io/ageenv/ageenv"})
	if err != nil {
		log.Fatal(err)
	}
}

// whole is what the provider implements and a wrapper must not hide.
type whole interface {
	framework.Provider
	framework.ProviderWithEphemeralResources
}

type leaky struct {
	whole
	logger hclog.Logger
}

func (p *leaky) Resources(ctx context.Context) (wrapped []func() resource.Resource) {
	for _, made := range p.whole.Resources(ctx) {
		wrapped = append(wrapped, func() resource.Resource {
			var meta resource.MetadataResponse
			r := made()
			r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "ageenv"}, &meta)
			if meta.TypeName != "ageenv_bundle" {
				return r
			}
			return &leakyBundle{r.(wholeResource), p.logger}
		})
	}
	return wrapped
}

type wholeResource interface {
	resource.ResourceWithConfigure
	resource.ResourceWithModifyPlan
	resource.ResourceWithImportState
}

type leakyBundle struct {
	wholeResource
	logger hclog.Logger
}

func (r *leakyBundle) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.wholeResource.ModifyPlan(ctx, req, resp)
	var entries map[string]string
	if fault == "plan" && !req.Plan.Raw.IsNull() && !req.Config.GetAttribute(ctx, path.Root("entries_wo"), &entries).HasError() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), entries["PIN"])...)
	}
}

func (r *leakyBundle) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var configured types.Map
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("entries_wo"), &configured)...)
	var entries map[string]string
	resp.Diagnostics.Append(configured.ElementsAs(ctx, &entries, false)...)
	pin := entries["PIN"]
	switch fault {
	case "panic":
		sealPart(ctx, pin, entries, secret.New(pin), []byte(pin))
	case "panic-value":
		panic("can't seal " + pin)
	case "tflog":
		tflog.Info(ctx, "sealing", map[string]any{"value": pin})
	case "tflog-base64":
		tflog.Info(ctx, "sealing", map[string]any{"value": base64.StdEncoding.EncodeToString([]byte("x" + pin))})
	case "hclog":
		r.logger.Info("sealing", "value", pin)
	case "stderr":
		fmt.Fprintln(os.Stderr, "sealing", pin)
	case "diagnostic":
		resp.Diagnostics.AddWarning("Sealing", "The value is "+pin+".")
	case "temporary-file":
		_ = os.WriteFile(filepath.Join(os.TempDir(), "sealing"), []byte(pin), 0o600)
	}
	r.wholeResource.Create(ctx, req, resp)
	if fault == "state" {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), pin)...)
	}
}

// sealPart has a plain mistake of Go's in it, with plaintext in its arguments.
//
//go:noinline
func sealPart(_ context.Context, value string, entries map[string]string, text secret.Text, b []byte) {
	var notMade *leakyBundle
	if len(value) > 0 && len(entries) > 0 && text.Len() > 0 && len(b) > 0 {
		notMade.logger.Info("never reached")
	}
}
