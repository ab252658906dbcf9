package vultr

import (
	"context"
	"errors"
	"net/http"
	"strings"
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
}

// ScriptUpdate says what to change; nil fields stay as they are.
type ScriptUpdate struct {
	Name *string
	Body *secret.Text
}

func scriptFrom(s govultr.StartupScript) Script {
	return Script{
		ID: s.ID, Name: s.Name, Type: s.Type, Body: decodeBody(s.Script),
		DateCreated: s.DateCreated, DateModified: s.DateModified,
	}
}

// CreateScript makes a boot script. Names need not be unique. The name must not
// be blank nor hold control characters, the body not be empty.
//
// It fails with ErrOutcomeUnknown if the script may have been made all the same.
func (c *Client) CreateScript(ctx context.Context, name string, body secret.Text) (Script, error) {
	if fault := nameFault(name); fault != "" {
		return Script{}, &Error{Op: opCreate, Kind: ErrInvalid, detail: fault}
	}
	if body.IsEmpty() {
		return Script{}, &Error{Op: opCreate, Script: name, Kind: ErrInvalid, detail: emptyBody}
	}
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
// reached by it. An update of nothing is ErrInvalid.
func (c *Client) UpdateScript(ctx context.Context, id string, u ScriptUpdate) error {
	if err := checkID(opUpdate, id); err != nil {
		return err
	}
	// govultr leaves out what is empty: checked here, or an update to an empty
	// text would succeed and change nothing.
	var req govultr.StartupScriptReq
	fault := ""
	if u.Name == nil && u.Body == nil {
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
	ctx, ex := newExchange(ctx, opUpdate, id)
	err := c.api.StartupScript.Update(ctx, id, &req)
	if failed := ex.failure(http.StatusNoContent); failed != nil {
		return failed
	}
	if err != nil {
		return ex.unusable("the answer has content where it should have none")
	}
	return nil
}

// DeleteScript deletes a script. One that is gone already is a success.
func (c *Client) DeleteScript(ctx context.Context, id string) error {
	if err := checkID(opDelete, id); err != nil {
		return err
	}
	ctx, ex := newExchange(ctx, opDelete, id)
	err := c.api.StartupScript.Delete(ctx, id)
	failed := ex.failure(http.StatusNoContent)
	switch {
	case failed == nil && err == nil:
		return nil
	case failed == nil:
		return ex.unusable("the answer has content where it should have none")
	case errors.Is(failed, ErrNotFound):
		return nil
	}
	return failed
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
