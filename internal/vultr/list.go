package vultr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vultr/govultr/v3"
)

const (
	pageLength = 500 // the API's maximum
	maxPages   = 200 // 100,000 scripts; beyond it the server is not to be trusted
)

// ListScripts returns all scripts of the account, without their bodies. A list
// that is not complete is an error: ErrBadResponse if the server's cursors go in
// a circle or past maxPages pages.
func (c *Client) ListScripts(ctx context.Context) ([]Script, error) {
	var (
		scripts []Script
		cursor  string
		listed  = map[string]bool{}
		visited = map[string]bool{}
	)
	for range maxPages {
		page, next, err := c.listPage(ctx, cursor, pageLength)
		if err != nil {
			return nil, err
		}
		for _, script := range page {
			// A script can move to another page while pages are fetched.
			if !listed[script.ID] {
				listed[script.ID] = true
				scripts = append(scripts, script)
			}
		}
		if next == "" {
			return scripts, nil
		}
		if visited[next] {
			return nil, &Error{Op: opList, Status: http.StatusOK, Kind: ErrBadResponse, detail: "the server's list goes in a circle"}
		}
		visited[next] = true
		cursor = next
	}
	return nil, &Error{
		Op: opList, Status: http.StatusOK, Kind: ErrBadResponse,
		detail: fmt.Sprintf("the server's list has more than %d pages of %d", maxPages, pageLength),
	}
}

// checkTimeout bounds CheckKey, retries included: a plan without a network waits for
// no longer.
const checkTimeout = 10 * time.Second

// CheckKey asks the API whether it accepts the key: one small request, and none if the
// key has worked before. ErrUnauthorized is the API's refusal. Every other error says
// that nothing was learned about the key.
func (c *Client) CheckKey(ctx context.Context) error {
	if c.transport.accepted.Load() {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	_, _, err := c.listPage(bounded, "", 1)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return &Error{Op: opList, Kind: ErrUnavailable, detail: fmt.Sprintf("no answer within %s", checkTimeout)}
	}
	return err
}

// listPage fetches one page and the cursor of the next, "" after the last.
func (c *Client) listPage(ctx context.Context, cursor string, length int) ([]Script, string, error) {
	ctx, ex := newExchange(ctx, opList, "")
	page, meta, _, err := c.api.StartupScript.List(ctx, &govultr.ListOptions{PerPage: length, Cursor: cursor})
	if failed := ex.failure(http.StatusOK); failed != nil {
		return nil, "", failed
	}
	// Without meta nobody knows whether this is all.
	if err != nil || page == nil || meta == nil || meta.Links == nil {
		return nil, "", ex.unusable("the answer is not a complete list of startup scripts")
	}
	scripts := make([]Script, 0, len(page))
	for _, s := range page {
		if ValidID(s.ID) != nil {
			return nil, "", ex.unusable("the list holds a startup script without a valid ID")
		}
		scripts = append(scripts, scriptFrom(s))
	}
	return scripts, meta.Links.Next, nil
}
