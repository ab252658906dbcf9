package agekey

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/plugin"
	"filippo.io/age/tag"

	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Kinds of keys on hardware whose recipients age itself encrypts to: age1tag1…, and
// post-quantum age1tagpq1…. Their identities are those of a plugin.
const (
	Tag       Kind = "tagged (P-256, on hardware)"
	HybridTag Kind = "tagged post-quantum (ML-KEM-768 + P-256, on hardware)"
)

// Plugin returns the name of the plugin, without age-plugin-, whose keys are of this
// kind. It reports false for any other kind.
func (k Kind) Plugin() (name string, is bool) { return strings.CutPrefix(string(k), "age-plugin-") }

func pluginKind(name string) Kind { return Kind(ageplugin.Program(name)) }

// maxPluginName is the longest name of a plugin, in bytes.
const maxPluginName = 64

// parsePluginRecipient reads age1NAME1…, and age1tag1… and age1tagpq1…, for which no
// plugin is needed.
func parsePluginRecipient(s string) (Recipient, error) {
	name, _, err := plugin.ParseRecipient(s)
	if err != nil || len(name) > maxPluginName || strings.ToLower(name) != name {
		return Recipient{}, ErrMalformedRecipient
	}
	switch name {
	case "tag", "tagpq":
		r, err := tag.ParseRecipient(s)
		if err != nil {
			return Recipient{}, ErrMalformedRecipient
		}
		kind := Tag
		if r.Hybrid() {
			kind = HybridTag
		}
		return Recipient{age: r, text: r.String(), kind: kind}, nil
	}
	return Recipient{age: pluginRecipient{name: name, text: s}, text: s, kind: pluginKind(name)}, nil
}

// WithContext returns the recipient for work that ends with ctx: a plugin that is asked is then
// ended.
func (r Recipient) WithContext(ctx context.Context) Recipient {
	if p, ok := r.age.(pluginRecipient); ok {
		p.ctx = ctx
		r.age = p
	}
	return r
}

// pluginRecipient has a plugin wrap file keys.
type pluginRecipient struct {
	name, text string
	ctx        context.Context //nolint:containedctx // age's interface has no place for it
}

func (p pluginRecipient) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := p.WrapWithLabels(fileKey)
	return stanzas, err
}

func (p pluginRecipient) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	w, err := ageplugin.Wrap(p.ctx, p.name, p.text, fileKey)
	if err == nil && harmsOthers(w.Stanzas) {
		err = &ageplugin.Error{Name: p.name, Fault: ageplugin.Harmful}
	}
	return w.Stanzas, w.Labels, err
}

// harmsOthers reports whether stanzas that a plugin made keep age from opening the file
// with the identities of other recipients: age gives a file up at the first stanza of a
// kind that it knows and that is malformed. A passphrase's has to be the only one.
func harmsOthers(stanzas []*age.Stanza) bool {
	for _, s := range stanzas {
		if s.Type == "scrypt" || s.Type == "ssh-rsa" && len(s.Args) != 1 {
			return true
		}
	}
	for _, id := range strangers() {
		if _, err := id.Unwrap(stanzas); err == nil || !errors.Is(err, age.ErrIncorrectIdentity) {
			return true
		}
	}
	return false
}

