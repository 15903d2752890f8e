package preflight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errChild says that the child did not do its part, for a reason of its own.
var errChild = errors.New("the probe failed")

// spawn starts the child in namespaces of its own and returns what it found. An
// error that wraps errChild is the child's; any other is the kernel's refusal
// to make the namespaces.
func spawn(ctx context.Context, ids []string) (probed, error) {
	if os.Getenv(guard) != "" {
		return probed{}, fmt.Errorf("%w: this binary does not answer to %s", errChild, ProbeName)
	}
	ctx, cancel := context.WithTimeout(ctx, tryLimit+time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = append([]string{ProbeName}, ids...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d:%d", guard, os.Getuid(), os.Getgid()), "GOMAXPROCS=1", "LC_ALL=C")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return probed{}, fmt.Errorf("%w: %w", errChild, err)
	}
	cmd.WaitDelay = time.Second
	// The child maps its ids itself. Go would do it from here, through a /proc
	// that need not be that of this process's pid namespace yet.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID |
			unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW},
	}
	if err := cmd.Start(); err != nil {
		return probed{}, err
	}
	p, err := readProbed(out)
	// The kernel takes its time to undo the namespaces. The answer is here, and
	// the child, which is told to end when ctx is cancelled, needs no company.
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err != nil {
		err = errors.Join(err, <-ended)
		return p, fmt.Errorf("%w: %w %s", errChild, err, strings.TrimSpace(said.String()))
	}
	return p, nil
}

// prober remembers what the children found: a program asks about many labs.
type prober struct {
	spawn func(context.Context, []string) (probed, error)

	mu    sync.Mutex
	asked map[string]bool
	known probed
	err   error
}

// ask tries those features that have not been tried yet, in one child. Without
// any it still tries the namespaces themselves.
func (p *prober) ask(ctx context.Context, ids []string) (probed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return p.asked[id] })
	if p.err != nil || p.asked != nil && len(fresh) == 0 {
		return p.known, p.err
	}
	if p.asked == nil { // the first child does what most labs ask for
		for _, f := range features() {
			if f.required && !slices.Contains(fresh, f.id) {
				fresh = append(fresh, f.id)
			}
		}
	}
	found, err := p.spawn(ctx, fresh)
	if err != nil {
		if ctx.Err() == nil {
			p.err = err
		}
		return found, err
	}
	merged := map[string]outcome{}
	for _, m := range []map[string]outcome{p.known.Features, found.Features} {
		for id, o := range m {
			merged[id] = o
		}
	}
	found.Features = merged
	p.known = found
	if p.asked == nil {
		p.asked = map[string]bool{}
	}
	for _, id := range fresh {
		p.asked[id] = true
	}
	return p.known, nil
}
