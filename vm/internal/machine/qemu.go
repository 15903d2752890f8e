// Package machine runs the virtual machine with QEMU, without KVM: each of its
// instructions is translated, so it runs on every machine and slowly.
package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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

// Machine is a virtual machine to be started. It has one processor: with two, QEMU's TCG may
// go on running the int3 with which the kernel has patched a static key a moment ago, and
// both processors are busy for ever (a soft lockup in asm_exc_int3; nft_do_chain has such a
// key, which each trace turns on and off).
type Machine struct {
	Lane    string // what it runs
	Kernel  string // file
	Initrd  string // file
	Console string // file that its console is written to
}

// kernelLine is what the kernel is told. A machine that panics or oopses ends, and one that
// is sent an NMI panics, with its memory and the stacks of its processors on the console
// (panic_print). Guarding against leaks to itself would only make it slower.
const kernelLine = "console=ttyS0 loglevel=4 panic=-1 oops=panic unknown_nmi_panic panic_print=0x42 mitigations=off random.trust_cpu=on no5lvl"

func (m Machine) command(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, Program,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-net", "none",
		"-machine", "pc", "-accel", "tcg,tb-size=512", "-cpu", "max", "-smp", "1", "-m", "1536",
		"-kernel", m.Kernel, "-initrd", m.Initrd, "-append", kernelLine+" "+plan.LaneVariable+"="+m.Lane,
		"-serial", "file:"+m.Console, "-serial", "stdio",
		"-chardev", "socket,id=monitor,server=on,wait=off,path="+m.monitor(), "-mon", "chardev=monitor",
	)
}

// monitor is the socket on which QEMU takes commands.
func (m Machine) monitor() string { return m.Console + ".monitor" }

// forStacks is how long a machine that is to end may take to say on its console where it is.
const forStacks = 20 * time.Second

// interrupt sends the machine an NMI, at which it panics, and so ends.
func (m Machine) interrupt(cmd *exec.Cmd) error {
	conn, err := net.Dial("unix", m.monitor())
	if err == nil {
		_, err = io.WriteString(conn, "nmi\n")
		err = errors.Join(err, conn.SetReadDeadline(time.Now().Add(forStacks)))
		_, _ = io.Copy(io.Discard, conn) // until QEMU has ended, or the time is over
		err = errors.Join(err, conn.Close())
	}
	_ = cmd.Process.Kill() // it may have ended by now
	return err
}

// Run starts the machine and hands on its events until it ends. A machine that
// ends before it has said that it is done is an error, with the end of its
// console.
func (m Machine) Run(ctx context.Context, each func(plan.Event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := m.command(ctx)
	cmd.Cancel = func() error { return m.interrupt(cmd) }
	cmd.WaitDelay = forStacks + 10*time.Second
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
		return fmt.Errorf("the virtual machine was stopped: %w\n%s", context.Cause(ctx), m.lastWords())
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
const maxLastWords = 12000

func (m Machine) lastWords() string {
	b, err := os.ReadFile(m.Console)
	if err != nil || len(b) == 0 {
		return "its console is empty"
	}
	if len(b) > maxLastWords {
		b = b[len(b)-maxLastWords:]
	}
	return "the end of its console, " + filepath.Base(m.Console) + ":\n" + strings.ToValidUTF8(string(b), "\uFFFD")
}
