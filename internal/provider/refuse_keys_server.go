package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/ageenv/terraform-provider-ageenv/internal/agekey"
	"github.com/ageenv/terraform-provider-ageenv/internal/process"
)

// frameworkServer is what the framework's server does, with all that it serves.
type frameworkServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer
	tfprotov6.ListResourceServer
}

// keyRefuser is a server that refuses private keys in front of the framework's.
type keyRefuser struct {
	frameworkServer
}

// NewServer serves the provider: requests with a private key in the wrong place are
// refused, and all others handed to the framework.
func NewServer(p provider.Provider) tfprotov6.ProviderServer {
	server := providerserver.NewProtocol6(p)()
	whole, ok := server.(frameworkServer)
	if !ok {
		panic("the framework's server lacks a part of the protocol") // at the start of every test
	}
	if !process.LogsWanted() {
		whole = unlogged{whole}
	}
	return keyRefuser{whole}
}

func (s keyRefuser) ValidateProviderConfig(ctx context.Context, req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	if found := s.refuse(ctx, providerConfig, req.Config, providerSchema); found != nil {
		return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: req.Config, Diagnostics: found}, nil
	}
	return s.frameworkServer.ValidateProviderConfig(ctx, req)
}

func (s keyRefuser) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	if found := s.refuse(ctx, providerConfig, req.Config, providerSchema); found != nil {
		return &tfprotov6.ConfigureProviderResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ConfigureProvider(ctx, req)
}

func providerSchema(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema { return all.Provider }

// refuseResource is refuse for a managed resource.
func (s keyRefuser) refuseResource(ctx context.Context, name string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	return s.refuse(ctx, name, config, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema { return all.ResourceSchemas[name] })
}

func (s keyRefuser) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	if found := s.refuseResource(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ValidateResourceConfigResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ValidateResourceConfig(ctx, req)
}

func (s keyRefuser) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if found := s.refuseResource(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.PriorState, PlannedPrivate: req.PriorPrivate, Diagnostics: found}, nil
	}
	return s.frameworkServer.PlanResourceChange(ctx, req)
}

// ApplyResourceChange sees what was not known at the plan.
func (s keyRefuser) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	if found := s.refuseResource(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ApplyResourceChangeResponse{NewState: req.PriorState, Private: req.PlannedPrivate, Diagnostics: found}, nil
	}
	return s.frameworkServer.ApplyResourceChange(ctx, req)
}

func (s keyRefuser) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	if agekey.ContainsPrivateKey(req.ID) {
		return &tfprotov6.ImportResourceStateResponse{Diagnostics: []*tfprotov6.Diagnostic{refusedKey(req.TypeName, "the import ID")}}, nil
	}
	if req.Identity != nil && mayHoldKey(req.Identity.IdentityData) {
		return &tfprotov6.ImportResourceStateResponse{Diagnostics: []*tfprotov6.Diagnostic{refusedKey(req.TypeName, "the identity to import")}}, nil
	}
	return s.frameworkServer.ImportResourceState(ctx, req)
}

func (s keyRefuser) refuseData(ctx context.Context, name string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	return s.refuse(ctx, "data "+name, config, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema { return all.DataSourceSchemas[name] })
}

func (s keyRefuser) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	if found := s.refuseData(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ValidateDataResourceConfigResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ValidateDataResourceConfig(ctx, req)
}

func (s keyRefuser) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	if found := s.refuseData(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ReadDataSourceResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ReadDataSource(ctx, req)
}

func (s keyRefuser) refuseEphemeral(ctx context.Context, name string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	return s.refuse(ctx, "ephemeral "+name, config, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
		return all.EphemeralResourceSchemas[name]
	})
}

