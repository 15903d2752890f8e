// Package machine runs the virtual machine with QEMU, without KVM: each of its
// instructions is translated, so it runs on every machine and slowly.
package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"underlay/vm/internal/plan"
)

// Program is the QEMU that is run, and Package Debian's package that has it.
const (
	Program = "qemu-system-x86_64"
	Package = "qemu-system-x86"
)

// Machine is a virtual machine to be started.
type Machine struct {
	Kernel  string // file
	Initrd  string // file
	Console string // file that its console is written to
}

// kernelLine is what the kernel is told. A machine that panics or oopses ends.
// Guarding against leaks to itself would only make it slower.
const kernelLine = "console=ttyS0 loglevel=4 panic=-1 oops=panic mitigations=off random.trust_cpu=on no5lvl"

func (m Machine) command(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, Program,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-net", "none",
		"-machine", "pc", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "2048",
		"-kernel", m.Kernel, "-initrd", m.Initrd, "-append", kernelLine,
		"-serial", "file:"+m.Console, "-serial", "stdio",
	)
}

// Run starts the machine and hands on its events until it ends. A machine that
// ends before it has said that it is done is an error, with the end of its
// console.
func (m Machine) Run(ctx context.Context, each func(plan.Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := m.command(ctx)
	cmd.WaitDelay = 10 * time.Second
	var complaint strings.Builder
	cmd.Stderr = &complaint
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done, readErr := read(events, each)
	if readErr != nil {
		cancel()
	}
	_, drainErr := io.Copy(io.Discard, events)
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil && readErr == nil:
		return fmt.Errorf("the virtual machine was stopped: %w", context.Cause(ctx))
	case done && readErr == nil && waitErr == nil:
		return nil
	}
	return fmt.Errorf("the virtual machine ended before it was done: %w\n%s%s",
		errors.Join(readErr, drainErr, waitErr), complaint.String(), m.lastWords())
}

// read decodes events up to the one that says that all is done.
func read(r io.Reader, each func(plan.Event)) (done bool, err error) {
	d := json.NewDecoder(r)
	for {
		var e plan.Event
		err := d.Decode(&e)
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("read the serial line: %w", err)
		case e.Done:
			return true, nil
		}
		each(e)
	}
}

// maxLastWords is how much of the console is shown, in bytes.
const maxLastWords = 4000

func (m Machine) lastWords() string {
	b, err := os.ReadFile(m.Console)
	if err != nil || len(b) == 0 {
		return "it said nothing on its console"
	}
	if len(b) > maxLastWords {
		b = b[len(b)-maxLastWords:]
	}
	return "the end of its console, " + filepath.Base(m.Console) + ":\n" + strings.ToValidUTF8(string(b), "\uFFFD")
}
