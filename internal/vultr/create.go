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

const (
	// maxRepeats is how often a POST is sent again after its script was looked up and
	// not found.
	maxRepeats = 2
	// cancelGrace is how long to wait for the answer to a change after the caller's
	// context has ended.
	cancelGrace = 5 * time.Second
	// cancelLookup is how long to look up a created script after that.
	cancelLookup = 10 * time.Second
)

// lookupDelays are when to look up the script of a create, counted from the lost answer:
// a new script can take a moment to be listed. The last delay is for a server that did
// not answer and may still be working. Calls of one client that lost their answers
// together look up together and share a list; lookupJitter separates other machines.
var lookupDelays = []time.Duration{500 * time.Millisecond, 2 * time.Second, 3500 * time.Millisecond}

const lookupJitter = 100 * time.Millisecond

// Digest returns the SHA-256 of a script's body in hex. Lookups compare it.
func Digest(body secret.Text) string {
	sum := sha256.Sum256([]byte(body.Reveal()))
	return hex.EncodeToString(sum[:])
}

// CreateScript creates a boot script. Names need not be unique. A name must not be
// blank or contain control characters; a body must not be empty.
//
// If the answer is lost, CreateScript looks up the script by name and whole content
// among those created since. If it is found, it is returned as if the answer had
// arrived; if not, it is created again. Copies that appear are deleted. Callers of one
// client that create equal scripts at the same time wait for each other, and each gets
// its own script; another program must not create an equal one at the same time.
//
// It fails with ErrOutcomeUnknown if the script may exist all the same. If ctx ends
// while a request is in progress, CreateScript waits some seconds more for the answer,
// and then for the script.
func (c *Client) CreateScript(ctx context.Context, name string, body secret.Text) (Script, error) {
	if err := checkName(name); err != nil {
		return Script{}, &Error{Op: opCreate, Kind: ErrInvalid, detail: err.Error()}
	}
	if body.IsEmpty() {
		return Script{}, &Error{Op: opCreate, Script: name, Kind: ErrInvalid, detail: errEmptyBody.Error()}
	}
	sum := Digest(body)
	unlock, err := c.creates.lock(ctx, sum+name)
	if err != nil {
		return Script{}, &Error{Op: opCreate, Script: name, Kind: err, detail: "stopped before it was sent"}
	}
	defer unlock()

	began := c.transport.now()
	var doubt *Error // the last POST that may have created a script
	for repeats := 0; ; repeats++ {
		created, failed := c.post(ctx, name, body)
		switch {
		case failed == nil:
			var copies []Script
			c.creates.markOwn(created.ID)
			if doubt != nil && doubt.unanswered {
				// The server may have been working on the lost one until now.
				if copies, err = c.find(ctx, name, sum, func() time.Time { return c.transport.earliest(began) }); err != nil {
					c.transport.logger.Warn("vultr: a create was repeated, and whether it left a copy can't be seen", "id", created.ID)
				}
			}
			created = c.adoptFirst(ctx, append([]Script{created}, copies...))
			if len(copies) < repeats {
				created.CopiesSince = c.transport.earliest(began)
			}
			return created, nil
		case !errors.Is(failed, ErrOutcomeUnknown):
			if doubt == nil {
				return Script{}, failed
			}
			return Script{}, c.outcomeUnknown(failed, began, nil)
		}
		failed.unanswered = failed.unanswered || doubt != nil && doubt.unanswered
		doubt = failed
		ctx = withPriority(ctx)
		found, err := c.lookUp(ctx, name, sum, began, !failed.unanswered)
		if len(found) > 0 {
			kept := c.adoptFirst(ctx, found)
			if len(found) <= repeats {
				kept.CopiesSince = c.transport.earliest(began)
			}
			c.transport.logger.Warn("vultr: adopted the script that a create with a lost answer had made", "id", kept.ID, "looked_after_ms", c.transport.now().Sub(began).Milliseconds())
			return kept, nil
		}
		if err != nil || ctx.Err() != nil || repeats == maxRepeats || c.transport.retries == 0 {
			return Script{}, c.outcomeUnknown(doubt, began, err)
		}
	}
}

