package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"underlay/vm/internal/plan"
)

// Run runs the lane of the plan that is this machine's and writes the events to the serial line.
func Run() (err error) {
	text, err := os.ReadFile(plan.File)
	if err != nil {
		return err
	}
	var p plan.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("%s: %w", plan.File, err)
	}
	lane := p.Lane(os.Getenv(plan.LaneVariable))
	if lane == nil {
		return fmt.Errorf("the plan has no lane %q", os.Getenv(plan.LaneVariable))
	}
	line, err := os.OpenFile(plan.Line, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, line.Close()) }()
	// As it is, a serial line would turn each \n into \r\n.
	if _, err := term.MakeRaw(int(line.Fd())); err != nil {
		return fmt.Errorf("%s: %w", plan.Line, err)
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return err
	}
	r := &runner{blocked: blocked, events: json.NewEncoder(line)}
	r.say(plan.Event{Kernel: unix.ByteSliceToString(name.Release[:])})
	for _, s := range lane.Steps {
		r.say(plan.Event{Step: s.Name})
		result := r.runTwice(s)
		r.say(plan.Event{Step: s.Name, Result: &result})
	}
	r.say(plan.Event{Done: true})
	return r.err
}

// runner says on the line what it runs, one event at a time.
type runner struct {
	blocked func() // says what the kernel knows of what hangs

	mu     sync.Mutex
	events *json.Encoder
	err    error // the first that writing an event met
}

func (r *runner) say(e plan.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.events.Encode(e); r.err == nil {
		r.err = err
	}
}

// runTwice runs a step, and those of its tests that fail once more, by themselves: an
// emulated processor may have been too slow for what they wait for.
func (r *runner) runTwice(s plan.Step) plan.Result {
	result, printed := r.run(s)
	failed := plan.FailedTests(printed)
	if s.Kind != plan.GoTest || result.Error != "" || len(failed) == 0 {
		return result
	}
	again := s
	again.Name = plan.Again(s.Name)
	again.Command = append(slices.Clone(s.Command), "-test.run", "^("+strings.Join(failed, "|")+")$")
	r.say(plan.Event{Step: again.Name})
	second, _ := r.run(again)
	result.Again = &second
	return result
}

// run runs one step to its end and says what it prints. What it started and left
// behind in its process group is killed with it.
func (r *runner) run(s plan.Step) (result plan.Result, printed string) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	cmd.Dir = plan.Source
	if s.Dir != "" {
		cmd.Dir = s.Dir
	}
	home := "/root"
	if !s.Root {
		home = "/home/" + plan.Ordinary
	}
	cmd.Env = []string{
		"PATH=" + path, "HOME=" + home, "LANG=C.UTF-8", "TERM=xterm-256color", "TMPDIR=/tmp", "UNDERLAY_BIN=" + plan.Program,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: identity(s)}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out := lines{r: r, step: s.Name}
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	over := out.watch(s.Silence, func() { r.dump(cmd.Process.Pid) })
	err := cmd.Run()
	over()
	out.end()
	result = plan.Result{Took: time.Since(begun), Exit: -1}
	var exit *exec.ExitError
	switch {
	case out.hung.Load():
		result.Error = fmt.Sprintf("it hung: it printed nothing for %v", s.Silence)
	case ctx.Err() != nil:
		result.Error = fmt.Sprintf("still running after %v", s.Limit)
	case err == nil || errors.As(err, &exit):
		result.Exit = cmd.ProcessState.ExitCode()
	default:
		result.Error = err.Error()
	}
	if s.JUnit != "" {
		text, err := os.ReadFile(s.JUnit)
		if err != nil && result.Error == "" {
			result.Error = err.Error()
		}
		result.JUnit = string(text)
	}
	return result, out.printed.String()
}

// untilKilled is how long what hangs may take to say where it is.
const untilKilled = 10 * time.Second

// blocked has the kernel write the stacks of what is blocked to the console.
func blocked() {
	_ = os.WriteFile("/proc/sys/kernel/printk", []byte("7"), 0)
	_ = os.WriteFile("/proc/sysrq-trigger", []byte("w"), 0)
}

// dump has a process group that hangs say where: programs in Go print the stacks of their
// goroutines and end. What does not end is killed.
func (r *runner) dump(group int) {
	r.blocked()
	_ = unix.Kill(-group, unix.SIGQUIT)
	time.Sleep(untilKilled)
	_ = unix.Kill(-group, unix.SIGKILL)
}

// lines sends what a step prints, in whole lines.
type lines struct {
	r    *runner
	step string
	part []byte // of a line that has not ended yet

	printed plan.Tail

	limit   time.Duration // of silence
	silence *time.Timer   // ends with it; nil if there is no limit
	hung    atomic.Bool   // it has ended
}

// watch calls silent once nothing has been written for so long, unless over is called
// before that. 0 is never.
func (l *lines) watch(long time.Duration, silent func()) (over func() bool) {
	if long == 0 {
		return func() bool { return true }
	}
	l.limit = long
	l.silence = time.AfterFunc(long, func() {
		l.hung.Store(true)
		silent()
	})
	return l.silence.Stop
}

func (l *lines) Write(b []byte) (int, error) {
	if l.silence != nil && !l.hung.Load() {
		l.silence.Reset(l.limit)
	}
	l.part = append(l.part, b...)
	if end := bytes.LastIndexByte(l.part, '\n') + 1; end > 0 {
		l.send(l.part[:end])
		l.part = append(l.part[:0], l.part[end:]...)
	}
	return len(b), nil
}

// end sends a last line that lacks its newline.
func (l *lines) end() {
	if len(l.part) > 0 {
		l.send(l.part)
	}
}

func (l *lines) send(b []byte) {
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	l.printed.Add(text)
	l.r.say(plan.Event{Step: l.step, Output: text})
}
