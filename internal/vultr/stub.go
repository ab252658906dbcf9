package vultr

import (
	_ "embed"
	"slices"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

//go:embed stub.sh
var stub string

// formerStubs are the digests of stubs that earlier versions have put into
// accounts. Whoever changes stub.sh adds its digest here.
var formerStubs []string

// Stub is what takes the place of a script whose secret was scrubbed. Booted, it
// fails and says why.
func Stub() secret.Text { return secret.New(stub) }

// IsStub reports whether a digest is that of a stub. A script that only looks like
// one is none: it might do anything.
func IsStub(digest string) bool {
	return digest == Digest(Stub()) || slices.Contains(formerStubs, digest)
}
