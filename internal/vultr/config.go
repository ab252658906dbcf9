package vultr

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// Defaults and bounds of [Config].
const (
	DefaultURL               = "https://api.vultr.com"
	DefaultRequestsPerSecond = 20
	MinRequestsPerSecond     = 0.1
	// MaxRequestsPerSecond is what Vultr grants one source address. A loopback
	// URL is a simulator and may be asked for more.
	MaxRequestsPerSecond         = 30
	MaxLoopbackRequestsPerSecond = 10_000
	DefaultMaxRetries            = 4
	MaxMaxRetries                = 10
	DefaultTimeout               = 30 * time.Second
	MaxTimeout                   = 10 * time.Minute
	DefaultUserAgent             = "terraform-provider-ageenv"
)

// NoRetries as Config.MaxRetries turns retries off; 0 is the default there.
const NoRetries = -1

// Config is what a [Client] needs. Zero values stand for the defaults; only
// APIKey has none.
type Config struct {
	// APIKey is printable ASCII without spaces.
	APIKey secret.Text
	// URL has a scheme, a host and perhaps a port. http is accepted for
	// loopback hosts only, since the key travels in it.
	URL string
	// RequestsPerSecond is the rate of all calls together, retries included,
	// from MinRequestsPerSecond to MaxRequestsPerSecond. There are no bursts.
	RequestsPerSecond float64
	// MaxRetries is how often one call is repeated after its first attempt, at
	// most MaxMaxRetries.
	MaxRetries int
	// Timeout bounds one attempt, from connecting to the last byte of the
	// answer. Waiting for the limiter or between attempts does not count: the
	// context bounds the whole.
	Timeout time.Duration
	// Logger gets a debug line for each attempt, without bodies, queries and
	// keys. Nil logs nothing.
	Logger hclog.Logger
	// UserAgent is sent with each request.
	UserAgent string
	// Transport takes the place of the network, in tests.
	Transport http.RoundTripper
}

// ConfigError is a field of [Config] that can't be used.
type ConfigError struct {
	Field   string // of Config
	Problem string
}

func (e *ConfigError) Error() string { return "vultr: " + e.Problem }

func badField(field, format string, args ...any) error {
	return &ConfigError{field, fmt.Sprintf(format, args...)}
}

func badURL(problem string) error { return badField("URL", "%s", problem) }

var errURL = badURL("the API URL must have the form https://host or https://host:port")

// settled returns c with the defaults filled in, or says all that is wrong: several
// problems are one error, joined.
func (c Config) withDefaults() (Config, error) {
	if c.URL == "" {
		c.URL = DefaultURL
	}
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = DefaultRequestsPerSecond
	}
	if c.MaxRetries == 0 {
		c.MaxRetries = DefaultMaxRetries
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.UserAgent == "" {
		c.UserAgent = DefaultUserAgent
	}

	loopback, err := checkURL(c.URL)
	problems := []error{checkKey(c.APIKey), err}
	highest := float64(MaxRequestsPerSecond)
	if loopback {
		highest = MaxLoopbackRequestsPerSecond
	}
	// Written so that NaN fails too.
	if !(c.RequestsPerSecond >= MinRequestsPerSecond && c.RequestsPerSecond <= highest) {
		problems = append(problems, badField("RequestsPerSecond", "requests per second must be from %v to %v", MinRequestsPerSecond, highest))
	}
	if c.MaxRetries < NoRetries || c.MaxRetries > MaxMaxRetries {
		problems = append(problems, badField("MaxRetries", "the number of retries must be from 0 to %d", MaxMaxRetries))
	}
	if c.Timeout < 0 || c.Timeout > MaxTimeout {
		problems = append(problems, badField("Timeout", "the timeout of a request must be above 0 and at most %s", MaxTimeout))
	}
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		problems = append(problems, badField("UserAgent", "the user agent must be printable ASCII"))
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (c Config) retries() int { return max(c.MaxRetries, 0) }

// host is where the key may be sent to; settled has checked that URL parses.
func (c Config) host() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

func checkKey(key secret.Text) error {
	if key.IsEmpty() {
		return badField("APIKey", "the API key is empty")
	}
	if strings.ContainsFunc(key.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return badField("APIKey", "the API key holds white space, a control character or a letter outside ASCII; "+
			"a key that was read from a file often ends in a line break")
	}
	return nil
}

// checkURL reports whether the URL's host is this machine. The URL is not
// quoted in errors, because it may hold a password.
func checkURL(text string) (loopback bool, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return false, errURL
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false, badURL("the port in the API URL must be from 1 to 65535")
		}
	}
	switch {
	case u.User != nil:
		return false, badURL("the API URL must not hold a user or password")
	case u.Path != "" && u.Path != "/":
		return false, badURL("the API URL must not have a path: the client library would drop it silently; give scheme, host and port only")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return false, badURL("the API URL must not have a query or fragment")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback = u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	switch {
	case u.Scheme == "https", u.Scheme == "http" && loopback:
		return loopback, nil
	case u.Scheme == "http":
		return false, badURL("the API URL must use https: the API key would travel in clear; http is for loopback hosts only")
	}
	return false, errURL
}
