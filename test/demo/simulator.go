package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/secret"
	"github.com/ageenv/terraform-provider-ageenv/test/stage"
)

// simulator is a running vultrsim: an account at Vultr that is on this machine.
type simulator struct {
	cmd   *exec.Cmd
	ended chan struct{}
	url   string
	key   secret.Text
}

// maxScript is the most that is read of a script, in bytes.
const maxScript = 16 << 20

// startSimulator starts it on a free loopback port and waits until it serves.
// Its files, and a log of what it prints, are in the directory.
func startSimulator(program, dir string) (*simulator, error) {
	log := filepath.Join(dir, "simulator.log")
	s := &simulator{ended: make(chan struct{}), key: secret.New(draw(upper, 36))}
	urlFile := filepath.Join(dir, "simulator.url")
	messages, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer messages.Close() //nolint:errcheck // the child has its own descriptor
	// Not stopped by a context: it has to be there until the clean-up.
	s.cmd = stage.Command(context.Background(), dir, []string{"VULTRSIM_API_KEY=" + s.key.Reveal()}, program, "-listen", "127.0.0.1:0", "-url-file", urlFile)
	s.cmd.Stdout, s.cmd.Stderr = messages, messages
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("the simulator can't be started: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is told by what it said
		close(s.ended)
	}()
	for deadline := time.Now().Add(stage.Grace); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if content, err := os.ReadFile(urlFile); err == nil {
			s.url = strings.TrimSpace(string(content))
			return s, nil
		}
		select {
		case <-s.ended:
			said, _ := os.ReadFile(log)
			return nil, fmt.Errorf("the simulator ended at once: %s", strings.TrimSpace(string(said)))
		default:
		}
	}
	s.stop()
	return nil, fmt.Errorf("the simulator did not serve within %s", stage.Grace)
}

// stop ends it, and returns when it is gone.
func (s *simulator) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(stage.Grace):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// get asks without a key, as a box does, or with it.
func (s *simulator) get(ctx context.Context, path string, key secret.Text) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	if !key.IsEmpty() {
		req.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, nil, context.Cause(ctx)
		}
		return 0, nil, errors.New("the simulator does not answer")
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxScript))
	return resp.StatusCode, body, err
}

// bootScript returns the script that a new box with this script ID would get;
// found is false if the account has none.
func (s *simulator) bootScript(ctx context.Context, id string) (script secret.Text, found bool, err error) {
	status, body, err := s.get(ctx, "/box/"+id, secret.Text{})
	switch {
	case err != nil:
		return secret.Text{}, false, err
	case status == http.StatusNotFound:
		return secret.Text{}, false, nil
	case status != http.StatusOK:
		return secret.Text{}, false, fmt.Errorf("a box that asks for its script gets status %d", status)
	}
	return secret.New(string(body)), true, nil
}

// count returns how many scripts the account has.
func (s *simulator) count(ctx context.Context) (int, error) {
	status, body, err := s.get(ctx, "/v2/startup-scripts", s.key)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Meta *struct {
			Total int `json:"total"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(body, &answer); status != http.StatusOK || err != nil || answer.Meta == nil {
		return 0, fmt.Errorf("the account's scripts can't be listed: status %d", status)
	}
	return answer.Meta.Total, nil
}
