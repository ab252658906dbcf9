package process

import (
	"io"
	"log"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// sdkLogs are the variables that set the levels of the plugin libraries' logs.
var sdkLogs = []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK"}

// QuietSDK turns the plugin libraries' logs off where nobody asked for any log:
// they are written and parsed again even then, a third of the provider's CPU time.
func QuietSDK() {
	if LogsWanted() {
		return
	}
	for _, name := range sdkLogs {
		_ = os.Setenv(name, "off")
	}
}

// LogsWanted reports whether a TF_LOG variable, of whatever part, asks for a log.
func LogsWanted() bool {
	for _, entry := range os.Environ() {
		name, level, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "TF_LOG") && !strings.EqualFold(level, "off") {
			return true
		}
	}
	return false
}

// LogLevel is the level of the provider's own log: TF_LOG_PROVIDER's, else
// TF_LOG's, else off. "json" is TRACE, as in Terraform.
func LogLevel() hclog.Level {
	for _, name := range []string{"TF_LOG_PROVIDER", "TF_LOG"} {
		if value := os.Getenv(name); value != "" {
			if level := hclog.LevelFromString(value); level != hclog.NoLevel {
				return level
			}
			return hclog.Trace
		}
	}
	return hclog.Off
}

// QuietStandardLog drops what libraries write to the log package's standard logger.
// The provider has a logger of its own, and these lines hold secrets: with
// GODEBUG=http2debug=1 in the environment net/http writes every header of a request
// there, the API key too, with http2debug=2 gRPC writes the calls themselves, and
// net/http quotes an answer that nobody asked for. GODEBUG is read before main, so
// that removing it from the environment comes too late.
func QuietStandardLog() { log.SetOutput(io.Discard) }