func (s keyRefuser) ValidateEphemeralResourceConfig(ctx context.Context, req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	if found := s.refuseEphemeral(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ValidateEphemeralResourceConfigResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ValidateEphemeralResourceConfig(ctx, req)
}

func (s keyRefuser) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	if found := s.refuseEphemeral(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.OpenEphemeralResourceResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.OpenEphemeralResource(ctx, req)
}

func (s keyRefuser) refuseAction(ctx context.Context, name string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	return s.refuse(ctx, "action "+name, config, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema {
		if action := all.ActionSchemas[name]; action != nil {
			return action.Schema
		}
		return nil
	})
}

func (s keyRefuser) ValidateActionConfig(ctx context.Context, req *tfprotov6.ValidateActionConfigRequest) (*tfprotov6.ValidateActionConfigResponse, error) {
	if found := s.refuseAction(ctx, req.ActionType, req.Config); found != nil {
		return &tfprotov6.ValidateActionConfigResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ValidateActionConfig(ctx, req)
}

func (s keyRefuser) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	if found := s.refuseAction(ctx, req.ActionType, req.Config); found != nil {
		return &tfprotov6.PlanActionResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.PlanAction(ctx, req)
}

func (s keyRefuser) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	if found := s.refuseAction(ctx, req.ActionType, req.Config); found != nil {
		return &tfprotov6.InvokeActionServerStream{Events: func(yield func(tfprotov6.InvokeActionEvent) bool) {
			yield(tfprotov6.InvokeActionEvent{Type: tfprotov6.CompletedInvokeActionEventType{Diagnostics: found}})
		}}, nil
	}
	return s.frameworkServer.InvokeAction(ctx, req)
}

func (s keyRefuser) refuseList(ctx context.Context, name string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	return s.refuse(ctx, "list "+name, config, func(all *tfprotov6.GetProviderSchemaResponse) *tfprotov6.Schema { return all.ListResourceSchemas[name] })
}

func (s keyRefuser) ValidateListResourceConfig(ctx context.Context, req *tfprotov6.ValidateListResourceConfigRequest) (*tfprotov6.ValidateListResourceConfigResponse, error) {
	if found := s.refuseList(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ValidateListResourceConfigResponse{Diagnostics: found}, nil
	}
	return s.frameworkServer.ValidateListResourceConfig(ctx, req)
}

func (s keyRefuser) ListResource(ctx context.Context, req *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	if found := s.refuseList(ctx, req.TypeName, req.Config); found != nil {
		return &tfprotov6.ListResourceServerStream{Results: func(yield func(tfprotov6.ListResourceResult) bool) {
			yield(tfprotov6.ListResourceResult{Diagnostics: found})
		}}, nil
	}
	return s.frameworkServer.ListResource(ctx, req)
}

// CallFunction names the argument in its text only: Terraform would print what is
// given for it.
func (s keyRefuser) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	for i, argument := range req.Arguments {
		if at, found := s.keyInArgument(ctx, req.Name, i, argument); found {
			detail := refusedKey("the function "+req.Name, at).Detail
			return &tfprotov6.CallFunctionResponse{Error: &tfprotov6.FunctionError{Text: strings.TrimSuffix(detail, ".")}}, nil // Terraform adds the full stop
		}
	}
	return s.frameworkServer.CallFunction(ctx, req)
}

// keyInArgument returns where in the i-th argument of a function a private key is.
func (s keyRefuser) keyInArgument(ctx context.Context, function string, i int, argument *tfprotov6.DynamicValue) (place string, found bool) {
	if !mayHoldKey(argument) {
		return "", false
	}
	functions, err := s.GetFunctions(ctx, &tfprotov6.GetFunctionsRequest{})
	if err != nil || functions.Functions[function] == nil {
		return "", false // the framework says what is wrong with the request
	}
	parameter := functions.Functions[function].VariadicParameter
	if parameters := functions.Functions[function].Parameters; i < len(parameters) {
		parameter = parameters[i]
	}
	if parameter == nil {
		return "", false // as above
	}
	value, err := argument.Unmarshal(parameter.Type)
	if err != nil {
		return "", false // as above
	}
	places := placesOfKeys(value, parameter.Name, nil)
	if len(places) == 0 {
		return "", false
	}
	return places[0], true
}
