package workload

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/workload/server"
)

// crasher ends with an error after a while, as a program does whose settings
// are wrong.
func crasher(ctx context.Context, args []string) int {
	f := flag.NewFlagSet("crasher", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	after := f.Duration("after", 200*time.Millisecond, "how long it lives")
	code := f.Int("code", 1, "its exit code")
	says := f.String("says", "cannot reach the database: no address in DB_HOST", "its last words")
	if err := f.Parse(args); err != nil {
		return server.Exit("crasher", server.Usage(err))
	}
	fmt.Println("starting")
	if !wait(ctx, *after) {
		return 0
	}
	server.Exit("crasher", errors.New(*says))
	return *code
}

// toolbox is a shell where there is a terminal to talk on, and waits otherwise:
// then it is there for kubectl exec.
func toolbox(ctx context.Context) error {
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err != nil {
		<-ctx.Done()
		return nil //nolint:nilerr // no terminal is no failure
	}
	for _, shell := range []string{"/bin/bash", "/bin/sh"} {
		if err := syscall.Exec(shell, []string{shell}, os.Environ()); !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return errors.New("this machine has no shell")
}
