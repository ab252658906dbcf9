// Package vultr manages the startup scripts of a Vultr account, over govultr.
//
// govultr builds the requests and parses the answers. This package decides
// everything that could lose, duplicate or misread a script:
//
//   - vultr.go, config.go: the [Client] and its settings
//   - script.go, list.go, id.go: reading, changing, deleting and listing scripts
//   - create.go, create_lock.go: creating one. Where the answer is lost, the script is
//     looked up by name and content, and adopted, before the POST is repeated
//   - shared_list.go: one list for all calls that look something up at the same time
//   - visibility.go: a script that was just created may not be found for some seconds
//   - placeholder.go: the script that replaces one whose secret was removed
//   - transport.go: the [http.RoundTripper] that all calls share. It sends the API key
//     to the configured host only, and refuses redirects
//   - pacer.go: the rate limiter, below the 30 requests a second that Vultr allows
//   - retry.go: which calls are retried, and when. A POST is repeated only if it had no
//     effect for certain; govultr's own retries are off, since they repeat every POST
//   - exchange.go, fault.go, errors.go: how a call ended, as an [Error]. govultr's errors
//     have no status, and quote the server's body, which may hold a script
//   - encoding.go: base64, which no other package sees
package vultr

import (
	"net"
	"net/http"
	"time"

	"github.com/vultr/govultr/v3"
)

// rateMargin is the share of the rate that is used. Delays on the way to the server
// vary, so calls sent at the exact rate can arrive too close together.
const rateMargin = 0.99

// Client talks to one account. It is safe for use by many goroutines, which
// share its rate.
type Client struct {
	api       *govultr.Client
	transport *transport
	base      *http.Transport

	creates creates
	lists   sharedLists
}

// New returns a client. It sends nothing: a wrong key fails at the first call.
// Its errors name the setting and never hold the key.
func New(c Config) (*Client, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	base := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 32,
		// Short: a POST on a connection that the server is closing is lost, with an
		// unknown outcome.
		IdleConnTimeout:        15 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	var next http.RoundTripper = base
	if c.Transport != nil {
		next = c.Transport
	}
	t := &transport{
		next:        next,
		key:         c.APIKey,
		host:        c.host(),
		pace:        newPacer(c.RequestsPerSecond),
		retries:     c.retries(),
		timeout:     c.Timeout,
		cancelGrace: cancelGrace, cancelLookup: cancelLookup,
		logger: c.Logger,
		now:    time.Now,
		sleep:  sleep,
		jitter: jitter,
	}
	api := govultr.NewClient(&http.Client{
		Transport: t,
		// A redirect is an answer like any other; its status says so.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	api.SetRetryLimit(0)
	api.SetUserAgent(c.UserAgent)
	if api.SetBaseURL(c.URL) != nil {
		return nil, errURL // cannot happen: withDefaults has parsed it
	}
	return &Client{api: api, transport: t, base: base}, nil
}

// CloseIdleConnections closes the connections that no call is using. The client can
// be used afterwards.
//
// The transport given to http.Client must not have this method: govultr's retry
// library calls it on every error, and would close connections that other goroutines
// are about to use.
func (c *Client) CloseIdleConnections() { c.base.CloseIdleConnections() }
