// Vm boots a second kernel, Debian's own, in a virtual machine and runs there
// what the kernel of the machine at hand may not be able to run: `make vm-test`.
// This same binary is also the virtual machine's init.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"underlay/vm/internal/guest"
)

// The exit codes, as those of underlay.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitCannotRun = 3
	exitInternal  = 4

	exitInterrupted = 128 + int(syscall.SIGINT)
)

func main() { os.Exit(dispatch()) }

// dispatch chooses by the name and number this process has.
func dispatch() int {
	switch {
	case filepath.Base(os.Args[0]) == guest.RunnerName:
		return guestCode(guest.Run())
	case os.Getpid() == 1 && os.Args[0] == "/init":
		return guestCode(guest.Init())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:])
	if err != nil && ctx.Err() != nil { // whatever was under way did not like to end
		err = ctx.Err()
	}
	return explain(os.Stderr, err)
}

func guestCode(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		return exitFailed
	}
	return exitOK
}

// options is what the flags say.
type options struct {
	source string        // this repository
	work   string        // what is built and downloaded is kept there
	junit  string        // the file for the results
	only   string        // a regular expression; steps whose names it does not match are left out
	limit  time.Duration // of the virtual machine's life
	kube   string        // the directory with the programs that make clusters; "" leaves labs with one out
	wanted wanted
}

func command(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("vm", flag.ContinueOnError)
	flags.StringVar(&o.source, "source", ".", "this repository's `directory`")
	flags.StringVar(&o.work, "work", "bin/vm", "the `directory` for what is downloaded and built")
	flags.StringVar(&o.junit, "junit", "", "the `file` for the results (default: junit.xml in the work directory)")
	flags.StringVar(&o.only, "run", "", "run only steps whose names match this regular `expression`")
	flags.DurationVar(&o.limit, "limit", 40*time.Minute, "stop the virtual machine after this `time`")
	flags.BoolVar(&o.wanted.all, "all", false, "make every proof of every lab, not only a sample; give it a -limit of hours")
	flags.Func("labs", "prove only the labs with these `IDs`, separated by commas", func(ids string) error {
		o.wanted.labs = strings.Split(ids, ",")
		return nil
	})
	flags.StringVar(&o.kube, "kubernetes", "", "prove only the labs with a Kubernetes, whose programs are in this `directory`; give it a -limit of hours")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return usageError{err}
	}
	if flags.NArg() > 0 {
		return usageError{fmt.Errorf("unexpected %q", flags.Arg(0))}
	}
	if o.junit == "" {
		o.junit = filepath.Join(o.work, "junit.xml")
	}
	return prove(ctx, o)
}

// errFailed says that proofs failed, which has been said in full before.
var errFailed = errors.New("some proofs failed")

type usageError struct{ error }

// cannotRun is an error with what to do about it.
type cannotRun struct {
	err  error
	hint string
}

func (e cannotRun) Error() string { return e.err.Error() }
func (e cannotRun) Unwrap() error { return e.err }

// explain prints an error and returns its exit code.
func explain(w io.Writer, err error) int {
	var usage usageError
	var cannot cannotRun
	code, hint := exitInternal, "the consoles of the virtual machines are in the files console-*.log beside the results"
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintln(w, "error: interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		code, hint = exitUsage, "vm -h lists the flags"
	case errors.As(err, &cannot):
		code, hint = exitCannotRun, cannot.hint
	}
	_, _ = fmt.Fprintf(w, "error: %v\nhint: %s\n", err, hint)
	return code
}
