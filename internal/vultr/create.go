package vultr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vultr/govultr/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// What a create whose answer was lost goes through.
const (
	// maxAgain is how often a POST is sent again after its script was looked for
	// and not found.
	maxAgain = 2
	// stopGrace is how long the answer to a change is waited for when the caller
	// has stopped waiting.
	stopGrace = 5 * time.Second
	// stopLook is how long what a create has made is looked for then.
	stopLook = 10 * time.Second
)

// looks are when it is looked for, from the loss on: what was made can take a
// moment to be seen. The last one is for a server that has not answered, and may
// still be at work. Those who lost their answers together look together, and share
// a list; lookSpread keeps apart those who cannot share, on other machines.
var looks = []time.Duration{500 * time.Millisecond, 2 * time.Second, 3500 * time.Millisecond}

const lookSpread = 100 * time.Millisecond

// Digest is the SHA-256 of a script's body in hex, by which it is found again.
func Digest(body secret.Text) string {
	sum := sha256.Sum256([]byte(body.Reveal()))
	return hex.EncodeToString(sum[:])
}

// CreateScript makes a boot script. Names need not be unique. The name must not
// be blank nor hold control characters, the body not be empty.
//
// Where the answer is lost, the script is looked for, by its name and its whole
// content, among those that were created since: found, it is returned as if the
// answer had come; not found, it is created again. Copies that turn up are
// deleted. Callers of one client who create equal scripts at the same time wait
// for each other, and each gets one of its own; another program must not create
// an equal one at the same time.
//
// It fails with ErrOutcomeUnknown if the script may have been made all the same.
// When ctx ends while a request is out, its answer and then the script are
// waited for some seconds more.
func (c *Client) CreateScript(ctx context.Context, name string, body secret.Text) (Script, error) {
	if fault := nameFault(name); fault != "" {
		return Script{}, &Error{Op: opCreate, Kind: ErrInvalid, detail: fault}
	}
	if body.IsEmpty() {
		return Script{}, &Error{Op: opCreate, Script: name, Kind: ErrInvalid, detail: emptyBody}
	}
	sum := Digest(body)
	done, err := c.creates.alone(ctx, sum+name)
	if err != nil {
		return Script{}, &Error{Op: opCreate, Script: name, Kind: err, detail: "stopped before it was sent"}
	}
	defer done()

	began := c.wire.now()
	var doubt *Error // the last POST that may have made one
	for again := 0; ; again++ {
		made, failed := c.post(ctx, name, body)
		switch {
		case failed == nil:
			var copies []Script
			c.creates.claim(made.ID)
			if doubt != nil && doubt.unanswered {
				// The server may have been at work on the lost one until now.
				if copies, err = c.find(ctx, name, sum, func() time.Time { return c.wire.earliest(began) }); err != nil {
					c.wire.logger.Warn("vultr: a create was repeated, and whether it left a copy can't be seen", "id", made.ID)
				}
			}
			if made = c.keep(ctx, append([]Script{made}, copies...)); len(copies) < again {
				made.CopiesSince = c.wire.earliest(began)
			}
			return made, nil
		case !errors.Is(failed, ErrOutcomeUnknown):
			if doubt == nil {
				return Script{}, failed
			}
			return Script{}, c.unknown(failed, began, nil)
		}
		failed.unanswered = failed.unanswered || doubt != nil && doubt.unanswered
		doubt = failed
		ctx = ahead(ctx)
		found, err := c.lookFor(ctx, name, sum, began, !failed.unanswered)
		if len(found) > 0 {
			kept := c.keep(ctx, found)
			if len(found) <= again {
				kept.CopiesSince = c.wire.earliest(began)
			}
			c.wire.logger.Warn("vultr: adopted the script that a create with a lost answer had made", "id", kept.ID, "looked_after_ms", c.wire.now().Sub(began).Milliseconds())
			return kept, nil
		}
		if err != nil || ctx.Err() != nil || again == maxAgain || c.wire.retries == 0 {
			return Script{}, c.unknown(doubt, began, err)
		}
	}
}

// post sends the one request, and again only where it had no effect for certain.
func (c *Client) post(ctx context.Context, name string, body secret.Text) (Script, *Error) {
	ctx, ex := newExchange(ctx, opCreate, name)
	got, _, err := c.api.StartupScript.Create(ctx, &govultr.StartupScriptReq{Name: name, Type: typeBoot, Script: encodeBody(body)})
	if failed := ex.failure(http.StatusCreated); failed != nil {
		return Script{}, failed
	}
	if err != nil || got == nil || ValidID(got.ID) != nil {
		return Script{}, ex.unusable("the answer holds no startup script with an ID")
	}
	return scriptFrom(*got), nil
}

