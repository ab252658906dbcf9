package provider_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// newSuffix is random text that is found nowhere by chance.
func newSuffix() string { return rand.Text()[:16] }

// leakProcesses keeps what other users of the machine could see of the processes:
// command lines, and what /proc shows of the provider's environment. It sees
// nothing but on Linux.
type leakProcesses struct {
	binary string

	mu       sync.Mutex
	pids     map[string]bool // providers that were looked at
	cmdlines map[string]bool
	environs map[string]bool
}

func newLeakProcesses(binary string) *leakProcesses {
	return &leakProcesses{binary: binary, pids: map[string]bool{}, cmdlines: map[string]bool{}, environs: map[string]bool{}}
}

// watch keeps command lines until stop is called.
func (p *leakProcesses) watch() (stop func()) {
	if runtime.GOOS != "linux" {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			p.keepCommandLines()
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (p *leakProcesses) keepCommandLines() {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		if line, err := os.ReadFile(path); err == nil {
			p.mu.Lock()
			p.cmdlines[string(line)] = true
			p.mu.Unlock()
		}
	}
}

// settled is how long a provider must have been running for its environment to
// count: what it was started with is there until its first lines have run, and is
// the CLI's too.
const settled = 150 * time.Millisecond

// look keeps the environments that /proc shows of running providers. It is called
// while one of them waits for an answer. The provider lets only root read that;
// for others there is nothing to see, which is what is wanted.
func (p *leakProcesses) look() {
	if runtime.GOOS != "linux" {
		return
	}
	p.keepCommandLines()
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != p.binary {
			continue
		}
		p.mu.Lock()
		pid := filepath.Base(filepath.Dir(link))
		seen := p.pids[pid]
		p.pids[pid] = true
		p.mu.Unlock()
		if seen {
			continue
		}
		time.Sleep(settled)
		if environ, err := os.ReadFile(filepath.Join(filepath.Dir(link), "environ")); err == nil {
			p.mu.Lock()
			p.environs[string(environ)] = true
			p.mu.Unlock()
		}
	}
}

// seen is what was seen, by place.
func (p *leakProcesses) seen() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	places := map[string]string{}
	for line := range p.cmdlines {
		places["process list "+strconv.Itoa(len(places))] = line
	}
	for environ := range p.environs {
		places["provider's environment "+strconv.Itoa(len(places))] = environ
	}
	return places
}
