package vultr

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

var uuid = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
})

// ValidID checks that id is a UUID in lower case, as Vultr writes it. govultr
// puts an ID into the path as it is: an empty one would list the collection and
// "../instances/x" leave it.
//
// The error is an [*Error] of kind ErrInvalid. It does not quote id, which may
// be anything that was pasted into an import.
func ValidID(id string) error {
	if uuid().MatchString(id) {
		return nil
	}
	detail := fmt.Sprintf("a startup script's ID is a UUID such as cb676a46-66fd-4dfb-b839-443f2e6c0b60, and this is not one (%d bytes)", len(id))
	if uuid().MatchString(strings.ToLower(id)) {
		detail = "a startup script's ID is written in lower case"
	}
	return &Error{Kind: ErrInvalid, detail: detail}
}
