package provider_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

type loggers struct{}

// The framework keeps a context of every call until the provider stops. What the
// plugin library has put into it, 14 KB of loggers, must not be kept with it, unless
// there is a log to write.
func TestCallsKeepNoMemory(t *testing.T) {
	const calls, each = 300, 64 << 10
	for name, kept := range map[string]bool{"TF_LOG_PROVIDER": true, "NO_LOG": false} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "TRACE")
			u := newUnitServer(t, nil)
			key := u.value(u.schemas.ResourceSchemas["ageenv_key"], nil)
			before := heap()
			for range calls {
				resp, err := u.server.ValidateResourceConfig(context.WithValue(t.Context(), loggers{}, make([]byte, each)),
					&tfprotov6.ValidateResourceConfigRequest{TypeName: "ageenv_key", Config: key})
				if err != nil || len(resp.Diagnostics) > 0 {
					t.Fatal(err, unitText(resp.Diagnostics))
				}
			}
			if grown := heap() - before; grown > calls*each/2 != kept {
				t.Errorf("%d calls keep %d bytes", calls, grown)
			}
			runtime.KeepAlive(u)
		})
	}
}

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A call ends with Terraform's, and with the provider's stop.
func TestCallsAreCancelled(t *testing.T) {
	asked := make(chan struct{}, 9)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer api.Close()
	for name, end := range map[string]func(cancel context.CancelFunc, u *unitServer){
		"by Terraform": func(cancel context.CancelFunc, _ *unitServer) { cancel() },
		"by a stop": func(_ context.CancelFunc, u *unitServer) {
			if _, err := u.server.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{}); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnitServer(t, map[string]string{"VULTR_API_KEY": "key-of-the-test", "VULTR_API_URL": api.URL})
			if d := u.configure("1.11.4", nil); len(d) > 0 {
				t.Fatal(unitText(d))
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = u.server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
					TypeName:     "ageenv_vultr_startup_script",
					CurrentState: u.value(u.schemas.ResourceSchemas["ageenv_vultr_startup_script"], map[string]any{"id": "6b949c08-a9f0-420a-b59d-b7d4ccf38c0b"}),
				})
			}()
			<-asked
			end(cancel, u)
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Error("the call goes on")
			}
		})
	}
}
