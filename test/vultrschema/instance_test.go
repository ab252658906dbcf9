package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// config is an instance with more arguments.
func config(arguments string) string {
	return fmt.Sprintf("resource \"vultr_instance\" \"box\" {\n  plan = \"vc2-1c-1gb\"\n%s\n}\n", arguments)
}

// TestAccInstance: what changes an instance in place, and what needs another one, is
// what the modules are tested for.
func TestAccInstance(t *testing.T) {
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance test: it runs only with TF_ACC=1, as make test does")
	}
	const last = "region = \"ams\"\nos_id = 2284\nscript_id = \"two\"\nlabel = \"b\"\ntags = [\"x\"]\n"
	var steps []resource.TestStep
	// Each differs in one thing from the one before.
	for _, tt := range []struct {
		arguments string
		action    plancheck.ResourceActionType
	}{
		{"region = \"ewr\"\nos_id = 2136\nscript_id = \"one\"\nlabel = \"a\"\n", plancheck.ResourceActionCreate},
		{"region = \"ewr\"\nos_id = 2136\nscript_id = \"one\"\nlabel = \"b\"\n", plancheck.ResourceActionUpdate},
		{"region = \"ewr\"\nos_id = 2136\nscript_id = \"two\"\nlabel = \"b\"\n", plancheck.ResourceActionReplace},
		{"region = \"ams\"\nos_id = 2136\nscript_id = \"two\"\nlabel = \"b\"\n", plancheck.ResourceActionReplace},
		{"region = \"ams\"\nos_id = 2284\nscript_id = \"two\"\nlabel = \"b\"\n", plancheck.ResourceActionReplace},
		{last, plancheck.ResourceActionUpdate},
		{last + "user_data = \"#cloud-config\"\n", plancheck.ResourceActionReplace},
		{last + "user_data = \"#cloud-config\"\n", plancheck.ResourceActionNoop},
		{last + "hostname = \"box\"\n", plancheck.ResourceActionReplace},
		{last + "ssh_key_ids = [\"k\"]\n", plancheck.ResourceActionReplace},
	} {
		steps = append(steps, resource.TestStep{Config: config(tt.arguments), ConfigPlanChecks: resource.ConfigPlanChecks{
			PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("vultr_instance.box", tt.action)},
		}})
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: stubs(), Steps: steps})
	t.Run("nothing to make it from", func(t *testing.T) {
		resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: stubs(), Steps: []resource.TestStep{
			{Config: config("region = \"ewr\"\n"), ExpectError: regexp.MustCompile("0 are given")},
			{Config: config("region = \"ewr\"\nos_id = 1\nimage_id = \"docker\"\n"), ExpectError: regexp.MustCompile("2 are given")},
		}})
	})
}

func stubs() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){"vultr": providerserver.NewProtocol6WithError(stub{})}
}

// TestSchema needs no Terraform.
func TestSchema(t *testing.T) {
	server, err := stubs()["vultr"]()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schemas.Diagnostics) != 0 {
		t.Fatal(err, schemas.Diagnostics)
	}
	if len(schemas.ResourceSchemas) != 2 || schemas.ResourceSchemas["vultr_instance"] == nil || schemas.ResourceSchemas["vultr_startup_script"] == nil {
		t.Error("there is more than vultr_instance and vultr_startup_script, or not even that")
	}
}