// keep returns the first of equal scripts, as this client's, and deletes the others.
func (c *Client) keep(ctx context.Context, equal []Script) Script {
	kept := equal[0]
	c.creates.claim(kept.ID)
	for _, copied := range equal[1:] {
		if copied.ID == kept.ID {
			continue
		}
		ctx, done := c.afterwards(ctx)
		err := c.DeleteScript(ctx, copied.ID)
		done()
		if err != nil && !errors.Is(err, ErrNotFound) {
			kept.Left = append(kept.Left, copied.ID)
		}
		c.wire.logger.Warn("vultr: a create with a lost answer had made a copy", "id", copied.ID, "deleted", err == nil)
	}
	return kept
}

// lookFor looks several times, and if ctx ends a little longer. It returns what it
// found, or why the last look failed.
func (c *Client) lookFor(ctx context.Context, name, sum string, began time.Time, answered bool) (found []Script, err error) {
	times := looks
	if answered {
		times = looks[:2]
	}
	if ctx.Err() == nil {
		found, err = c.look(ctx, name, sum, began, times)
	}
	if ctx.Err() != nil && len(found) == 0 {
		ctx, done := c.afterwards(ctx)
		defer done()
		return c.look(ctx, name, sum, began, looks[:2])
	}
	return found, err
}

func (c *Client) look(ctx context.Context, name, sum string, began time.Time, times []time.Duration) (found []Script, err error) {
	lost := c.wire.now().Add(time.Duration(c.wire.jitter() * float64(lookSpread)))
	for _, after := range times {
		if err := c.wire.sleep(ctx, max(0, after-c.wire.now().Sub(lost))); err != nil {
			return nil, err
		}
		found, err = c.find(ctx, name, sum, func() time.Time { return c.wire.earliest(began) })
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, err
}

// FindScripts returns the boot scripts of this name and content digest that were
// created at or after a time of the server's clock, oldest first. It leaves out
// those that this client has created and returned.
//
// Lists have no bodies: each script that may be one is fetched.
func (c *Client) FindScripts(ctx context.Context, name, sum string, since time.Time) ([]Script, error) {
	return c.find(ctx, name, sum, func() time.Time { return since })
}

// find asks for since once there is a list, whose answer tells the server's clock.
func (c *Client) find(ctx context.Context, name, sum string, since func() time.Time) ([]Script, error) {
	ctx = ahead(ctx)
	all, err := c.sharedList(ctx)
	if err != nil {
		return nil, err
	}
	var found []Script
	for _, s := range all {
		created, err := time.Parse(time.RFC3339, s.DateCreated)
		if s.Name != name || s.Type != typeBoot || err == nil && created.Before(since()) || c.creates.claimed(s.ID) {
			continue
		}
		whole, err := c.GetScript(ctx, s.ID)
		if errors.Is(err, ErrNotFound) {
			continue // somebody else's, and gone by now
		}
		if err != nil {
			return nil, err
		}
		if whole.IsBoot() && Digest(whole.Body) == sum {
			found = append(found, whole)
		}
	}
	return found, nil
}

// unknown is the error of a create that may have made a script which was not
// found. failed is its last attempt, looked why it could not be looked for.
func (c *Client) unknown(failed *Error, began time.Time, looked error) *Error {
	e := *failed
	if e.Cause == nil {
		e.Kind, e.Cause = ErrOutcomeUnknown, e.Kind
		e.detail = fmt.Sprintf("%s: %s", e.Cause, e.detail)
	}
	e.Since = c.wire.earliest(began)
	how := "it was looked for, by name and content, and not found"
	var why *Error
	switch {
	case errors.As(looked, &why):
		how = "it can't be looked for now (" + strings.TrimPrefix(why.Error(), "vultr: ") + ")"
	case looked != nil:
		how = "there was no time to look for it"
	}
	e.detail += fmt.Sprintf("; a startup script of this name, created at or after %s, may exist in the account all the same: %s",
		e.Since.UTC().Format(time.RFC3339), how)
	return &e
}

// afterwards is a context for seeing to what a create has left: the caller's, or
// if that has ended a short one of its own.
func (c *Client) afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), c.wire.stopLook)
}
