// Command terraform-provider-vultr (this package, built under that name) stands in
// for Vultr's own provider where that one can't be had: in the tests of modules and
// examples, which need a vultr_instance to see what becomes of a box.
//
// What it is: the schema of vultr_instance, as far as this repository's modules and
// examples use it, with the same arguments forcing a new instance as in Vultr's
// provider 2.x (region, the image, script_id, user_data, hostname, ssh_key_ids).
// `terraform validate`, plan, apply and `terraform test` work on it, mocks too.
//
// vultr_startup_script has the arguments of Vultr's provider, and keeps its scripts in
// the account at VULTR_API_URL, the simulator's, with VULTR_API_KEY.
//
// What it is not: it makes no instance. An instance is an entry in the
// state with a random ID and an address reserved for documentation (RFC 5737). It
// checks neither that a region, a plan or an image exists nor that the script does,
// a read never finds drift, a delete always works, and an argument that is not in
// instance.go is an error here though Vultr's provider may have it. A module that
// passes on it has still to be planned once with the real one.
//
// It is served as vultr/vultr by dev_overrides, for tests only, and never shipped.
//
//   - main.go: the provider
//   - instance.go, startup_script.go: its resources
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return stub{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/vultr/vultr"})
	if err != nil {
		fmt.Fprintln(os.Stderr, "vultrschema:", err)
		os.Exit(1)
	}
}

type stub struct{}

func (stub) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "vultr"
}

// Schema takes what Vultr's provider takes, so that configurations need no change.
// None of it is used.
func (stub) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"api_key":     schema.StringAttribute{Optional: true, Sensitive: true},
		"rate_limit":  schema.Int64Attribute{Optional: true},
		"retry_limit": schema.Int64Attribute{Optional: true},
	}}
}

func (stub) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (stub) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return instance{} },
		func() resource.Resource { return startupScript{} },
	}
}

func (stub) DataSources(context.Context) []func() datasource.DataSource { return nil }
