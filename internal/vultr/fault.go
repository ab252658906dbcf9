package vultr

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// fault is why an attempt has no complete answer. Its reason is written here:
// the text of net/http's errors can quote what the server sent.
type fault struct {
	kind   error
	reason string
	// permanent faults are not cured by another attempt.
	permanent bool
}

var errTooLong = errors.New("the answer is too long")

// notJSON is a success that something else than the API has announced. Where
// repeating does no harm the call is repeated: a portal or a proxy that is being
// restarted goes away.
var notJSON = &fault{kind: ErrBadResponse, reason: "the answer is not JSON: check that the API URL is Vultr's, and that no proxy or portal answers in its place"}

// faultOf describes an error of net/http. timeout is that of the attempt.
func faultOf(err error, timeout time.Duration) *fault {
	var (
		untrusted *tls.CertificateVerificationError
		notTLS    tls.RecordHeaderError
		name      *net.DNSError
		number    syscall.Errno
		network   net.Error
	)
	switch {
	case errors.Is(err, errTooLong):
		return &fault{ErrBadResponse, fmt.Sprintf("the answer is longer than %d bytes", maxAnswer), true}
	case errors.As(err, &untrusted):
		return &fault{ErrUnavailable, "the server's TLS certificate is not valid for this host, or is not trusted on this machine", true}
	case errors.As(err, &notTLS):
		return &fault{ErrUnavailable, "the server does not speak TLS on this port", true}
	case errors.As(err, &name):
		return &fault{kind: ErrUnavailable, reason: "the host name cannot be resolved: check the API URL, DNS and proxy settings"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return &fault{kind: ErrUnavailable, reason: fmt.Sprintf("no complete answer within %s", timeout)}
	case errors.As(err, &number):
		return &fault{kind: ErrUnavailable, reason: number.Error()} // the kernel's words
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &fault{kind: ErrUnavailable, reason: "the connection was closed before the answer was complete"}
	}
	return &fault{kind: ErrUnavailable, reason: "the connection failed or was closed before the answer was complete"}
}
