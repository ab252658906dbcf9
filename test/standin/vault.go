package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// vaultSecret is an ephemeral resource that reads one secret. All attributes are texts.
type vaultSecret struct {
	name      string   // of the type, below the provider's
	required  []string // arguments
	optional  []string // arguments, which the vault answers if they are not given
	computed  []string
	sensitive []string // computed too
	// names are the arguments that say which secret is meant: one of them is given.
	names  []string
	values func(name string) map[string]string
}

// onePasswordItem is the schema of 1Password's provider 3.3.1; the resource came with 3.2.0.
var onePasswordItem = vaultSecret{
	name: "item", required: []string{"vault"}, optional: []string{"uuid", "title"}, names: []string{"uuid", "title"},
	computed:  []string{"id", "url", "hostname", "database", "port", "type", "username", "public_key"},
	sensitive: []string{"password", "note_value", "credential", "private_key", "private_key_openssh"},
	values: func(title string) map[string]string {
		return map[string]string{"password": standinValue(title), "credential": standinValue(title)}
	},
}

// awsSecretVersion is the schema of HashiCorp's provider 6 without version_stages, a list; the
// resource came with 5.77.0.
var awsSecretVersion = vaultSecret{
	name: "secretsmanager_secret_version", required: []string{"secret_id"}, optional: []string{"region", "version_id", "version_stage"}, names: []string{"secret_id"},
	computed:  []string{"arn", "created_date"},
	sensitive: []string{"secret_string", "secret_binary"},
	values: func(id string) map[string]string {
		text, _ := json.Marshal(map[string]string{"TOKEN": standinValue(id), "DATABASE_PASSWORD": standinValue(id)})
		return map[string]string{"secret_string": string(text)}
	},
}

// standinValue is what the vault holds.
func standinValue(name string) string {
	return "stand-in for " + name + os.Getenv("STANDIN_VALUES")
}

func (v vaultSecret) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + v.name
}

func (v vaultSecret) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{}}
	for _, group := range []struct {
		names     []string
		attribute schema.StringAttribute
	}{
		{v.required, schema.StringAttribute{Required: true}},
		{v.optional, schema.StringAttribute{Optional: true, Computed: true}},
		{v.computed, schema.StringAttribute{Computed: true}},
		{v.sensitive, schema.StringAttribute{Computed: true, Sensitive: true}},
	} {
		for _, name := range group.names {
			resp.Schema.Attributes[name] = group.attribute
		}
	}
}

func (v vaultSecret) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var secret string
	for _, name := range v.names {
		var value types.String
		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(name), &value)...)
		if value.ValueString() != "" {
			secret = value.ValueString()
		}
	}
	if secret == "" {
		resp.Diagnostics.AddError("No secret is named", "The real provider asks for one.")
	}
	resp.Result.Raw = req.Config.Raw
	for name, value := range v.values(secret) {
		resp.Diagnostics.Append(resp.Result.SetAttribute(ctx, path.Root(name), value)...)
	}
}
