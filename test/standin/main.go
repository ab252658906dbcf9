// Command standin (this package) plays parts of other people's providers where those cannot be
// had, for the tests of examples and guides. It is never shipped.
//
// Its name when it is started says which it plays:
//
//   - terraform-provider-onepassword: the ephemeral onepassword_item, with the schema of
//     1Password's provider 3.3.1
//   - terraform-provider-aws: the ephemeral aws_secretsmanager_secret_version, with the schema of
//     HashiCorp's provider 6
//   - terraform-provider-postgresql: postgresql_role with password_wo, of cyrilgdn's provider 1.26
//
// What it is not: it opens no vault. A value from it begins with "stand-in" and holds what
// STANDIN_VALUES says, so that a test can change it. The role is real: psql makes it on the
// server that PGHOST names, as the provider would. An argument that is not here is an error,
// though the real provider may have it.
//
//   - main.go: the provider
//   - vault.go: its ephemeral resources
//   - role.go: its resource
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

func main() {
	name, _, _ := strings.Cut(filepath.Base(os.Args[0]), "_v") // with the version where it is installed
	played := standin(strings.TrimPrefix(name, "terraform-provider-"))
	source, known := map[standin]string{
		"onepassword": "1Password/onepassword", "aws": "hashicorp/aws", "postgresql": "cyrilgdn/postgresql",
	}[played]
	if !known {
		fmt.Fprintf(os.Stderr, "standin: started as %q, which it does not play\n", played)
		os.Exit(1)
	}
	err := providerserver.Serve(context.Background(), func() provider.Provider { return played },
		providerserver.ServeOpts{Address: "registry.terraform.io/" + source})
	if err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

// standin is the type name of the provider that it plays.
type standin string

func (s standin) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = string(s)
}

// Schema takes what the examples set. None of it is used.
func (s standin) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{}}
	if s == "aws" {
		resp.Schema.Attributes["region"] = schema.StringAttribute{Optional: true}
	}
}

func (standin) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (standin) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (s standin) Resources(context.Context) []func() resource.Resource {
	if s != "postgresql" {
		return nil
	}
	return []func() resource.Resource{func() resource.Resource { return role{} }}
}

func (s standin) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	switch s {
	case "onepassword":
		return []func() ephemeral.EphemeralResource{func() ephemeral.EphemeralResource { return onePasswordItem }}
	case "aws":
		return []func() ephemeral.EphemeralResource{func() ephemeral.EphemeralResource { return awsSecretVersion }}
	}
	return nil
}
