package record

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/trial"
	"underlay/engine/typist"
)

// Limits of what a block types.
const (
	listenLimit = 5 * time.Second // until a command that others are typed during listens
	again       = 2 * time.Second // after which those are typed once more
	tries       = 3
)

// size is that of the terminal on which everything is recorded.
var size = engine.Size{Cols: 80, Rows: 40}

// stage is a lab in which blocks are run, with the shells that are open in it.
type stage struct {
	session engine.Session
	shells  map[string]*typist.Typist // by node; those that work behind the scenes by node and a mark
}

// open opens the lab. It is not judged: an evaluation sends packets, which would
// show in captures and in the connection table.
func open(ctx context.Context, o engine.Opener, lab *engine.Lab, solved bool) (*stage, error) {
	bare := *lab
	bare.Tasks, bare.Collateral = nil, nil
	if solved {
		bare.Prepare = append(bare.Prepare[:len(bare.Prepare):len(bare.Prepare)], lab.Solution)
	}
	session, err := o.Open(ctx, &bare, nil)
	if err != nil {
		return nil, err
	}
	return &stage{session: session, shells: map[string]*typist.Typist{}}, nil
}

func (s *stage) close() error {
	if s == nil || s.session == nil {
		return nil
	}
	err := s.session.Close()
	s.session = nil
	return err
}

// block runs one block.
func (s *stage) block(ctx context.Context, b *lesson.Block) ([]Step, error) {
	for _, t := range b.Run.Before {
		if _, err := s.line(ctx, t.Node, "", t.Command); err != nil {
			return nil, err
		}
	}
	var out []Step
	for i, step := range b.Run.Steps {
		run := s.line
		if len(b.Run.During) > 0 {
			run = func(ctx context.Context, node, shell, command string) (string, error) {
				return s.watched(ctx, node, command, b.Run.During)
			}
		}
		printed, err := run(ctx, b.Run.Node, "", step.Command)
		if err != nil {
			return out, err
		}
		for l := range strings.Lines(printed) {
			if strings.HasPrefix(l, "$ ") || strings.HasPrefix(l, "```") {
				return out, fmt.Errorf("%s prints a line that a lesson would read as its own: %q", step.Command, l)
			}
		}
		out = append(out, Step{Line: b.Line, Index: i, Node: b.Run.Node, Command: step.Command, Shown: step.Output, Printed: printed, Cluster: s.session.Lab().Cluster != nil})
	}
	return out, nil
}

// line types one line into a shell of the node, waits for its end and returns
// what it printed. Shells of a node are told apart by a mark; "" is the one that
// a reader is shown.
func (s *stage) line(ctx context.Context, node, mark, line string) (string, error) {
	ty, err := s.shell(ctx, node, mark)
	if err != nil {
		return "", err
	}
	err = ty.Line(ctx, line, trial.LineLimit)
	var slow *typist.SlowError
	if errors.As(err, &slow) {
		return "", engine.Hintf(fmt.Errorf("in %s: %w", node, err), "a command in a run block must end by itself; give it a limit, such as -c1 or -W1")
	}
	if err != nil {
		return "", fmt.Errorf("%s in %s: %w", line, node, err)
	}
	return text(ty.Printed()), nil
}

func (s *stage) shell(ctx context.Context, node, mark string) (*typist.Typist, error) {
	if ty := s.shells[node+mark]; ty != nil {
		return ty, nil
	}
	term, err := s.session.Shell(ctx, node, size)
	if err != nil {
		return nil, err
	}
	ty := typist.New(term)
	if err := ty.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, term.Close())
	}
	// The same words everywhere, whatever the machine's language.
	if err := ty.Line(ctx, " export LC_ALL=C LANG=C", trial.LineLimit); err != nil {
		return nil, err
	}
	s.shells[node+mark] = ty
	return ty, nil
}

// text is what a terminal got, as a lesson shows it.
func text(raw string) string {
	raw = strings.ReplaceAll(ansi.Strip(raw), "\r", "")
	lines := strings.Split(raw, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// watched runs a command that waits for something, and types what it waits for
// once it listens: once it has a socket that was not there before. A packet that
// came too early is sent again.
func (s *stage) watched(ctx context.Context, node, command string, during []lesson.Typed) (string, error) {
	before, err := s.sockets(ctx, node)
	if err != nil {
		return "", err
	}
	type ending struct {
		printed string
		err     error
	}
	if _, err := s.shell(ctx, node, ""); err != nil {
		return "", err
	}
	for _, t := range during { // now, because later two goroutines look for shells
		if _, err := s.shell(ctx, t.Node, behind); err != nil {
			return "", err
		}
	}
	ended := make(chan ending, 1)
	go func() {
		printed, err := s.line(ctx, node, "", command)
		ended <- ending{printed, err}
	}()
	if err := s.listens(ctx, node, before); err != nil {
		return "", errors.Join(fmt.Errorf("%s in %s: %w", command, node, err), (<-ended).err)
	}
	for try := 1; ; try++ {
		for _, t := range during {
			if _, err := s.line(ctx, t.Node, behind, t.Command); err != nil {
				return "", err
			}
		}
		limit := again
		if try == tries {
			limit = trial.LineLimit
		}
		select {
		case e := <-ended:
			return e.printed, e.err
		case <-time.After(limit):
		}
		if try == tries {
			e := <-ended
			return e.printed, e.err
		}
	}
}

// behind marks a node's shell that a reader is not shown.
const behind = " behind"

// listens waits until the node has more sockets than before.
func (s *stage) listens(ctx context.Context, node string, before int) error {
	ctx, cancel := context.WithTimeout(ctx, listenLimit)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		switch n, err := s.sockets(ctx, node); {
		case ctx.Err() != nil:
			return errors.New("opens no socket, so there is no telling when to type the commands during it")
		case err != nil:
			return err
		case n > before:
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
		}
	}
}

// sockets counts the node's sockets.
func (s *stage) sockets(ctx context.Context, node string) (int, error) {
	printed, err := s.line(ctx, node, behind, "cat /proc/net/{packet,raw,icmp,udp,tcp,tcp6,udp6} 2>/dev/null | wc -l")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(printed)
}
