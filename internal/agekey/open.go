package agekey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Open decrypts an age file, armored or binary. Nothing is returned unless all of
// it is authentic. Errors are ErrNoMatch, ErrCorrupt or ErrTooLarge. One of a plugin
// that failed is of kind ErrNoMatch, and says what to do: see PluginFailed.
func Open(sealed string, ids []Identity) (secret.Text, error) {
	return OpenFirst([]string{sealed}, ids, nil)
}

// OpenFirst opens the first of several age files that one of the identities opens and
// whose content is accepted; without accept, any is. Identities that ask nobody are
// tried first, on all files. Then each plugin is asked, once for all files together.
// Errors are those of Open.
func OpenFirst(files []string, ids []Identity, accept func(secret.Text) bool) (secret.Text, error) {
	o := opening{accept: accept, failure: ErrNoMatch}
	if len(ids) == 0 {
		return secret.Text{}, ErrNoMatch
	}
	var closed []closedFile
	for _, sealed := range files {
		file, plain, opened := o.try(sealed, ids)
		if opened {
			return plain, nil
		}
		if file.stanzas != nil {
			closed = append(closed, file)
		}
	}
	if plain, opened := o.ask(closed, ids); opened {
		return plain, nil
	}
	return secret.Text{}, o.failure
}

// closedFile is a file that no identity opened without asking.
type closedFile struct {
	sealed  string
	stanzas []*age.Stanza
}

// opening is one attempt to open some files.
type opening struct {
	accept  func(secret.Text) bool
	failure error
}

// stanzasOf is an identity that opens nothing and keeps the stanzas.
type stanzasOf struct{ stanzas *[]*age.Stanza }

func (s stanzasOf) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	*s.stanzas = stanzas
	return nil, age.ErrIncorrectIdentity
}

// try opens a file with the identities that ask nobody.
func (o *opening) try(sealed string, ids []Identity) (file closedFile, plain secret.Text, opened bool) {
	file.sealed = sealed
	with := []age.Identity{stanzasOf{&file.stanzas}}
	for _, id := range ids {
		if id.plugin == nil {
			with = append(with, id.age)
		}
	}
	plain, err := decrypt(sealed, with...)
	if err == nil && (o.accept == nil || o.accept(plain)) {
		return file, plain, true
	}
	if !errors.Is(err, ErrNoMatch) {
		file.stanzas = nil // it is not for plugins either
		if o.failure = ErrCorrupt; errors.Is(err, ErrTooLarge) {
			o.failure = err
		}
	}
	return file, secret.Text{}, false
}

// ask opens one of the files with the plugins' identities, with what they have answered
// before first.
func (o *opening) ask(files []closedFile, ids []Identity) (plain secret.Text, opened bool) {
	names, byName := ofPlugins(ids)
	if len(names) == 0 || len(files) == 0 {
		return plain, false
	}
	var stanzas []*age.Stanza
	for _, file := range files {
		stanzas = append(stanzas, file.stanzas...)
	}
	m := byName[names[0]][0].plugin.memory
	sum := digestOf(stanzas)
	defer m.lock(sum)() // who asks the same meanwhile finds the answer
	for _, name := range names {
		if fileKey, ok := m.fileKey(question{sum, name}); ok {
			if plain, opened = o.with(fileKey, files); opened {
				return plain, true
			}
		}
	}
	var failures []error
	for _, name := range names {
		asked := slices.DeleteFunc(byName[name], func(id Identity) bool { return id.plugin.quiet })
		if len(asked) == 0 {
			continue
		}
		fileKey, err := m.unwrap(question{sum, name}, asked, stanzas)
		if err == nil {
			if plain, opened = o.with(fileKey, files); opened {
				return plain, true
			}
			// Another file with these stanzas may be unaltered, so the key stays known.
			err = fmt.Errorf("the program %s gave a key that does not open it: the file was altered, or the plugin is at fault", ageplugin.Program(name))
		}
		if !errors.Is(err, ageplugin.ErrNoMatch) {
			failures = append(failures, err)
		}
	}
	if len(failures) > 0 {
		o.failure = pluginFailure{failures}
	}
	return plain, false
}

// ofPlugins returns the identities of plugins by the plugins' names, and the names in
// order. Each identity is there once: a key file is often found in two places, and its
// plugin would ask its user twice.
func ofPlugins(ids []Identity) (names []string, byName map[string][]Identity) {
	byName = map[string][]Identity{}
	for _, id := range ids {
		if id.plugin == nil {
			continue
		}
		name := id.plugin.name
		if byName[name] == nil {
			names = append(names, name)
		}
		if !slices.ContainsFunc(byName[name], func(other Identity) bool { return other.text.Reveal() == id.text.Reveal() }) {
			byName[name] = append(byName[name], id)
		}
	}
	return names, byName
}

// with opens the file that a file key belongs to.
func (o *opening) with(fileKey []byte, files []closedFile) (plain secret.Text, opened bool) {
	for _, file := range files {
		plain, err := decrypt(file.sealed, age.NewInjectedFileKeyIdentity(fileKey))
		if err == nil && (o.accept == nil || o.accept(plain)) {
			return plain, true
		}
	}
	return secret.Text{}, false
}

// pluginFailure says which plugins failed. Nothing here opens the file because of that.
type pluginFailure struct{ failures []error }

func (e pluginFailure) Error() string {
	texts := make([]string, len(e.failures))
	for i, failure := range e.failures {
		texts[i] = failure.Error()
	}
	return strings.Join(texts, "; ")
}

func (pluginFailure) Is(target error) bool { return target == ErrNoMatch }

func (e pluginFailure) Unwrap() []error { return e.failures }

// PluginFailed reports whether an error of Open is that of a plugin which did not
// answer. Its text says why and what to do.
func PluginFailed(err error) bool {
	var failure pluginFailure
	return errors.As(err, &failure)
}

// decrypt opens a file with age. Errors are ErrNoMatch, ErrCorrupt or ErrTooLarge.
func decrypt(sealed string, with ...age.Identity) (secret.Text, error) {
	in, err := unarmored(sealed)
	if err != nil {
		return secret.Text{}, err
	}
	r, err := age.Decrypt(in, with...)
	if err != nil {
		var noMatch *age.NoIdentityMatchError
		if errors.As(err, &noMatch) {
			return secret.Text{}, ErrNoMatch
		}
		return secret.Text{}, ErrCorrupt
	}
	size := len(sealed)
	if IsArmored(sealed) {
		size = base64.StdEncoding.DecodedLen(size)
	}
	var plain strings.Builder
	plain.Grow(size)
	if _, err := io.CopyBuffer(&plain, r, make([]byte, min(size, chunk)+1)); err != nil {
		return secret.Text{}, ErrCorrupt
	}
	return secret.New(plain.String()), nil
}
