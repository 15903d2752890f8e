package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"underlay/engine"
)

// AppName is argv[0] of the app layer: main calls its commands in that layer
// when it finds itself started under this name.
const AppName = "underlay-app"

// Outer runs this binary again as the app layer with the same arguments, waits
// for it and returns its exit code. The terminal is as it was afterwards,
// however the app ends. It must be called from the main goroutine, which stays
// on the main thread (netns sees to that): the app dies with the thread that started it.
func Outer(args []string) (int, error) {
	cmd, err := appCommand(args)
	if err != nil {
		return 0, err
	}
	restore := saveTerminal()
	defer restore()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGHUP, unix.SIGTERM, unix.SIGINT, unix.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, explainClone(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == unix.SIGHUP || s == unix.SIGTERM {
				endApp(cmd.Process, s, done)
				return 128 + int(s.(syscall.Signal)), nil
			}
		case err := <-done:
			return exitCode(err)
		}
	}
}

func appCommand(args []string) (*exec.Cmd, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{AppName}, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:  unix.SIGKILL,
	}
	if os.Getuid() != 0 {
		caps, err := allCapabilities()
		if err != nil {
			return nil, err
		}
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings, attr.GidMappings = selfMappings()
		attr.AmbientCaps = caps
	}
	cmd.SysProcAttr = attr
	return cmd, nil
}

// endApp asks the app to end and kills it if it takes long. The kernel ends
// everything in its pid namespace with it.
//
//nolint:errcheck // the signal, not the exit status, says how the app ended
func endApp(p *os.Process, s os.Signal, done <-chan error) {
	_ = p.Signal(s)
	select {
	case <-done:
	case <-time.After(time.Second):
		_ = p.Kill()
		<-done
	}
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, err
	case exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, err
	}
	return 128 + int(status.Signal()), fmt.Errorf("the program was ended by a signal (%v); nothing of the lab is left behind", status.Signal())
}

// saveTerminal remembers the terminal's modes. The function it returns puts them
// back and, if the modes had been changed, leaves what a full-screen program
// turns on: alternate screen, mouse, bracketed paste, hidden cursor.
func saveTerminal() func() {
	fd := int(os.Stdin.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	return func() {
		after, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil || *after == *before {
			return
		}
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, before)
		if term.IsTerminal(int(os.Stdout.Fd())) {
			fmt.Print("\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[<u\x1b[?25h\x1b[0m")
		}
	}
}

// explainClone turns the kernel's refusal to make namespaces into words.
func explainClone(err error) error {
	cause := errors.Join(engine.ErrCannotRun, err)
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return engine.Hintf(fmt.Errorf("this machine does not let an ordinary user make namespaces: %w", cause),
			"run `underlay doctor` to see why, or start underlay with sudo")
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return engine.Hintf(fmt.Errorf("the machine's limit on namespaces is reached: %w", cause),
			"raise it: sudo sysctl -w user.max_user_namespaces=15000 user.max_net_namespaces=15000")
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return engine.Hintf(fmt.Errorf("this kernel has no user namespaces: %w", cause),
			"start underlay with sudo, or use a kernel with CONFIG_USER_NS")
	}
	return fmt.Errorf("cannot start in namespaces: %w", cause)
}
