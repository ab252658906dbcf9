package sops

import (
	"math/rand/v2"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A text that is taken for ordinary is written as the encoder would write it, as a name, as
// a value and as an element.
func TestOrdinaryTexts(t *testing.T) {
	texts := []string{
		"NAME_1", "database-url", "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]", "ENC[]", "ENC[:]", "ENC[,]", "ENC[[[]", "ENC[a:]", "ENC[::]",
		"trueish", "falsey", "nullll", "yesyes", "e123456", "a_._-/", "Infinity", "x---...", strings.Repeat("n", 2000),
	}
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = "aEnN01_./-+=:,[]eExX"
	for range 20_000 {
		text := make([]byte, 1+random.IntN(12))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		texts = append(texts, string(text), "ENC["+string(text)+"]", "a"+string(text))
	}
	ordinary := 0
	for _, text := range texts {
		if !isOrdinary(text) {
			continue
		}
		ordinary++
		quick, err := scalarNode(text)
		if err != nil {
			t.Fatal(err)
		}
		tried := &yaml.Node{}
		if err := tried.Encode(text); err != nil {
			t.Fatal(err)
		}
		write := func(n *yaml.Node) string {
			out, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{n, {Kind: yaml.MappingNode, Content: []*yaml.Node{n, n}}}})
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
		if got, want := write(quick), write(tried); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
		var back []any
		if err := yaml.Unmarshal([]byte(write(quick)), &back); err != nil || back[0] != text {
			t.Errorf("%q comes back as %v, %v", text, back, err)
		}
	}
	if ordinary < 1000 {
		t.Errorf("only %d texts are ordinary", ordinary)
	}
}
