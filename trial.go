package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"underlay/engine"
	"underlay/engine/typist"
)

const (
	// maxShells is how many shells a script may end before it is given up on.
	maxShells = 100
	// maxInterrupts is how often Ctrl-C is typed to a line that does not end.
	maxInterrupts = 3
)

// trial is a script being typed.
type trial struct {
	session engine.Session
	shells  map[string]*typist.Typist // the live one of each node
	typists []*typist.Typist          // all, in the order in which they came
	notes   []string

	mu        sync.Mutex
	terminals []engine.Terminal
}

func newTrial(s engine.Session) *trial {
	return &trial{session: s, shells: map[string]*typist.Typist{}}
}

func (t *trial) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// typeScript types a script, at most for limit. What a script does to its shells
// is noted and no error.
func (t *trial) typeScript(ctx context.Context, script, node string, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// A program that does not read lets the terminal fill up, and then typing
	// waits for it for ever: hanging up ends that, too.
	stop := context.AfterFunc(limited, t.hangUp)
	defer stop()
	err := t.typeLines(limited, script, node)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		t.note("the script was still running after %v; the rest of it was not typed", limit)
		return nil
	}
	return err
}

func (t *trial) typeLines(ctx context.Context, script, node string) error {
	if _, err := t.shell(ctx, node); err != nil {
		return err
	}
	for i, line := range typist.Lines(script) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "# node:"); ok {
			node = strings.TrimSpace(name)
			if _, err := t.shell(ctx, node); errors.Is(err, engine.ErrNotFound) {
				return engine.Hintf(usageError{fmt.Errorf("line %q of the script: %w", line, err)}, "its nodes are %s",
					strings.Join(nodeNames(t.session.Lab()), ", "))
			} else if err != nil {
				return err
			}
			continue
		}
		if goOn, err := t.typeLine(ctx, i+1, line, node); err != nil || !goOn {
			return err
		}
	}
	return nil
}

// typeLine types one line and says whether there is a shell for the next one.
func (t *trial) typeLine(ctx context.Context, number int, line, node string) (goOn bool, err error) {
	ty, err := t.shell(ctx, node)
	if err != nil {
		t.note("no new shell could be started: %v", err)
		return false, nil // the checks still judge what the other lines did
	}
	err = ty.Line(ctx, line, lineLimit)
	t.session.Poke()
	var slow *typist.SlowError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &slow):
		t.note("line %d was interrupted: still running after %v: %s", number, slow.After, clip(line))
		return t.interrupt(ctx, ty, number)
	case errors.Is(err, typist.ErrEnded):
		t.note("line %d ended the shell: %s", number, clip(line))
		delete(t.shells, node)
		if len(t.typists) == maxShells {
			t.note("the script has ended %d shells; the rest of it was not typed", maxShells)
			return false, nil
		}
		return true, nil
	}
	return false, err
}

// interrupt types Ctrl-C until the shell is back. A program that does not heed
// it would take the lines after it for its own.
func (t *trial) interrupt(ctx context.Context, ty *typist.Typist, number int) (goOn bool, err error) {
	for range maxInterrupts {
		err := ty.Interrupt(ctx)
		var slow *typist.SlowError
		if !errors.As(err, &slow) {
			return ctx.Err() == nil, ctx.Err()
		}
	}
	t.note("line %d does not heed Ctrl-C; the rest of the script was not typed", number)
	return false, nil
}

// shell returns the typist of a node's shell, started if need be.
func (t *trial) shell(ctx context.Context, node string) (*typist.Typist, error) {
	if ty := t.shells[node]; ty != nil {
		return ty, nil
	}
	term, err := t.session.Shell(ctx, node, engine.Size{Cols: 120, Rows: 40})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.terminals = append(t.terminals, term)
	t.mu.Unlock()
	ty := typist.New(term)
	if err := ty.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, term.Close())
	}
	t.shells[node] = ty
	t.typists = append(t.typists, ty)
	return ty, nil
}

// hangUp ends every shell. That a terminal is closed already does not matter.
func (t *trial) hangUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, term := range t.terminals {
		_ = term.Close()
	}
}

func (t *trial) transcript() string {
	var b strings.Builder
	for _, ty := range t.typists {
		b.WriteString(ty.Output())
	}
	return plainText(b.String())
}

// clip shortens a line that is quoted in a note.
func clip(line string) string {
	if r := []rune(line); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return line
}
