package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
)

// screenWait is how long the program may take to show anything awaited.
const screenWait = 15 * time.Second

// person runs the program on a pty and waits for bytes to come.
type person struct {
	cmd *exec.Cmd
	tty *os.File

	mu   sync.Mutex
	got  []byte
	at   time.Time // when the last bytes came
	news chan struct{}
	eof  bool
}

func sit(ctx context.Context, c Config, args ...string) (*person, error) {
	cmd := exec.CommandContext(ctx, c.Binary, append([]string{"--state", c.State}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 100, Rows: 30})
	if err != nil {
		return nil, err
	}
	p := &person{cmd: cmd, tty: tty, news: make(chan struct{}, 1)}
	go p.read()
	return p, nil
}

func (p *person) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := p.tty.Read(buf)
		p.mu.Lock()
		p.got = append(p.got, buf[:n]...)
		if n > 0 {
			p.at = time.Now()
		}
		p.eof = err != nil
		p.mu.Unlock()
		select {
		case p.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// forget drops what has come so far.
func (p *person) forget() {
	p.mu.Lock()
	p.got = nil
	p.mu.Unlock()
}

// until waits until what has come satisfies ok and returns when its last part came.
func (p *person) until(what string, ok func([]byte) bool) (time.Time, error) {
	deadline := time.After(screenWait)
	for {
		p.mu.Lock()
		done, at, eof := ok(p.got), p.at, p.eof
		p.mu.Unlock()
		if done {
			return at, nil
		}
		if eof {
			return at, fmt.Errorf("the program ended before %s", what)
		}
		select {
		case <-p.news:
		case <-deadline:
			return at, fmt.Errorf("never saw %s", what)
		}
	}
}

// quiet waits until nothing has come for d.
func (p *person) quiet(d time.Duration) {
	for {
		p.mu.Lock()
		rest := d - time.Since(p.at)
		p.mu.Unlock()
		if rest <= 0 {
			return
		}
		time.Sleep(rest)
	}
}

func (p *person) leave() error {
	killErr := p.cmd.Process.Kill()
	waitErr := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) {
		waitErr = nil
	}
	return errors.Join(killErr, waitErr, p.tty.Close())
}

// screens measures the program with a lab open: at rest, and key to echo.
func screens(ctx context.Context, c Config) (figures []Figure, err error) {
	p, err := sit(ctx, c, "lab", c.Lab.ID)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.leave()) }()
	if _, err := p.until("the shell's prompt", func(b []byte) bool { return bytes.Contains(b, []byte("#")) }); err != nil {
		return nil, err
	}
	p.quiet(2 * time.Second)
	figures, err = atRest(p)
	if err != nil {
		return nil, err
	}
	idle, err := echoes(p, 60, 30*time.Millisecond)
	if err != nil {
		return nil, err
	}
	figures = append(figures, figure("key to echo", "ms", idle, limit{p99: 16}))
	flood, stop, err := underFlood(p)
	if err != nil {
		return nil, err
	}
	return append(figures,
		figure("Ctrl-C to the end of a flood", "ms", stop, limit{p99: 100}),
		figure("key to frame during a flood", "ms", flood, limit{p99: 50})), nil
}

// echoes types letters and waits for each one to appear.
func echoes(p *person, n int, pause time.Duration) ([]float64, error) {
	var samples []float64
	for i := range n {
		key := []byte{byte('a' + i%26)}
		p.forget()
		begin := time.Now()
		if _, err := p.tty.Write(key); err != nil {
			return nil, err
		}
		at, err := p.until("the echo of a key", func(b []byte) bool { return bytes.Contains(b, key) })
		if err != nil {
			return nil, err
		}
		samples = append(samples, ms(at.Sub(begin)))
		p.quiet(pause)
	}
	_, err := p.tty.Write([]byte{0x15}) // Ctrl-U: clear the line
	return samples, err
}

// underFlood measures with `yes` running: a key that the program itself acts on,
// and how long after Ctrl-C the prompt is back.
func underFlood(p *person) (keys, stops []float64, err error) {
	for i := range 8 {
		p.quiet(200 * time.Millisecond)
		p.forget()
		// In other words each time: what is on the screen already is not drawn again.
		word := strings.Repeat(string(rune('A'+i)), 8)
		if _, err := p.tty.WriteString("yes " + word + "\r"); err != nil {
			return nil, nil, err
		}
		if _, err := p.until("the flood", func(b []byte) bool { return bytes.Count(b, []byte(word)) > 20 }); err != nil {
			return nil, nil, err
		}
		begin := time.Now()
		p.forget()
		if _, err := p.tty.WriteString("\x1bOP"); err != nil { // F1: the menu
			return nil, nil, err
		}
		at, err := p.until("the menu during a flood", func(b []byte) bool { return bytes.Contains(b, []byte("would")) })
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, ms(at.Sub(begin)))
		if _, err := p.tty.WriteString("\x1b"); err != nil {
			return nil, nil, err
		}
		p.quiet(0)
		time.Sleep(100 * time.Millisecond)
		begin = time.Now()
		p.forget()
		if _, err := p.tty.WriteString("\x03"); err != nil {
			return nil, nil, err
		}
		at, err = p.until("the prompt after Ctrl-C", func(b []byte) bool { return bytes.Contains(b, []byte("#")) })
		if err != nil {
			return nil, nil, err
		}
		stops = append(stops, ms(at.Sub(begin)))
	}
	return keys, stops, nil
}

// atRest measures CPU and memory of the program and of all it started, but
// for the learner's shells, over five seconds without a key.
func atRest(p *person) ([]Figure, error) {
	cpu, end, err := resting(p.cmd.Process.Pid, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return []Figure{
		figure("CPU at rest, lab open", "percent", []float64{cpu}, limit{p50: 0.5}),
		figure("memory at rest, lab open", "MiB", []float64{end.memory()}, limit{p50: 64}),
	}, nil
}
