// Command vultrsim serves a simulated Vultr startup-script API on a loopback
// address, for demonstrations and for trying a configuration without an
// account.
//
//	VULTRSIM_API_KEY=any-key vultrsim -listen 127.0.0.1:0 -url-file /run/sim.url
//
// The API key comes from the environment and not from an argument, because
// arguments can be read by every user of the machine. The URL file appears once
// the server listens and goes when it stops, on SIGINT or SIGTERM.
//
// Beside the API it has GET /box/{id}, which gives a script decoded, as a new
// box would receive it, and asks for no key: the metadata service of a real box
// answers every process on it without authentication too. It is no part of
// Vultr's API; do not put a real secret into the simulator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ageenv/terraform-provider-ageenv/internal/vultrsim"
)

// keyVariable is the environment variable that holds the API key.
const keyVariable = "VULTRSIM_API_KEY"

func main() {
	err := run(os.Args[1:], os.Getenv(keyVariable), os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "vultrsim:", err)
		os.Exit(1)
	}
}

// run serves until SIGINT or SIGTERM.
func run(args []string, key string, messages io.Writer) error {
	flags := flag.NewFlagSet("vultrsim", flag.ContinueOnError)
	flags.SetOutput(messages)
	listen := flags.String("listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 takes a free one")
	urlFile := flags.String("url-file", "", "write the base URL to this `path` once the server listens")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("no arguments are taken beside the flags")
	}
	if key == "" {
		return fmt.Errorf("set %s to the API key that is to be accepted", keyVariable)
	}
	if err := checkLoopback(*listen); err != nil {
		return err
	}

	// Before the URL file appears: whoever waits for it may signal at once.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           withBox(vultrsim.New(vultrsim.Options{APIKey: key})),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()

	base := "http://" + listener.Addr().String()
	if *urlFile != "" {
		if err := writeWhole(*urlFile, base+"\n"); err != nil {
			_ = server.Close()
			return err
		}
		defer func() { _ = os.Remove(*urlFile) }()
	}
	fmt.Fprintln(messages, "vultrsim: serving", base)

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, done := context.WithTimeout(context.Background(), 2*time.Second)
	defer done()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // a call that does not end is cut
	}
	return nil
}

// checkLoopback refuses an address that other machines could reach. The host
// must be an IP address: a name means whatever the resolver says.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("-listen must be an address and a port, such as 127.0.0.1:0")
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return errors.New("-listen must be a loopback IP address, such as 127.0.0.1:0: the simulator shows scripts to everyone who reaches it")
	}
	return nil
}

// writeWhole puts text at path in one step: a reader sees all of it or no file.
func writeWhole(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".vultrsim-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// withBox puts /box/{id} beside the API.
func withBox(api *vultrsim.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, box := strings.CutPrefix(r.URL.Path, "/box/")
		if !box {
			api.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "a box only reads", http.StatusMethodNotAllowed)
			return
		}
		script, err := api.BootScript(id)
		if err != nil {
			http.Error(w, "no such startup script", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/x-shellscript")
		_, _ = w.Write(script) // a client that has gone is its own affair
	})
}
