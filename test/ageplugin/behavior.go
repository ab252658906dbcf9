package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// behave does what the key's mode says before the plugin answers.
func (k *key) behave() error {
	switch k.mode {
	case "refuse":
		return errors.New(canary + " refused: the key is " + k.secret())
	case "hang":
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		time.Sleep(time.Hour)
	case "hang-message":
		_ = k.plugin.DisplayMessage(canary + " please touch " + k.secret())
		time.Sleep(time.Hour)
	case "crash":
		panic(canary + k.secret())
	case "end":
		os.Exit(0)
	case "garbage":
		fmt.Println(canary, k.secret())
		os.Exit(0)
	case "flood-line":
		flood("", "A", "")
	case "flood-body":
		flood("-> msg\n", strings.Repeat("A", 64)+"\n", "")
	case "flood-messages":
		for {
			_ = k.plugin.DisplayMessage(canary + " please touch " + k.secret())
		}
	case "flood-stanzas":
		go io.Copy(io.Discard, os.Stdin) //nolint:errcheck // nothing to be done
		flood("", "-> nothing PLUGIN-CANARY\n\n", "")
	case "message":
		return k.plugin.DisplayMessage(canary + " please touch " + k.secret())
	case "pin":
		if _, err := k.plugin.RequestValue(canary+" PIN for "+k.secret(), true); err != nil {
			return errors.New(canary + " no PIN")
		}
	case "pin-hang":
		_, _ = k.plugin.RequestValue(canary+" PIN for "+k.secret(), true)
		time.Sleep(time.Hour)
	case "pin-again":
		for {
			_, _ = k.plugin.RequestValue(canary+" PIN for "+k.secret(), true)
		}
	case "pin-anyway": // as a plugin that has another way
		_, _ = k.plugin.RequestValue(canary+" PIN for "+k.secret(), true)
	case "text":
		if _, err := k.plugin.RequestValue(canary+" name", false); err != nil {
			return errors.New(canary + " no name")
		}
	case "confirm":
		if _, err := k.plugin.Confirm(canary+" use the key?", "yes", "no"); err != nil {
			return errors.New(canary + " not confirmed")
		}
	case "terminal":
		if f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
			_, _ = f.Read(make([]byte, 1))
		}
		return errors.New(canary + " no terminal")
	case "grandchild":
		return exec.Command(k.program, "sleep").Start() //nolint:noctx // left running
	case "grandchild-stdout": // which keeps the plugin's output open
		grandchild := exec.Command(k.program, "sleep") //nolint:noctx // left running
		grandchild.Stdout, grandchild.Stderr = os.Stdout, os.Stderr
		if err := grandchild.Start(); err != nil {
			return err
		}
		os.Exit(3)
	case "grandchild-session":
		if err := k.sleepInSession(); err != nil {
			return err
		}
		time.Sleep(time.Hour)
	case "session": // out of reach of what kills a process group
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
		if err := leaveSession(); err != nil {
			return err
		}
		time.Sleep(time.Hour)
	case "stop":
		_ = stop(os.Getpid())
	case "kill-parent":
		if parent, err := os.FindProcess(os.Getppid()); err == nil {
			_ = parent.Kill()
		}
		time.Sleep(time.Hour)
	case "stderr":
		block := []byte(strings.Repeat(canary+k.secret()+"\n", 1<<14))
		for written := 0; written < 2<<30; written += len(block) {
			_, _ = os.Stderr.Write(block)
		}
	case "slow":
		time.Sleep(2 * time.Second)
	case "core":
		return coreLimit()
	case "linger":
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		lingers = true
	}
	return nil
}

// sleepInSession leaves a process running in a session of its own.
func (k *key) sleepInSession() error {
	grandchild := exec.Command(k.program, "sleep") //nolint:noctx // left running
	inSession(grandchild)
	return grandchild.Start()
}

func (k *key) secret() string {
	if k.identity != nil {
		return k.identity.String()
	}
	return k.recipient.String()
}

func flood(first, again, last string) {
	block := strings.Repeat(again, 4096)
	_, err := os.Stdout.WriteString(first)
	for err == nil {
		_, err = os.Stdout.WriteString(block)
	}
	_, _ = os.Stdout.WriteString(last)
	time.Sleep(time.Hour)
}
