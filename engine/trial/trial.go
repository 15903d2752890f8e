// Package trial tries a script in a lab: it opens the lab, types the script into
// real shells as a learner would, waits until the state settles, and says how
// the tasks stand. It knows sessions and terminals, and nothing of what is
// behind them.
package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"underlay/engine"
	"underlay/engine/typist"
)

// Limits of a trial: whatever the script says, it ends.
const (
	LineLimit   = 15 * time.Second // a line that is still running then is interrupted
	scriptLimit = 3 * time.Minute  // what has not been typed by then is left out
	settleLimit = 5 * time.Minute  // a lab that is not judged by then is left as it is
	// maxShells is how many shells a script may end before it is given up on.
	maxShells = 100
	// maxInterrupts is how often Ctrl-C is typed to a line that does not end.
	maxInterrupts = 3
)

// Outcome is how a lab stands after a script.
type Outcome struct {
	Status     engine.Status
	Settled    bool     // the state came to rest; otherwise Status is only the newest
	Notes      []string // what happened while the script was typed, in sentences
	Steps      []Step   // the lines that were typed
	Transcript string   // the end of what the terminals showed, as plain text
}

// Step is one line that was typed.
type Step struct {
	Node    string // in whose shell
	Command string
	Output  string // what it printed, at most its last 32 KiB, as plain text without a final newline
}

// Run opens the lab, tries one script in it and closes the lab. What the script
// does to its shells is noted and no error; a "# node:" line that names no node
// is one that wraps engine.ErrNotFound.
func Run(ctx context.Context, o engine.Opener, lab *engine.Lab, s engine.Script) (out Outcome, err error) {
	session, err := o.Open(ctx, lab, nil)
	if err != nil {
		return Outcome{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	t := New(session)
	if err := t.Type(ctx, s); err != nil {
		return Outcome{}, err
	}
	return t.Settle(ctx)
}

// Trial is a session that scripts are tried in, one after another.
type Trial struct {
	session engine.Session
	shells  map[string]*typist.Typist // the live one of each node
	typists []*typist.Typist          // all, in the order in which they came
	notes   []string
	steps   []Step

	mu        sync.Mutex
	terminals []engine.Terminal
}

// New begins a trial in a session, which stays the caller's.
func New(s engine.Session) *Trial {
	return &Trial{session: s, shells: map[string]*typist.Typist{}}
}

// Settle waits until the lab's state has settled and says how it stands.
func (t *Trial) Settle(ctx context.Context) (Outcome, error) {
	settle, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	st, err := t.session.Settle(settle)
	switch {
	case err == nil:
	case errors.Is(err, engine.ErrRestless):
		t.note("the lab did not settle: %v", engine.ErrRestless)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		t.note("the lab was not judged within %v", settleLimit)
	default:
		return Outcome{}, err
	}
	return Outcome{Status: st, Settled: err == nil, Notes: t.notes, Steps: t.steps, Transcript: t.transcript()}, nil
}

func (t *Trial) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// Type types a script. What it does to its shells is noted and no error.
func (t *Trial) Type(ctx context.Context, s engine.Script) error {
	limited, cancel := context.WithTimeout(ctx, scriptLimit)
	defer cancel()
	// A program that does not read lets the terminal fill up, and then typing
	// waits for it for ever: hanging up ends that, too.
	stop := context.AfterFunc(limited, t.hangUp)
	defer stop()
	err := t.typeLines(limited, s.Text, s.Node)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		t.note("the script was still running after %v; the rest of it was not typed", scriptLimit)
		return nil
	}
	return err
}

func (t *Trial) typeLines(ctx context.Context, script, node string) error {
	if node == "" {
		node = t.session.Lab().Topology.FirstShell()
	}
	if _, err := t.shell(ctx, node); err != nil {
		return err
	}
	for i, line := range typist.Lines(script) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "# node:"); ok {
			node = strings.TrimSpace(name)
			if _, err := t.shell(ctx, node); errors.Is(err, engine.ErrNotFound) {
				return engine.Hintf(fmt.Errorf("line %q of the script: %w", line, err), "its nodes are %s",
					strings.Join(t.session.Lab().Topology.NodeNames(), ", "))
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
func (t *Trial) typeLine(ctx context.Context, number int, line, node string) (goOn bool, err error) {
	ty, err := t.shell(ctx, node)
	if err != nil {
		t.note("no new shell could be started: %v", err)
		return false, nil // the checks still judge what the other lines did
	}
	err = ty.Line(ctx, line, LineLimit)
	t.steps = append(t.steps, Step{Node: node, Command: line, Output: strings.Trim(plain(ty.Printed()), "\n")})
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
func (t *Trial) interrupt(ctx context.Context, ty *typist.Typist, number int) (goOn bool, err error) {
	for range maxInterrupts {
		err := ty.Interrupt(ctx)
		var slow *typist.SlowError
		if !errors.As(err, &slow) {
			return ctx.Err() == nil, ctx.Err()
		}
	}
	t.note("line %d ignores Ctrl-C; the rest of the script was not typed", number)
	return false, nil
}

// shell returns the typist of a node's shell, started if need be.
func (t *Trial) shell(ctx context.Context, node string) (*typist.Typist, error) {
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
func (t *Trial) hangUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, term := range t.terminals {
		_ = term.Close()
	}
}

func (t *Trial) transcript() string {
	var b strings.Builder
	for _, ty := range t.typists {
		b.WriteString(ty.Output())
	}
	return plain(b.String())
}

// plain is what a terminal showed without what it does to the terminal.
func plain(s string) string { return strings.ReplaceAll(ansi.Strip(s), "\r", "") }

// clip shortens a line that is quoted in a note.
func clip(line string) string {
	if r := []rune(line); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return line
}
