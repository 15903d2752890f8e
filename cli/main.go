// Package cli is the program as it is called: its commands, one a file, each with
// what it prints, and the exit codes. It wires the other packages together.
package cli

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

// The exit codes, as `underlay help` lists them.
const (
	exitOK        = 0
	exitNotSolved = 1
	exitUsage     = 2
	exitCannotRun = 3
	exitInternal  = 4
)

// Main runs the program and returns its exit code. What it is, the name says that it
// was started under: in a lab it is also the init, the sudo and every workload.
func Main(argv []string, version string) int {
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
		args:   argv[1:], out: os.Stdout, err: os.Stderr, version: version,
	}
	return p.run(ctx)
}

// exitError ends the program with a code and no further words.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// machineError is something about this machine, other than what a lab requires,
// that keeps the program from its work.
type machineError struct{ err error }

func (e machineError) Error() string { return e.err.Error() }
func (e machineError) Unwrap() error { return e.err }

// report prints an error as "error: …" and "hint: …" and returns its exit code.
func report(w io.Writer, err error) int {
	var code exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	code, hint := judge(err)
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	_, _ = fmt.Fprintf(w, "error: %v\nhint: %s\n", err, hint)
	return int(code)
}

// judge returns an error's exit code, and the hint that it brings along or that
// its kind has.
func judge(err error) (code exitError, hint string) {
	var usage usageError
	var machine machineError
	var script *engine.ScriptError
	switch {
	case errors.As(err, &usage), errors.Is(err, engine.ErrNotFound):
		code, hint = exitUsage, "`underlay help` lists the commands and their flags"
	case errors.As(err, &script):
		code, hint = exitUsage, "the mistake is in the lab; `underlay author test` shows each of its proofs"
	case errors.As(err, &machine), errors.Is(err, engine.ErrCannotRun):
		code, hint = exitCannotRun, "`underlay doctor` says what this machine can run"
	case errors.Is(err, context.Canceled):
		code, hint = 128+exitError(syscall.SIGINT), "nothing of the lab is left behind; start it again when you like"
	default:
		code, hint = exitInternal, "try again; if it happens again, report it with the output of `underlay doctor --json`"
	}
	var hinted *engine.Error
	if errors.As(err, &hinted) {
		hint = hinted.Hint
	}
	return code, hint
}