// strangers are identities to which nothing is encrypted. One for ssh-rsa takes long to
// make.
var strangers = sync.OnceValue(func() (ids []age.Identity) {
	if id, err := age.GenerateX25519Identity(); err == nil {
		ids = append(ids, id)
	}
	if id, err := age.GenerateHybridIdentity(); err == nil {
		ids = append(ids, id)
	}
	if _, key, err := ed25519.GenerateKey(nil); err == nil {
		if id, err := agessh.NewEd25519Identity(key); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
})

// MissingPlugins returns the programs, each once, that encrypting to the recipients
// takes and that are not on PATH.
func MissingPlugins(recipients []Recipient) (programs []string) {
	for _, r := range recipients {
		name, is := r.kind.Plugin()
		if program := ageplugin.Program(name); is && !slices.Contains(programs, program) && !ageplugin.OnPath(name) {
			programs = append(programs, program)
		}
	}
	return programs
}

// pluginIdentity is what an identity of a plugin has in addition.
type pluginIdentity struct {
	name   string
	memory *memory
	ctx    context.Context //nolint:containedctx // as in pluginRecipient
	quiet  bool            // it is not asked: it opens only what it has opened before
}

// parsePluginIdentity reads AGE-PLUGIN-NAME-1…. The recipient is not in it: claimed are
// the recipients that comments name above it, of which one counts if it can be that of
// this plugin.
func parsePluginIdentity(line string, claimed []Recipient, m *memory) (Identity, error) {
	name, _, err := plugin.ParseIdentity(line)
	if err != nil || len(name) > maxPluginName {
		return Identity{}, errors.New("this is not a whole identity of an age plugin: it was cut off or altered")
	}
	id := Identity{text: secret.New(line), recipient: Recipient{kind: pluginKind(name)}, plugin: &pluginIdentity{name: name, memory: m}}
	fitting := slices.DeleteFunc(Union(claimed), func(r Recipient) bool {
		return r.kind != pluginKind(name) && r.kind != Tag && r.kind != HybridTag
	})
	if len(fitting) == 1 {
		id.recipient = fitting[0]
	}
	id.age = id
	return id, nil
}

// commentedRecipient reads a comment that names the recipient of the identity below it,
// as the programs that make key files write them. It reports false for any other.
func commentedRecipient(comment string) (Recipient, bool) {
	comment, isComment := strings.CutPrefix(comment, "#")
	label, text, found := strings.Cut(strings.TrimLeft(comment, "# \t"), ":")
	switch strings.ToLower(strings.TrimSpace(label)) {
	case "recipient", "public key":
		r, err := ParseRecipient(text)
		return r, isComment && found && err == nil
	}
	return Recipient{}, false
}

// Plugin returns the program of the plugin whose identity this is. It reports false for
// an identity that needs none.
func (i Identity) Plugin() (program string, is bool) {
	if i.plugin == nil {
		return "", false
	}
	return ageplugin.Program(i.plugin.name), true
}

// Unwrap asks the identity's plugin, for the age library.
func (i Identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if i.plugin == nil || i.plugin.quiet {
		return nil, age.ErrIncorrectIdentity
	}
	fileKey, err := ageplugin.Unwrap(i.plugin.ctx, i.plugin.name, []secret.Text{i.text}, stanzas)
	if errors.Is(err, ageplugin.ErrNoMatch) {
		return nil, age.ErrIncorrectIdentity
	}
	return fileKey, err
}

// withPlugin returns the identities with what change does to those of plugins.
func withPlugin(ids []Identity, change func(*pluginIdentity)) []Identity {
	changed := slices.Clone(ids)
	for i, id := range changed {
		if id.plugin != nil {
			p := *id.plugin
			change(&p)
			changed[i].plugin = &p
			changed[i].age = changed[i]
		}
	}
	return changed
}

// WithContext returns the identities for work that ends with ctx: a plugin that is asked is then
// ended.
func WithContext(ctx context.Context, ids []Identity) []Identity {
	return withPlugin(ids, func(p *pluginIdentity) { p.ctx = ctx })
}

// WithoutPluginCalls returns the identities for work that is not worth a touch: no plugin is
// asked. What plugins have opened before, they still open.
func WithoutPluginCalls(ids []Identity) []Identity {
	return withPlugin(ids, func(p *pluginIdentity) { p.quiet = true })
}

// MayAsk reports whether to open a file with the identities may ask a plugin.
func MayAsk(ids []Identity) bool {
	return slices.ContainsFunc(ids, func(id Identity) bool { return id.plugin != nil && !id.plugin.quiet })
}

// WithContext returns the keyring for work that ends with ctx: see WithContext.
func (k Keyring) WithContext(ctx context.Context) Keyring {
	k.Identities, k.Dedicated = WithContext(ctx, k.Identities), WithContext(ctx, k.Dedicated)
	return k
}

// PluginsOfUnknownRecipient returns the programs, each once, of the plugins that the identities
// belong to whose recipient is not known.
func PluginsOfUnknownRecipient(ids []Identity) (programs []string) {
	for _, id := range ids {
		if program, is := id.Plugin(); is && id.recipient.text == "" && !slices.Contains(programs, program) {
			programs = append(programs, program)
		}
	}
	return programs
}

// PluginsFor returns the programs on PATH, each once, of those plugins that may open
// what is encrypted to the recipients: one of theirs is among them, or is not known.
func PluginsFor(ids []Identity, recipients []string) (programs []string) {
	for _, id := range ids {
		program, is := id.Plugin()
		if is && (id.recipient.text == "" || slices.Contains(recipients, id.recipient.text)) && !slices.Contains(programs, program) && ageplugin.OnPath(id.plugin.name) {
			programs = append(programs, program)
		}
	}
	return programs
}
