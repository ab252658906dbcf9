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
	// Left are the IDs of copies that exist because an answer was lost, and that could
	// not be deleted. Only CreateScript sets it.
	Left []string
	// CopiesSince is when a repeated create began, by the server's clock: a very late
	// server can still create a copy, which [Client.FindScripts] finds. It is zero if no
	// copy can appear. Only CreateScript sets it.
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
	// Boot makes it a boot script again, if somebody has changed its type.
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

// UpdateScript changes a script in place. Boxes that have started keep the old one. An
// update without a field is ErrInvalid. If the answer is lost, UpdateScript reads the
// script to see whether it was updated. If ctx ends while a request is in progress, it
// waits some seconds more for the answer, as DeleteScript does.
func (c *Client) UpdateScript(ctx context.Context, id string, u ScriptUpdate) error {
	if err := checkID(opUpdate, id); err != nil {
		return err
	}
	req, err := u.request()
	if err != nil {
		return &Error{Op: opUpdate, Script: id, Kind: ErrInvalid, detail: err.Error()}
	}
	failed := c.patch(ctx, id, &req)
	if failed == nil || failed.inDoubt && ctx.Err() == nil && c.hasUpdate(withPriority(ctx), id, u) {
		return nil
	}
	return failed
}

// request checks the update: govultr leaves out empty fields, so an update to an empty
// text would succeed and change nothing.
func (u ScriptUpdate) request() (req govultr.StartupScriptReq, err error) {
	if u.Name == nil && u.Body == nil && !u.Boot {
		return req, errors.New("there is nothing to update")
	}
	if u.Name != nil {
		if err := checkName(*u.Name); err != nil {
			return req, err
		}
		req.Name = *u.Name
	}
	if u.Body != nil {
		if u.Body.IsEmpty() {
			return req, errEmptyBody
		}
		req.Script = encodeBody(*u.Body)
	}
	if u.Boot {
		req.Type = typeBoot
	}
	return req, nil
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

// hasUpdate reports whether the account's script is as an update whose answer was lost
// wanted it.
func (c *Client) hasUpdate(ctx context.Context, id string, u ScriptUpdate) bool {
	got, err := c.GetScript(ctx, id)
	return err == nil && (u.Name == nil || got.Name == *u.Name) && (u.Body == nil || got.IsBoot() && got.Body.Equal(*u.Body)) &&
		(!u.Boot || got.IsBoot())
}

// DeleteScript deletes a script. ErrNotFound for one that is already deleted is a
// success, unless it was created a moment ago; see [Client.WhenVisible].
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
		if _, err := c.GetScript(withPriority(ctx), id); errors.Is(err, ErrNotFound) {
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

var errEmptyBody = errors.New("the script is empty")

// checkName checks a script's name. JSON would replace invalid UTF-8, and the name
// would come back as drift.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("the name is blank")
	case !utf8.ValidString(name):
		return errors.New("the name is not valid UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("the name holds a control character")
	}
	return nil
}

func checkID(op, id string) error {
	err := ValidID(id)
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Op = op
	}
	return err
}
