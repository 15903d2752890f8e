package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"

	"underlay/kube/pod"
)

// instance is one life of a container.
type instance struct {
	id      string // also its key in the sandbox
	sandbox *pod.Sandbox
	env     []string
	dir     string
	started time.Time
	log     string   // path
	tty     *os.File // the master of its terminal, if it has one
	stdin   *os.File // what it reads, if anything
	once    bool     // its input ends with the first client that is attached
	output  *fanout

	done   chan struct{} // closed when it has ended and its output is in the log
	exit   pod.Exit      // set then
	booted chan struct{} // closed when its startup probe has succeeded
}

// startInstance starts the container's process with its output going to its log.
func startInstance(ctx context.Context, c *container, p pod.Process) (*instance, error) {
	i := &instance{
		id: p.Key, sandbox: c.w.sandbox, env: p.Env, dir: p.Dir, started: time.Now(),
		log:    c.w.logPath(c.spec.Name, c.starts),
		once:   c.spec.StdinOnce && !c.spec.TTY,
		output: &fanout{}, done: make(chan struct{}), booted: make(chan struct{}),
	}
	if err := os.MkdirAll(filepath.Dir(i.log), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(i.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	theirs, outputs, err := i.files(c.spec.TTY, c.spec.Stdin)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	defer pod.CloseAll(theirs)
	exit, err := c.w.sandbox.Start(ctx, p, theirs[0], theirs[1], theirs[2])
	if err != nil {
		pod.CloseAll(outputs)
		i.closeInput()
		return nil, errors.Join(err, log.Close())
	}
	go i.collect(exit, log, outputs)
	return i, nil
}

// files makes the process's descriptors and our ends of them: what it writes to
// standard output and, unless it has a terminal, standard error.
func (i *instance) files(tty, stdin bool) (theirs, outputs []*os.File, err error) {
	if tty {
		master, slave, err := pty.Open()
		if err != nil {
			return nil, nil, fmt.Errorf("open a terminal: %w", err)
		}
		i.tty, i.stdin = master, master
		return []*os.File{slave, slave, slave}, []*os.File{master}, nil
	}
	in, err := os.Open(os.DevNull)
	if err == nil && stdin {
		_ = in.Close()
		in, i.stdin, err = os.Pipe()
	}
	if err != nil {
		return nil, nil, err
	}
	out, outW, err1 := os.Pipe()
	errR, errW, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	return []*os.File{in, outW, errW}, []*os.File{out, errR}, nil
}

// collect copies output to the log until the process has ended and said all.
func (i *instance) collect(exit <-chan pod.Exit, log *os.File, outputs []*os.File) {
	var wg sync.WaitGroup
	l := &logWriter{file: log}
	for n, out := range outputs {
		stream := [2]string{"stdout", "stderr"}[n]
		wg.Go(func() { i.output.copy(l.stream(stream), out, stream) })
	}
	e := <-exit
	if i.tty != nil {
		// The kernel ends a read of the master when the last process has let go of
		// the terminal, which the end of the container's first process implies.
		_ = i.tty.SetReadDeadline(time.Now().Add(drainWait))
	}
	wg.Wait()
	_ = log.Close()
	i.closeInput()
	for _, out := range outputs {
		_ = out.Close()
	}
	i.output.close()
	i.exit = e
	close(i.done)
}

// drainWait is how long output may come after the end of a process with a terminal.
const drainWait = time.Second

// wait returns how the instance ended, once it has.
func (i *instance) wait() pod.Exit {
	<-i.done
	return i.exit
}

func (i *instance) closeInput() {
	if i.stdin != nil {
		_ = i.stdin.Close()
	}
}

// signal sends a signal to the instance's process; if it has ended, it needs none.
func (i *instance) signal(sig syscall.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), signalWait)
	defer cancel()
	_ = i.sandbox.Signal(ctx, i.id, sig)
}

// logPath is where the output of a container's nth life goes.
func (w *worker) logPath(container string, n int) string {
	return filepath.Join(w.dir, "logs", container, fmt.Sprintf("%d.log", n))
}

// logWriter writes lines as container runtimes log them:
//
//	2006-01-02T15:04:05.999999999Z stdout F the line
//
// with P instead of F for a part of a line that goes on.
type logWriter struct {
	mu   sync.Mutex
	file *os.File
}

type logStream struct {
	log    *logWriter
	name   string
	buffer []byte
}

// maxLine is how long a line may be in one piece, in bytes.
const maxLine = 16 << 10

func (l *logWriter) stream(name string) *logStream { return &logStream{log: l, name: name} }

func (s *logStream) Write(p []byte) (int, error) {
	s.buffer = append(s.buffer, p...)
	for {
		n := 0
		for n < len(s.buffer) && s.buffer[n] != '\n' {
			n++
		}
		switch {
		case n < len(s.buffer):
			s.line("F", s.buffer[:n])
			s.buffer = s.buffer[n+1:]
		case n >= maxLine:
			s.line("P", s.buffer[:maxLine])
			s.buffer = s.buffer[maxLine:]
		default:
			return len(p), nil
		}
	}
}

// flush writes what is left of a last line without an end.
func (s *logStream) flush() {
	if len(s.buffer) > 0 {
		s.line("F", s.buffer)
		s.buffer = nil
	}
}

func (s *logStream) line(tag string, text []byte) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	// A log that cannot be written must not end the container.
	_, _ = fmt.Fprintf(s.log.file, "%s %s %s %s\n", time.Now().UTC().Format(time.RFC3339Nano), s.name, tag, text)
}

// fanout copies output to the log, and to whoever is attached meanwhile.
type fanout struct {
	mu     sync.Mutex
	closed bool
	taps   map[*tap]struct{}
}

// tap is one who is attached. Writes to it must not hold up the container for
// long, but what it is sent must not be lost either.
type tap struct {
	out, err io.Writer
	gone     chan struct{} // closed when it takes no more
}

func (f *fanout) copy(log *logStream, from io.Reader, stream string) {
	buf := make([]byte, 8<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_, _ = log.Write(buf[:n])
			f.send(buf[:n], stream)
		}
		if err != nil {
			log.flush()
			return
		}
	}
}

func (f *fanout) send(p []byte, stream string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for t := range f.taps {
		to := t.out
		if stream == "stderr" {
			to = t.err
		}
		if to == nil {
			continue
		}
		if _, err := to.Write(p); err != nil {
			f.drop(t)
		}
	}
}

func (f *fanout) drop(t *tap) {
	delete(f.taps, t)
	close(t.gone)
}

// attach sends output to these writers until the channel is closed; either may be nil.
func (f *fanout) attach(out, err io.Writer) *tap {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &tap{out: out, err: err, gone: make(chan struct{})}
	if f.closed {
		close(t.gone)
		return t
	}
	if f.taps == nil {
		f.taps = map[*tap]struct{}{}
	}
	f.taps[t] = struct{}{}
	return t
}

func (f *fanout) detach(t *tap) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, there := f.taps[t]; there {
		f.drop(t)
	}
}

func (f *fanout) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for t := range f.taps {
		f.drop(t)
	}
}
