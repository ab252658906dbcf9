package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

const canary = "canary-in-plain"

func TestEveryRenderingIsRedacted(t *testing.T) {
	text := secret.New(canary)
	type holder struct {
		Exported   secret.Text
		unexported secret.Text
	}
	held := holder{text, text}

	var hcBuf, slogBuf bytes.Buffer
	hclog.New(&hclog.LoggerOptions{Output: &hcBuf, JSONFormat: true}).Info("m", "text", text, "held", held)
	slog.New(slog.NewJSONHandler(&slogBuf, nil)).Info("m", "text", text, "held", held)
	asJSON, err := json.Marshal(map[string]any{"text": text, "pointer": &text, "held": held, "list": []secret.Text{text}})
	if err != nil {
		t.Fatal(err)
	}

	renderings := map[string]string{"json": string(asJSON), "hclog": hcBuf.String(), "slog": slogBuf.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		renderings["text "+verb] = fmt.Sprintf(verb, text)
		renderings["pointer "+verb] = fmt.Sprintf(verb, &text)
		renderings["held "+verb] = fmt.Sprintf(verb, held)
		renderings["error "+verb] = fmt.Errorf("wrapped: "+verb, text).Error()
	}
	for name, got := range renderings {
		for _, leak := range []string{canary, fmt.Sprintf("%x", canary), canary[:3]} {
			if strings.Contains(strings.ToLower(got), leak) {
				t.Errorf("%s shows the text: %s", name, got)
			}
		}
	}
	if got := fmt.Sprint(text); got != secret.Redacted {
		t.Errorf("got %q, want %q", got, secret.Redacted)
	}
	if held.unexported.Reveal() != canary {
		t.Error("Reveal must give the plain text")
	}
}

func TestEqual(t *testing.T) {
	var zero secret.Text
	for _, tt := range []struct {
		name string
		a, b secret.Text
		want bool
	}{
		{"same", secret.New("a"), secret.New("a"), true},
		{"other", secret.New("a"), secret.New("b"), false},
		{"prefix", secret.New("a"), secret.New("ab"), false},
		{"zero and empty", zero, secret.New(""), true},
	} {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if !zero.IsEmpty() || secret.New("ab").Len() != 2 {
		t.Error("lengths are wrong")
	}
}
