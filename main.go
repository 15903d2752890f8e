// Underlay is a terminal tutor for container networking. This file wires the
// packages together and decides exit codes; the commands are in commands.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"underlay/engine"
	"underlay/engine/preflight"
	"underlay/engine/sandbox"
	"underlay/engine/workload"
)

// version is set by the Makefile.
var version = "devel"

// The exit codes, as `underlay help` lists them.
const (
	exitOK        = 0
	exitNotSolved = 1
	exitUsage     = 2
	exitCannotRun = 3
	exitInternal  = 4
)

func main() { os.Exit(dispatch(os.Args)) }

// dispatch chooses by the name this binary was started under: in a lab it is
// also the init, the sudo and every workload.
func dispatch(argv []string) int {
	switch name := filepath.Base(argv[0]); {
	case name == sandbox.InitName:
		return sandbox.InitMain()
	case name == sandbox.SudoName:
		return sandbox.SudoMain(argv)
	case strings.HasPrefix(name, sandbox.WorkloadName):
		return workload.Main(argv[1:])
	case name == preflight.ProbeName:
		return preflight.ProbeMain(argv[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	defer stop()
	p := &program{
		inside: filepath.Base(argv[0]) == sandbox.AppName,
		args:   argv[1:], out: os.Stdout, err: os.Stderr,
	}
	return p.run(ctx)
}

// exitError ends the program with a code and no further words.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usageError is a mistake in how the program was called.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// report prints an error as "error: …" and "hint: …" and returns its exit code.
func report(w io.Writer, err error) int {
	var code exitError
	if err == nil {
		return exitOK
	}
	if errors.As(err, &code) {
		return int(code)
	}
	_, _ = fmt.Fprintf(w, "error: %v\n", err)
	var hinted *engine.Error
	var usage usageError
	switch {
	case errors.As(err, &hinted):
		_, _ = fmt.Fprintf(w, "hint: %s\n", hinted.Hint)
	case errors.As(err, &usage):
		_, _ = fmt.Fprintln(w, "hint: `underlay help` lists the commands and their flags")
	}
	switch {
	case errors.As(err, &usage), errors.Is(err, engine.ErrNotFound):
		return exitUsage
	case errors.Is(err, engine.ErrCannotRun):
		return exitCannotRun
	case errors.Is(err, context.Canceled):
		return 128 + int(syscall.SIGINT)
	}
	return exitInternal
}