// post sends one POST, and sends it again only if it had no effect for certain.
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

// adoptFirst records the first of equal scripts as this client's, and deletes the others.
func (c *Client) adoptFirst(ctx context.Context, equal []Script) Script {
	kept := equal[0]
	c.creates.markOwn(kept.ID)
	for _, copied := range equal[1:] {
		if copied.ID == kept.ID {
			continue
		}
		ctx, cancel := c.cleanupContext(ctx)
		err := c.DeleteScript(ctx, copied.ID)
		cancel()
		if err != nil && !errors.Is(err, ErrNotFound) {
			kept.Left = append(kept.Left, copied.ID)
		}
		c.transport.logger.Warn("vultr: a create with a lost answer had made a copy", "id", copied.ID, "deleted", err == nil)
	}
	return kept
}

// lookUp looks the script up several times, and goes on for a moment if ctx ends. It
// returns the scripts found, or the error of the last lookup.
func (c *Client) lookUp(ctx context.Context, name, sum string, began time.Time, answered bool) (found []Script, err error) {
	times := lookupDelays
	if answered {
		times = lookupDelays[:2]
	}
	if ctx.Err() == nil {
		found, err = c.lookUpAt(ctx, name, sum, began, times)
	}
	if ctx.Err() != nil && len(found) == 0 {
		ctx, cancel := c.cleanupContext(ctx)
		defer cancel()
		return c.lookUpAt(ctx, name, sum, began, lookupDelays[:2])
	}
	return found, err
}

func (c *Client) lookUpAt(ctx context.Context, name, sum string, began time.Time, times []time.Duration) (found []Script, err error) {
	lost := c.transport.now().Add(time.Duration(c.transport.jitter() * float64(lookupJitter)))
	for _, after := range times {
		if err := c.transport.sleep(ctx, max(0, after-c.transport.now().Sub(lost))); err != nil {
			return nil, err
		}
		found, err = c.find(ctx, name, sum, func() time.Time { return c.transport.earliest(began) })
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

// find calls since after it has a list: the list's answer shows the server's clock.
func (c *Client) find(ctx context.Context, name, sum string, since func() time.Time) ([]Script, error) {
	ctx = withPriority(ctx)
	all, err := c.sharedList(ctx)
	if err != nil {
		return nil, err
	}
	var found []Script
	for _, s := range all {
		created, err := time.Parse(time.RFC3339, s.DateCreated)
		if s.Name != name || s.Type != typeBoot || err == nil && created.Before(since()) || c.creates.isOwn(s.ID) {
			continue
		}
		whole, err := c.GetScript(ctx, s.ID)
		if errors.Is(err, ErrNotFound) {
			continue // another program's, and deleted since
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

// outcomeUnknown returns the error of a create whose script may exist and was not found.
// failed is the error of its last attempt, lookup that of the last lookup.
func (c *Client) outcomeUnknown(failed *Error, began time.Time, lookup error) *Error {
	e := *failed
	if e.Cause == nil {
		e.Kind, e.Cause = ErrOutcomeUnknown, e.Kind
		e.detail = fmt.Sprintf("%s: %s", e.Cause, e.detail)
	}
	e.Since = c.transport.earliest(began)
	how := "it was looked for, by name and content, and not found"
	var why *Error
	switch {
	case errors.As(lookup, &why):
		how = "it can't be looked for now (" + strings.TrimPrefix(why.Error(), "vultr: ") + ")"
	case lookup != nil:
		how = "there was no time to look for it"
	}
	e.detail += fmt.Sprintf("; a startup script of this name, created at or after %s, may exist in the account all the same: %s",
		e.Since.UTC().Format(time.RFC3339), how)
	return &e
}

// cleanupContext returns a context for work after a create: the caller's or, if that has
// ended, a new one with a short deadline.
func (c *Client) cleanupContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), c.transport.cancelLookup)
}
