package ageplugin

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/ageenv/terraform-provider-ageenv/internal/process"
)

// RunChild does nothing unless this process was started to ask a plugin. Then it asks,
// answers and ends the process. Call it before anything else: without it no plugin is
// asked.
func RunChild() {
	if len(os.Args) != 2 || os.Args[1] != childArgument {
		isParent.Store(true)
		return
	}
	process.NoDumps()
	keepFiles()
	c := &child{out: json.NewEncoder(os.Stdout)}
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	var r request
	if err != nil || json.Unmarshal(line, &r) != nil {
		os.Exit(1)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		killOwnGroup() // the provider was killed: nobody waits for the answer
	}()
	go c.limit()
	c.write(c.ask(r))
	// The provider ends this process, with all that the plugin left running.
	select {}
}

// isParent is whether this program, started again, would ask a plugin.
var isParent atomic.Bool

// child is the process that asks.
type child struct {
	mutex sync.Mutex
	out   *json.Encoder
	asked int // for something in vain
	shown int // messages
}

func (c *child) write(a answer) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	_ = c.out.Encode(a)
}

// The most that the child allocates in all, in bytes, and how often that is looked at.
// age's package reads what a plugin sends without a limit, and all it reads it allocates.
const (
	maxAllocated = 64 << 20
	limitPeriod  = 10 * time.Millisecond
)

// limit ends a plugin that sends without end.
func (c *child) limit() {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	for range time.Tick(limitPeriod) {
		if metrics.Read(sample); sample[0].Value.Uint64() > maxAllocated {
			c.write(answer{Fault: Flooded})
			killOwnGroup()
		}
	}
}

// How often a plugin may ask for something in vain, and show a message.
const (
	maxAsked    = 3
	maxMessages = 100
)

var errNobody = errors.New("nobody can be asked")

// ui shows nothing and answers nothing. A message is taken: whoever holds the key sees
// that it blinks.
func (c *child) ui() *plugin.ClientUI {
	ask := func(what Fault) error {
		c.write(answer{Meanwhile: what})
		if c.asked++; c.asked > maxAsked {
			c.write(answer{Fault: what})
			select {} // until this is ended
		}
		return errNobody
	}
	return &plugin.ClientUI{
		DisplayMessage: func(string, string) error {
			c.write(answer{Meanwhile: message})
			if c.shown++; c.shown > maxMessages {
				c.write(answer{Fault: Flooded})
				select {} // until this is ended
			}
			return nil
		},
		RequestValue: func(string, string, bool) (string, error) { return "", ask(Asked) },
		Confirm:      func(string, string, string, string) (bool, error) { return false, ask(Confirm) },
	}
}

func (c *child) ask(r request) answer {
	if r.Recipient != "" {
		recipient, err := plugin.NewRecipient(r.Recipient, c.ui())
		if err != nil {
			return answer{Fault: Malformed}
		}
		stanzas, labels, err := recipient.WrapWithLabels(r.FileKey)
		if err != nil {
			return answer{Fault: faultOf(err)}
		}
		return answer{Stanzas: stanzas, Labels: labels}
	}
	last := answer{NoMatch: true}
	for _, text := range r.Identities {
		identity, err := plugin.NewIdentity(text, c.ui())
		if err != nil {
			return answer{Fault: Malformed}
		}
		fileKey, err := identity.Unwrap(r.Stanzas)
		switch {
		case err == nil:
			return answer{FileKey: fileKey}
		case !errors.Is(err, age.ErrIncorrectIdentity):
			last = answer{Fault: faultOf(err)}
		}
	}
	return last
}

// faultOf tells the kind of an error of age's plugin package, which has types for few
// of them. Its text ends here.
func faultOf(err error) Fault {
	var missing *plugin.NotFoundError
	var started *exec.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &missing):
		return Missing
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE), errors.Is(err, fs.ErrClosed):
		return Ended
	case strings.Contains(err.Error(), "couldn't start plugin"), errors.As(err, &started), errors.As(err, &path):
		return NotStarted
	}
	_, text, _ := strings.Cut(err.Error(), " plugin: ")
	for _, start := range []string{"malformed ", "repeated labels", "received duplicated", "received zero", "failed to read line"} {
		if strings.HasPrefix(text, start) {
			return Malformed
		}
	}
	return Refused
}
