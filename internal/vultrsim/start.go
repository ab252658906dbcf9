package vultrsim

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Start serves on a free port of 127.0.0.1 until stop is called. The URL has no
// trailing slash. stop cuts calls in flight, waits until the server has ended
// and may be called more than once.
func (s *Server) Start() (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("vultrsim: listen on loopback: %w", err)
	}
	stopped := make(chan struct{})
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stopKey{}, (<-chan struct{})(stopped))
		},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // always ends with ErrServerClosed
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = server.Close()
			close(stopped) // after it, or a slow answer would still be given
		})
		<-ended
		s.late.Wait()
	}
	return "http://" + listener.Addr().String(), stop, nil
}
