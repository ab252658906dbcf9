package ageplugin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"time"

	"filippo.io/age"
)

// childArgument makes this program ask a plugin, and do nothing else: see RunChild.
const childArgument = "ask-age-plugin"

// request is the line that the child reads: with a Recipient, wrap FileKey; else unwrap
// Stanzas with Identities.
type request struct {
	Name       string
	Recipient  string        `json:",omitempty"`
	FileKey    []byte        `json:",omitempty"`
	Identities []string      `json:",omitempty"`
	Stanzas    []*age.Stanza `json:",omitempty"`
}

// answer is a line that the child writes. All but the last one tell what the plugin
// does meanwhile.
type answer struct {
	Meanwhile Fault         `json:",omitempty"` // Asked or Confirm, or message
	Fault     Fault         `json:",omitempty"`
	NoMatch   bool          `json:",omitempty"`
	FileKey   []byte        `json:",omitempty"`
	Stanzas   []*age.Stanza `json:",omitempty"`
	Labels    []string      `json:",omitempty"`
}

// message is an answer's Meanwhile while the plugin shows a message.
const message Fault = "message"

// maxAnswer is the most that is read of the child, in bytes.
const maxAnswer = 1 << 20

// run asks for one answer. Without a context, only the deadline ends it early.
func run(ctx context.Context, r request) (answer, error) {
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	fail := func(why Fault) (answer, error) { return answer{}, &Error{Name: r.Name, Fault: why} }
	q := queueOf(r.Name)
	select {
	case q.place <- struct{}{}:
		defer func() { <-q.place }()
	case <-done:
		return fail(Canceled)
	}
	timeouts := q.timeoutsOf(r)
	if ctx != nil && ctx.Err() != nil {
		return fail(Canceled)
	}
	if *timeouts >= maxTimeouts {
		return fail(GivenUp)
	}
	if missing := lookUp(r.Name); missing != "" {
		return fail(missing)
	}
	child, err := start()
	if err != nil {
		return fail(NoProcess)
	}
	defer child.end()
	go func() { _ = json.NewEncoder(child.in).Encode(r) }()
	a, timedOut, err := child.wait(done, r.Name)
	if timedOut {
		*timeouts++
	}
	return a, err
}

// session is a child that runs.
type session struct {
	command *exec.Cmd
	group   group
	in      io.WriteCloser // open until the end: the child ends all when it is closed
	lines   chan answer    // closed when the child ends, or breaks the bound
}

func start() (*session, error) {
	program, err := os.Executable()
	if err != nil || !isParent.Load() {
		return nil, errors.Join(err, errors.ErrUnsupported)
	}
	command := exec.Command(program, childArgument) //nolint:gosec,noctx // this program; ended as a group, which a context does not
	command.Env = childEnvironment()
	inSessionOfItsOwn(command)
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	child := &session{command: command, group: groupOf(command), in: in, lines: make(chan answer)}
	go child.read(out)
	return child, nil
}

// read hands on the child's answers.
func (p *session) read(out io.Reader) {
	defer close(p.lines)
	bounded := &io.LimitedReader{R: out, N: maxAnswer}
	lines := json.NewDecoder(bounded)
	for {
		var a answer
		if lines.Decode(&a) != nil {
			break
		}
		p.lines <- a
	}
	if bounded.N == 0 {
		p.lines <- answer{Fault: Flooded}
	}
}

// wait returns the last answer. It reports whether the deadline ended it, whatever the
// error says.
func (p *session) wait(done <-chan struct{}, name string) (last answer, timedOut bool, err error) {
	timer := time.NewTimer(currentTimeout())
	defer timer.Stop()
	fault := &Error{Name: name}
	var asked Fault // for a PIN, a confirmation
	fail := func(why Fault) (answer, bool, error) {
		// A plugin that asked in vain answers with an error, waits, or just ends.
		if fault.Fault = why; asked != "" && why != Canceled && why != Flooded {
			fault.Fault = asked
		}
		return answer{}, why == TimedOut, fault
	}
	for {
		select {
		case a, open := <-p.lines:
			switch {
			case !open:
				return fail(Ended)
			case a.Meanwhile == message:
				fault.Message = true
			case a.Meanwhile != "":
				asked = a.Meanwhile
			case a.NoMatch && asked == "":
				return a, false, ErrNoMatch
			case a.NoMatch:
				return fail(Refused)
			case a.Fault != "":
				return fail(a.Fault)
			default:
				return a, false, nil
			}
		case <-timer.C:
			return fail(TimedOut)
		case <-done:
			return fail(Canceled)
		}
	}
}

// end kills the child, the plugin and what it started, and waits for the child.
func (p *session) end() {
	p.group.kill() // before Wait: until then nothing else can get its number
	for range p.lines {
		continue
	}
	_ = p.command.Wait()
	_ = p.in.Close()
}
