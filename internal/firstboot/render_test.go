package firstboot

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

func TestRenderRefuses(t *testing.T) {
	identity, other := newIdentity(t), newIdentity(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Params)
		index  int
		field  string
		want   string
	}{
		{"no files", func(p *Params) { p.Files = nil }, -1, "Files", "at least one"},
		{"name", func(p *Params) { p.Name = "a\nb" }, -1, "Name", "does not print"},
		{"long name", func(p *Params) { p.Name = strings.Repeat("n", 256) }, -1, "Name", "256 bytes"},
		{"no identity", func(p *Params) { p.Identity = secret.Text{} }, -1, "Identity", "AGE-SECRET-KEY-1"},
		{"two identities", func(p *Params) { p.Identity = secret.New(identity.String() + "\n" + other.String()) }, -1, "Identity", "nothing else"},
		{"line end", func(p *Params) { p.Identity = secret.New(identity.String() + "\n") }, -1, "Identity", "nothing else"},
		{"recipient for identity", func(p *Params) { p.Identity = secret.New(identity.Recipient().String()) }, -1, "Identity", "AGE-SECRET-KEY-1"},
		{"hybrid identity", func(p *Params) { p.Identity = secret.New(hybrid.String()) }, -1, "Identity", "X25519"},
		{"path", func(p *Params) { p.Files[1].Path = "x" }, 1, "Path", "relative"},
		{"same path", func(p *Params) { p.Files[1].Path = p.Files[0].Path }, 1, "Path", "also that of files[0]"},
		{"owner", func(p *Params) { p.Files[1].Owner = "" }, 1, "Owner", "is empty"},
		{"group", func(p *Params) { p.Files[1].Group = "-x" }, 1, "Group", "not the name of a group"},
		{"mode", func(p *Params) { p.Files[0].Mode = "755" }, 0, "Mode", "executable"},
		{"digest", func(p *Params) { p.Files[1].SourceDigest = strings.Repeat("A", 64) }, 1, "SourceDigest", "lower-case"},
		{"no payload", func(p *Params) { p.Files[1].Payload = nil }, 1, "Payload", "does not open"},
		{"sealed to another", func(p *Params) { p.Files[1].Payload = seal(t, canary, other.Recipient()) }, 1, "Payload", "does not open"},
		{"altered payload", func(p *Params) { p.Files[1].Payload[len(p.Files[1].Payload)-1] ^= 1 }, 1, "Payload", "does not open"},
		{"payload goes on", func(p *Params) { p.Files[1].Payload = append(p.Files[1].Payload, 0) }, 1, "Payload", "does not open"},
		{"plain payload", func(p *Params) { p.Files[1].Payload = []byte(canary) }, 1, "Payload", "does not open"},
		{"tar as a file", func(p *Params) { p.Files[1].Payload = seal(t, tarOf(t, someKeys), identity.Recipient()) }, 1, "Payload", "is a tar of one file for each key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Params{
				Files:    []File{fileOf(t, identity, "/a", canary), fileOf(t, identity, "/b", canary)},
				Identity: secret.New(identity.String()),
			}
			if _, err := Render(p); err != nil {
				t.Fatalf("unchanged: %v", err)
			}
			tt.change(&p)
			script, err := Render(p)
			var refused *ParamError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if refused.Index != tt.index || refused.Field != tt.field || !strings.Contains(refused.Problem, tt.want) {
				t.Errorf("got %+v, want %d, %s, %q", refused, tt.index, tt.field, tt.want)
			}
			if !script.IsEmpty() {
				t.Error("a script was given all the same")
			}
			if leak := leakIn(strings.ReplaceAll(err.Error(), "begins with AGE-SECRET-KEY-1", "")); leak != "" {
				t.Errorf("the error holds %s", leak)
			}
		})
	}
}

func TestRenderReportsEveryProblem(t *testing.T) {
	_, err := Render(Params{Files: []File{{Path: "x", Owner: "", Group: "root", Mode: "9"}}})
	for _, want := range []string{"files[0]: Path ", "files[0]: Owner ", "files[0]: Mode ", "Identity "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

func TestRenderIsDeterministic(t *testing.T) {
	identity := newIdentity(t)
	p := Params{
		Name:     "box",
		Files:    []File{fileOf(t, identity, "/a", canary), fileOf(t, identity, "/etc/b", canary)},
		Identity: secret.New(identity.String()),
	}
	first, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := Render(p)
		if err != nil || !again.Equal(first) {
			t.Fatalf("another script (%v)", err)
		}
	}
	text := first.Reveal()
	if !strings.HasPrefix(text, "#!/bin/sh\n# ageenv first boot, template "+TemplateVersion+".") {
		t.Errorf("it begins with %q", text[:60])
	}
	if leak := formOf(canary, text); leak != "" {
		t.Errorf("the script holds %s", leak)
	}
	if n := strings.Count(text, "AGE-SECRET-KEY-1"); n != 1 {
		t.Errorf("the identity is in the script %d times", n)
	}
	for i, line := range strings.Split(text, "\n") {
		// Nothing in base85 has a blank, though lines may begin as a comment does.
		if comment := strings.TrimSpace(line); i > 1 && strings.HasPrefix(comment, "# ") && !strings.HasPrefix(comment, "# shellcheck ") {
			t.Errorf("line %d is a comment: %s", i+1, line)
		}
	}
}

// What Terraform may hold on to must not show the identity.
func TestParamsDoNotShowTheIdentity(t *testing.T) {
	p := Params{Identity: secret.New(newIdentity(t).String())}
	for _, shown := range []string{fmt.Sprintf("%v", p), fmt.Sprintf("%+v", p), fmt.Sprintf("%#v", p)} {
		if leak := leakIn(shown); leak != "" {
			t.Errorf("%s: %s", leak, shown)
		}
	}
}

// The size is what plans are made by: a template that grows past these has to
// be looked at.
func TestScriptSize(t *testing.T) {
	identity := newIdentity(t)
	for _, tt := range []struct{ input, limit int }{{0, 54 << 10}, {1 << 10, 56 << 10}, {4 << 10, 59 << 10}} {
		f := fileOf(t, identity, "/etc/app/.env", strings.Repeat("x", tt.input))
		n := mustRender(t, identity, f).Len()
		t.Logf("input %d bytes, payload %d, script %d", tt.input, len(f.Payload), n)
		if n > tt.limit {
			t.Errorf("input of %d bytes: the script has %d, more than %d", tt.input, n, tt.limit)
		}
	}
}
