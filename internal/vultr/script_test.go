package vultr

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

func TestScriptLifeAgainstTheSimulator(t *testing.T) {
	ctx := context.Background()
	sim, url := newSim(t)
	c, _ := newClient(t, url)
	const body = "#!/bin/sh\necho '<&>' ünï \x00\xff\n"

	made, err := c.CreateScript(ctx, "first <&>", secret.New(body))
	if err != nil {
		t.Fatal(err)
	}
	if made.Name != "first <&>" || made.Type != "boot" || made.Body.Reveal() != body || made.DateCreated == "" {
		t.Errorf("created %+v", made)
	}
	if got, err := sim.BootScript(made.ID); err != nil || string(got) != body {
		t.Errorf("a box gets %q, %v", got, err)
	}

	read := func() Script {
		t.Helper()
		got, err := c.GetScript(ctx, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(); got.ID != made.ID || got.Body.Reveal() != body || got.DateModified != made.DateModified {
		t.Errorf("read %+v", got)
	}

	name := "second"
	if err := c.UpdateScript(ctx, made.ID, ScriptUpdate{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Name != name || got.Body.Reveal() != body {
		t.Errorf("after a new name: %q, body kept: %v", got.Name, got.Body.Reveal() == body)
	}
	sim.Alter(made.ID, func(s *vultrsim.Script) { s.Type = "pxe" })
	changed := secret.New("#!/bin/sh\n")
	if err := c.UpdateScript(ctx, made.ID, ScriptUpdate{Body: &changed}); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Type != "pxe" {
		t.Errorf("the type was changed unasked to %q", got.Type)
	}
	if err := c.UpdateScript(ctx, made.ID, ScriptUpdate{Boot: true}); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Type != "boot" {
		t.Errorf("the type is still %q", got.Type)
	}
	if got := read(); got.Name != name || !got.Body.Equal(changed) {
		t.Errorf("after a new body: %q, %q", got.Name, got.Body.Reveal())
	}

	if err := c.DeleteScript(ctx, made.ID); err != nil {
		t.Error(err)
	}
	if err := c.DeleteScript(ctx, made.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("delete what is gone: %v", err)
	}
	if _, err := c.GetScript(ctx, made.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("read after delete: %v", err)
	}
	if err := c.UpdateScript(ctx, made.ID, ScriptUpdate{Body: &changed}); !errors.Is(err, ErrNotFound) {
		t.Errorf("update after delete: %v", err)
	}
}

func TestARevokedKeyIsNotGone(t *testing.T) {
	ctx := context.Background()
	sim, url := newSim(t)
	c, _ := newClient(t, url)
	made, err := c.CreateScript(ctx, "n", secret.New("x"))
	if err != nil {
		t.Fatal(err)
	}
	sim.RevokeAPIKey()
	_, err = c.GetScript(ctx, made.ID)
	if !errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrNotFound) {
		t.Errorf("read: %v", err)
	}
	if err := c.DeleteScript(ctx, made.ID); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("delete: %v", err)
	}
	for _, hint := range []string{"key", "revoked", "address", "access control"} {
		if !strings.Contains(err.Error(), hint) {
			t.Errorf("the error does not mention %q: %v", hint, err)
		}
	}
	sim.SetAPIKey(testKey)
	if _, err := c.GetScript(ctx, made.ID); err != nil {
		t.Errorf("with the key back: %v", err)
	}
}

// What someone else may have done to the base64.
func TestReadsEquivalentBase64(t *testing.T) {
	ctx := context.Background()
	sim, url := newSim(t)
	c, _ := newClient(t, url)
	const body = "#!/bin/sh\necho equivalent\n"
	encoded := base64.StdEncoding.EncodeToString([]byte(body))
	if !strings.HasSuffix(encoded, "=") {
		t.Fatal("the sample needs padding")
	}
	for _, tt := range []struct{ name, held, want string }{
		{"canonical", encoded, body},
		{"line breaks", encoded[:10] + "\n" + encoded[10:20] + "\r\n" + encoded[20:] + "\n", body},
		{"no padding", strings.TrimRight(encoded, "="), body},
		{"spaces", "  " + encoded + "\t", body},
		{"not base64", "#!/bin/sh\necho plain\n", "#!/bin/sh\necho plain\n"},
		{"cut inside a byte", "ZWNob", "ZWNob"},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			held := sim.Add("drifted", tt.held)
			got, err := c.GetScript(ctx, held.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Body.Reveal() != tt.want {
				t.Errorf("got %q, want %q", got.Body.Reveal(), tt.want)
			}
			if got.IsBoot() == (tt.want == tt.held && tt.held != "") {
				t.Errorf("is a boot script: %v", got.IsBoot())
			}
		})
	}
}

func TestRefusesBeforeSending(t *testing.T) {
	ctx := context.Background()
	sim, url := newSim(t)
	c, _ := newClient(t, url)
	empty, text := "", secret.New("x")
	emptyText := secret.New("")
	create := func(name string, body secret.Text) func() error {
		return func() error { _, err := c.CreateScript(ctx, name, body); return err }
	}
	update := func(u ScriptUpdate) func() error {
		return func() error { return c.UpdateScript(ctx, someID, u) }
	}
	for _, tt := range []struct {
		name string
		do   func() error
	}{
		{"create without a name", create("", text)},
		{"create with a blank name", create(" \t", text)},
		{"create with a line break in the name", create("a\nb", text)},
		{"create with invalid UTF-8", create("a\xff", text)},
		{"create without a body", create("n", secret.Text{})},
		{"update of nothing", update(ScriptUpdate{})},
		{"update to an empty name", update(ScriptUpdate{Name: &empty, Body: &text})},
		{"update to an empty body", update(ScriptUpdate{Body: &emptyText})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.do()
			var e *Error
			if !errors.Is(err, ErrInvalid) || !errors.As(err, &e) || e.Status != 0 {
				t.Errorf("got %v", err)
			}
		})
	}
	if n := len(sim.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestEveryIDIsChecked(t *testing.T) {
	ctx := context.Background()
	sim, url := newSim(t)
	c, _ := newClient(t, url)
	name := "n"
	for _, id := range []string{
		"", "../instances/x", "/", otherID + "/", otherID + "\n", " " + otherID, otherID + "?x", strings.ToUpper(otherID),
		"{" + otherID + "}", strings.ReplaceAll(otherID, "-", ""), otherID[:35] + "%", "pasted-canary-secret",
	} {
		_, readErr := c.GetScript(ctx, id)
		for op, err := range map[string]error{
			"read":   readErr,
			"update": c.UpdateScript(ctx, id, ScriptUpdate{Name: &name}),
			"delete": c.DeleteScript(ctx, id),
			"":       ValidID(id),
		} {
			var e *Error
			if !errors.Is(err, ErrInvalid) || !errors.As(err, &e) || e.Op != op {
				t.Errorf("%s %q: got %v", op, id, err)
			} else if len(id) > 4 && strings.Contains(err.Error(), strings.TrimSpace(id)) {
				t.Errorf("%s: the error quotes the ID: %v", op, err)
			}
		}
	}
	if n := len(sim.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if err := ValidID(otherID); err != nil {
		t.Errorf("a good ID: %v", err)
	}
	if err := ValidID(strings.ToUpper(otherID)); err == nil || !strings.Contains(err.Error(), "lower case") {
		t.Errorf("upper case: %v", err)
	}
}

func TestListGoesThroughAllPages(t *testing.T) {
	sim, url := newSim(t)
	c, _ := newClient(t, url)
	const n = 2*pageLength + 1
	want := map[string]bool{}
	for range n {
		want[sim.Add("n", "eA==").ID] = true
	}
	got, err := c.ListScripts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got {
		if !want[s.ID] {
			t.Errorf("listed twice or never made: %s", s.ID)
		}
		delete(want, s.ID)
		if !s.Body.IsEmpty() {
			t.Error("a list has no bodies")
		}
	}
	if len(want) != 0 || len(got) != n {
		t.Errorf("%d listed, %d missing", len(got), len(want))
	}
	if r := sim.Requests(); len(r) != 3 || r[0].Method != http.MethodGet {
		t.Errorf("%d requests for 3 pages", len(r))
	}
}

func TestListOfAnEmptyAccount(t *testing.T) {
	_, url := newSim(t)
	c, _ := newClient(t, url)
	if got, err := c.ListScripts(context.Background()); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
