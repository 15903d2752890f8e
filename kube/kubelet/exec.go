package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"underlay/kube/pod"
)

// run runs a command in the container, with standard output and standard error
// going to output, and returns its exit code. When ctx ends it is killed.
func (i *instance) run(ctx context.Context, argv []string, output io.Writer) (int, error) {
	s := session{argv: argv, out: output, err: output}
	return s.run(ctx, i)
}

// session is a command that runs in a container beside its main process.
type session struct {
	argv     []string
	in       io.Reader
	out, err io.Writer
	tty      bool
	resize   <-chan remotecommand.TerminalSize
}

// run runs the session to its end and returns the command's exit code.
func (s *session) run(ctx context.Context, i *instance) (int, error) {
	p := pod.Process{Key: newID(), In: i.id, Argv: s.argv, Env: i.env, Dir: i.dir, TTY: s.tty}
	if s.tty {
		return s.onTerminal(ctx, i, p)
	}
	return s.onPipes(ctx, i, p)
}

func (s *session) onTerminal(ctx context.Context, i *instance, p pod.Process) (int, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return 0, fmt.Errorf("open a terminal: %w", err)
	}
	defer master.Close() //nolint:errcheck // a terminal: nothing is kept in it
	stop := followSize(ctx, master, s.resize)
	defer stop()
	exit, err := i.sandbox.Start(ctx, p, slave, slave, slave)
	_ = slave.Close()
	if err != nil {
		return 0, err
	}
	if s.in != nil {
		go copyInput(master, s.in, nil)
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(s.out, master) // EIO when the last process lets go of the terminal
	}()
	e, err := s.await(ctx, i, p, exit)
	// What runs on in the background may keep the terminal open.
	_ = master.SetReadDeadline(time.Now().Add(drainWait))
	<-copied
	return e.Code, err
}

func (s *session) onPipes(ctx context.Context, i *instance, p pod.Process) (int, error) {
	in, inW, err1 := os.Pipe()
	out, outW, err2 := os.Pipe()
	errR, errW, err3 := os.Pipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, err
	}
	defer pod.CloseAll([]*os.File{out, errR})
	exit, err := i.sandbox.Start(ctx, p, in, outW, errW)
	pod.CloseAll([]*os.File{in, outW, errW})
	if err != nil {
		_ = inW.Close()
		return 0, err
	}
	if s.in != nil {
		go copyInput(inW, s.in, inW)
	} else {
		_ = inW.Close()
	}
	var wg sync.WaitGroup
	for to, from := range map[io.Writer]*os.File{s.out: out, s.err: errR} {
		if to == nil {
			to = io.Discard
		}
		wg.Go(func() { _, _ = io.Copy(to, from) })
	}
	e, err := s.await(ctx, i, p, exit)
	for _, f := range []*os.File{out, errR} {
		_ = f.SetReadDeadline(time.Now().Add(drainWait))
	}
	wg.Wait()
	return e.Code, err
}

// await waits for the command's end, or ends it when ctx does.
func (s *session) await(ctx context.Context, i *instance, p pod.Process, exit <-chan pod.Exit) (pod.Exit, error) {
	select {
	case e := <-exit:
		return e, nil
	case <-ctx.Done():
	}
	kill, cancel := context.WithTimeout(context.WithoutCancel(ctx), signalWait)
	defer cancel()
	if err := i.sandbox.Signal(kill, p.Key, syscall.SIGKILL); err != nil {
		return pod.Exit{}, errors.Join(ctx.Err(), err)
	}
	return <-exit, ctx.Err()
}

// copyInput passes on input until there is no more, then closes end if it is given.
func copyInput(to io.Writer, from io.Reader, end io.Closer) {
	_, _ = io.Copy(to, from) // either side may go first
	if end != nil {
		_ = end.Close()
	}
}

// followSize gives a terminal the sizes that come over the channel.
func followSize(ctx context.Context, tty *os.File, sizes <-chan remotecommand.TerminalSize) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for {
			select {
			case size, ok := <-sizes:
				if !ok {
					return
				}
				// A size that the kernel does not take changes nothing.
				_ = pty.Setsize(tty, &pty.Winsize{Rows: size.Height, Cols: size.Width})
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}
