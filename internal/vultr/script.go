package vultr

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vultr/govultr/v3"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
)

// typeBoot is the type of scripts that run at the first start from disk; the
// other one, pxe, is for network boots.
const typeBoot = "boot"

// Script is a startup script in the account.
type Script struct {
	ID   string
	Name string
	Type string // boot or pxe
	// Body is in plain, decoded from base64. If the account holds something
	// that is not base64, it is that, raw. Lists leave it empty.
	Body secret.Text
	// The dates are RFC 3339 as the server wrote them.
	DateCreated  string
	DateModified string
	// Left are the IDs of copies that lost answers have left in the account and
	// that could not be deleted. Only CreateScript sets it.
	Left []string
	// CopiesSince is when a create began, by the server's clock, if it had to be
	// repeated: a server that is very late can still make a copy. Zero if none can
	// come. Only CreateScript sets it; [Client.FindScripts] finds the copy.
	CopiesSince time.Time

	malformed bool // not base64
}

// IsBoot reports whether boxes run Body at their first start: the script is of
// that type, and base64.
func (s Script) IsBoot() bool { return s.Type == typeBoot && !s.malformed }

// ScriptUpdate says what to change; nil fields stay as they are.
type ScriptUpdate struct {
	Name *string
	Body *secret.Text
	// Boot makes it a boot script, which somebody may have changed.
	Boot bool
}

func scriptFrom(s govultr.StartupScript) Script {
	body, ok := decodeBody(s.Script)
	return Script{
		ID: s.ID, Name: s.Name, Type: s.Type, Body: body,
		DateCreated: s.DateCreated, DateModified: s.DateModified, malformed: !ok,
	}
}

// GetScript reads a script, body included.
func (c *Client) GetScript(ctx context.Context, id string) (Script, error) {
	if err := checkID(opRead, id); err != nil {
		return Script{}, err
	}
	ctx, ex := newExchange(ctx, opRead, id)
	got, _, err := c.api.StartupScript.Get(ctx, id)
	if failed := ex.failure(http.StatusOK); failed != nil {
		return Script{}, failed
	}
	if err != nil || got == nil || got.ID != id {
		return Script{}, ex.unusable("the answer does not hold the startup script that was asked for")
	}
	return scriptFrom(*got), nil
}

// UpdateScript changes a script in place. Boxes that have started are not
// reached by it. An update of nothing is ErrInvalid. Where the answer is lost and
// stays lost, the script itself tells whether the update was made. When ctx ends
// while a request is out, its answer is waited for some seconds more; so with
// DeleteScript.
func (c *Client) UpdateScript(ctx context.Context, id string, u ScriptUpdate) error {
	if err := checkID(opUpdate, id); err != nil {
		return err
	}
	// govultr leaves out what is empty: checked here, or an update to an empty
	// text would succeed and change nothing.
	var req govultr.StartupScriptReq
	fault := ""
	if u.Name == nil && u.Body == nil && !u.Boot {
		fault = "there is nothing to update"
	}
	if u.Name != nil {
		req.Name, fault = *u.Name, nameFault(*u.Name)
	}
	if u.Body != nil {
		if u.Body.IsEmpty() {
			fault = emptyBody
		}
		req.Script = encodeBody(*u.Body)
	}
	if fault != "" {
		return &Error{Op: opUpdate, Script: id, Kind: ErrInvalid, detail: fault}
	}
	if u.Boot {
		req.Type = typeBoot
	}
	failed := c.patch(ctx, id, &req)
	if failed == nil || failed.inDoubt && ctx.Err() == nil && c.holds(ahead(ctx), id, u) {
		return nil
	}
	return failed
}

func (c *Client) patch(ctx context.Context, id string, req *govultr.StartupScriptReq) *Error {
	ctx, ex := newExchange(ctx, opUpdate, id)
	err := c.api.StartupScript.Update(ctx, id, req)
	if failed := ex.failure(http.StatusNoContent); failed != nil {
		return failed
	}
	if err != nil {
		return ex.unusable("the answer has content where it should have none")
	}
	return nil
}

// holds reports whether the account holds a script as an update whose answer was
// lost wanted it.
func (c *Client) holds(ctx context.Context, id string, u ScriptUpdate) bool {
	got, err := c.GetScript(ctx, id)
	return err == nil && (u.Name == nil || got.Name == *u.Name) && (u.Body == nil || got.IsBoot() && got.Body.Equal(*u.Body)) &&
		(!u.Boot || got.IsBoot())
}

// DeleteScript deletes a script. One that is gone already is ErrNotFound: that
// is a success for whoever knows that it was not made a moment ago; see
// [Client.Settled].
func (c *Client) DeleteScript(ctx context.Context, id string) error {
	if err := checkID(opDelete, id); err != nil {
		return err
	}
	failed := c.remove(ctx, id)
	if failed == nil {
		return nil
	}
	if failed.inDoubt && errors.Is(failed, ErrNotFound) {
		return nil // an attempt whose answer was lost has deleted it
	}
	if failed.inDoubt && ctx.Err() == nil {
		if _, err := c.GetScript(ahead(ctx), id); errors.Is(err, ErrNotFound) {
			return nil
		}
	}
	return failed
}

func (c *Client) remove(ctx context.Context, id string) *Error {
	ctx, ex := newExchange(ctx, opDelete, id)
	err := c.api.StartupScript.Delete(ctx, id)
	if failed := ex.failure(http.StatusNoContent); failed != nil {
		return failed
	}
	if err != nil {
		return ex.unusable("the answer has content where it should have none")
	}
	return nil
}

const emptyBody = "the script is empty"

// nameFault says what is wrong with a name, "" for nothing. Invalid UTF-8 would
// be replaced on its way into JSON and come back as drift.
func nameFault(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "the name is blank"
	case !utf8.ValidString(name):
		return "the name is not valid UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "the name holds a control character"
	}
	return ""
}

func checkID(op, id string) error {
	err := ValidID(id)
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Op = op
	}
	return err
}
