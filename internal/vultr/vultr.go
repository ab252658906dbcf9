// Package vultr keeps startup scripts in a Vultr account, over govultr.
//
// govultr builds the requests and reads the answers. Everything that decides
// whether a script is lost, doubled or read wrongly is done here: below it, in
// one [http.RoundTripper] that all calls of a [Client] share, and for creates above
// it:
//
//   - one limiter, under the 30 requests a second that Vultr grants an address;
//   - retries with jittered back-off, where repeating cannot do harm: a POST is
//     repeated only if it had no effect for certain (govultr's own retries are
//     off: they repeat every POST, and an answer that was lost becomes a second
//     script);
//   - creates whose answer was lost: what they made is looked for by name and
//     content, and adopted, before the POST is repeated or given up (create.go);
//   - statuses, taken from the response: govultr's errors have none, and their
//     text embeds the server's body, which may echo a script. That text goes
//     nowhere; what callers get is an [Error];
//   - refusals (a 401, a redirect) in the midst of a run that went well, which are
//     asked about once more before they are believed;
//   - the API key, which is sent to the configured host only: redirects are
//     refused.
//
// Base64 ends here: a [Script] has the body in plain.
package vultr

import (
	"net"
	"net/http"
	"time"

	"github.com/vultr/govultr/v3"
)

// pacing is how much of the rate is used. The way to the server takes now more,
// now less time: of calls that left in time, one too many arrives within a second.
const pacing = 0.99

// Client talks to one account. It is safe for use by many goroutines, which
// share its rate.
type Client struct {
	api  *govultr.Client
	wire *transport
	base *http.Transport

	creates creates
	lists   lists
}

// New returns a client. It sends nothing: a wrong key shows at the first call.
// Its errors name the setting, and never the key.
func New(c Config) (*Client, error) {
	c, err := c.settled()
	if err != nil {
		return nil, err
	}
	base := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 32,
		// Short: a POST that goes out on a connection which the server is just
		// closing is lost, with an unknown outcome.
		IdleConnTimeout:        15 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	var next http.RoundTripper = base
	if c.Transport != nil {
		next = c.Transport
	}
	wire := &transport{
		next:    next,
		key:     c.APIKey,
		host:    c.host(),
		pace:    newPacer(c.RequestsPerSecond),
		retries: c.retries(),
		timeout: c.Timeout,
		grace:   stopGrace, stopLook: stopLook,
		logger: c.Logger,
		now:    time.Now,
		sleep:  sleep,
		jitter: jitter,
	}
	api := govultr.NewClient(&http.Client{
		Transport: wire,
		// The redirect itself is the answer; its status tells.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	api.SetRetryLimit(0)
	api.SetUserAgent(c.UserAgent)
	if api.SetBaseURL(c.URL) != nil {
		return nil, errURL // cannot be: settled has parsed it
	}
	return &Client{api: api, wire: wire, base: base}, nil
}

// CloseIdleConnections ends the connections that no call is using, and their
// goroutines. The client can be used afterwards.
//
// The transport given to http.Client must not have this method: govultr's
// retry library calls it on every error, and would close what other
// goroutines are about to use.
func (c *Client) CloseIdleConnections() { c.base.CloseIdleConnections() }
