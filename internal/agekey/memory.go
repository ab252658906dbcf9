package agekey

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"sync"

	"filippo.io/age"

	"github.com/ageenv/terraform-provider-ageenv/internal/ageplugin"
	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// memory is what plugins have answered. A person is not asked twice for the same file in
// one run. A file key that it holds opens one file, as an identity in memory opens many,
// and is gone with the process.
type memory struct {
	mutex    sync.Mutex
	locks    map[digest]*sync.Mutex
	keys     map[question][]byte // whether they open anything or not
	failures map[question]error
}

// digest is that of the stanzas that are asked for.
type digest [sha256.Size]byte

// question is what a plugin of that name is asked.
type question struct {
	digest
	name string
}

func newMemory() *memory {
	return &memory{locks: map[digest]*sync.Mutex{}, keys: map[question][]byte{}, failures: map[question]error{}}
}

// digestOf is the digest of what is asked.
func digestOf(stanzas []*age.Stanza) (sum digest) {
	h := sha256.New()
	put := func(part []byte) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write(part)
	}
	for _, s := range stanzas {
		put([]byte(s.Type))
		put([]byte(strings.Join(s.Args, " ")))
		put(s.Body)
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

// lock lets one at a time ask a question. It returns what unlocks.
func (m *memory) lock(asked digest) (unlock func()) {
	m.mutex.Lock()
	one := m.locks[asked]
	if one == nil {
		one = &sync.Mutex{}
		m.locks[asked] = one
	}
	m.mutex.Unlock()
	one.Lock()
	return one.Unlock
}

// fileKey returns what a plugin has answered before.
func (m *memory) fileKey(q question) ([]byte, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	key, ok := m.keys[q]
	return key, ok
}

// unwrap asks a plugin, unless it has been asked the same before. Errors are
// ageplugin.ErrNoMatch and those that say what to do.
func (m *memory) unwrap(q question, ids []Identity, stanzas []*age.Stanza) ([]byte, error) {
	m.mutex.Lock()
	fileKey, failure := m.keys[q], m.failures[q]
	m.mutex.Unlock()
	if fileKey != nil || failure != nil {
		return fileKey, failure
	}
	texts := make([]secret.Text, len(ids))
	for i, id := range ids {
		texts[i] = id.text
	}
	fileKey, err := ageplugin.Unwrap(ids[0].plugin.ctx, q.name, texts, stanzas)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var fault *ageplugin.Error
	switch {
	case err == nil:
		m.keys[q] = fileKey
	case errors.As(err, &fault) && fault.Fault == ageplugin.Canceled:
	default:
		m.failures[q] = err
	}
	return fileKey, err
}
