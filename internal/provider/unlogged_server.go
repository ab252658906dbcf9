package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// unlogged is a server that hands calls to the framework without the context that
// the plugin library made for them. That one holds the library's loggers, 14 KB for
// each call, and the framework keeps a context that was derived from it until the
// provider stops: at 5,000 bundles most of the provider's memory, which the garbage
// collector reads again and again. It is used where nobody asked for a log.
//
// Calls that Terraform makes once in a run, and streams, which outlive their call,
// keep their context.
type unlogged struct {
	frameworkServer
}

// bare makes a call under a context without values, which is cancelled with ctx and
// when the call returns.
func bare[Request, Response any](ctx context.Context, call func(context.Context, Request) (Response, error), req Request) (Response, error) {
	fresh, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	return call(fresh, req) //nolint:contextcheck // without its values, on purpose: see unlogged
}

func (s unlogged) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return bare(ctx, s.frameworkServer.ValidateResourceConfig, req)
}

func (s unlogged) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return bare(ctx, s.frameworkServer.UpgradeResourceState, req)
}

func (s unlogged) UpgradeResourceIdentity(ctx context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return bare(ctx, s.frameworkServer.UpgradeResourceIdentity, req)
}

func (s unlogged) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return bare(ctx, s.frameworkServer.ReadResource, req)
}

func (s unlogged) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return bare(ctx, s.frameworkServer.PlanResourceChange, req)
}

func (s unlogged) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return bare(ctx, s.frameworkServer.ApplyResourceChange, req)
}

func (s unlogged) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	return bare(ctx, s.frameworkServer.ImportResourceState, req)
}

func (s unlogged) MoveResourceState(ctx context.Context, req *tfprotov6.MoveResourceStateRequest) (*tfprotov6.MoveResourceStateResponse, error) {
	return bare(ctx, s.frameworkServer.MoveResourceState, req)
}

func (s unlogged) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return bare(ctx, s.frameworkServer.ValidateDataResourceConfig, req)
}

func (s unlogged) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return bare(ctx, s.frameworkServer.ReadDataSource, req)
}

func (s unlogged) ValidateEphemeralResourceConfig(ctx context.Context, req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	return bare(ctx, s.frameworkServer.ValidateEphemeralResourceConfig, req)
}

func (s unlogged) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	return bare(ctx, s.frameworkServer.OpenEphemeralResource, req)
}

func (s unlogged) CloseEphemeralResource(ctx context.Context, req *tfprotov6.CloseEphemeralResourceRequest) (*tfprotov6.CloseEphemeralResourceResponse, error) {
	return bare(ctx, s.frameworkServer.CloseEphemeralResource, req)
}

func (s unlogged) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	return bare(ctx, s.frameworkServer.CallFunction, req)
}
