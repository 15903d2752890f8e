package plain

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"underlay/attempt"
	"underlay/engine"
	"underlay/engine/typist"
)

const (
	// shellCols and shellRows are the size that programs in a lab's shell see:
	// wide, so that few of them cut or fold their lines.
	shellCols, shellRows = 120, 40
	// noLimit is as good as none.
	noLimit = 30 * 24 * time.Hour
	// setupTime is how long a shell may take for its first line.
	setupTime = 5 * time.Second
	// stubborn is how long a program may take to end after Ctrl-C.
	stubborn = 2 * time.Second
	ctrlC    = "\x03"
)

// setup is typed into each new shell: programs that page would wait for keys.
const setup = "export PAGER=cat MANPAGER=cat SYSTEMD_PAGER= GIT_PAGER=cat"

// shell is a shell in a node and what types into it.
type shell struct {
	node   string
	tap    *tap
	typist *typist.Typist
}

// shell returns the shell of the node where the learner is, opened if need be.
func (v *visit) shell() (*shell, error) {
	if sh := v.shells[v.node]; sh != nil {
		return sh, nil
	}
	node := v.node
	term, err := v.session.Shell(v.ctx, node, engine.Size{Cols: shellCols, Rows: shellRows})
	if err != nil {
		return nil, fmt.Errorf("open a shell in %s: %w", node, err)
	}
	sh := &shell{node: node}
	sh.tap = newTap(term, func(text string) {
		if v.at.Load() != sh {
			text = node + ": " + text
		}
		v.println(text)
	})
	sh.typist = typist.New(sh.tap)
	err = sh.typist.WaitReady(v.ctx)
	if err == nil {
		err = sh.typist.Line(v.ctx, setup, setupTime)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a shell in %s: %w", node, err), term.Close())
	}
	v.shells[node] = sh
	v.at.Store(sh)
	return sh, nil
}

// hangUp closes a shell. What it says about its end does not matter.
func (v *visit) hangUp(sh *shell) {
	_ = sh.tap.Close()
	delete(v.shells, sh.node)
}

// run types a line into the shell and stays with it until the shell, or a program
// in it, waits for the next one.
func (v *visit) run(line string) error {
	sh, err := v.shell()
	if err != nil {
		return err
	}
	limit := v.Limit
	if limit == 0 {
		limit = noLimit
	}
	sh.tap.typing(line)
	done := make(chan error, 1)
	go func() { done <- sh.typist.Line(v.ctx, line, limit) }()
	left := v.attend(sh, done)
	v.session.Poke()
	var slow *typist.SlowError
	switch err := left; {
	case errors.As(err, &slow):
		v.sayf("This ran for %s and was interrupted.", attempt.Span(slow.After))
		if v.interrupt(sh) != nil {
			v.hangUp(sh)
		}
	case errors.Is(err, typist.ErrEnded):
		v.hangUp(sh)
		v.sayf("The shell in %s has ended. A new one opens with your next command.", sh.node)
	case err != nil:
		return err
	}
	v.settle(v.patience())
	return nil
}

// attend waits until the line has run. Meanwhile Ctrl-C goes to the program and,
// where a person types, so do further lines.
func (v *visit) attend(sh *shell, done <-chan error) error {
	var late <-chan time.Time
	ignored := false
	lines := v.lines
	if !v.Interactive {
		lines = nil
	}
	for {
		select {
		case err := <-done:
			return err
		case <-v.interrupts:
			v.caret()
			if ignored {
				v.hangUp(sh) // ends the line, too
				continue
			}
			v.press(sh, "^C", ctrlC)
			late = time.After(stubborn)
		case <-late:
			ignored = true
			v.say("The program is still running. Ctrl-C again ends it, and the shell with it.")
		case line, ok := <-lines:
			line, err := v.typed(line, ok)
			switch {
			case err != nil || isCommand(line, "quit"):
				v.hangUp(sh)
				v.leaving, lines = true, nil
			case command().MatchString(line):
				v.say("A program is running. Ctrl-C stops it; :quit leaves the lab.")
			default:
				v.press(sh, line, line+"\r")
			}
		case <-v.session.Changed():
			v.announce(v.session.Status(), false)
		}
	}
}

// press sends keys, which the terminal repeats as echo. A shell that has ended
// meanwhile says so by itself.
func (v *visit) press(sh *shell, echo, keys string) {
	sh.tap.typing(echo)
	_, _ = sh.tap.Write([]byte(keys))
}

// stop interrupts the program that waits for a line, and ends its shell if that
// does not help.
func (v *visit) stop() error {
	sh := v.shells[v.node]
	if sh == nil {
		return nil
	}
	if v.interrupt(sh) != nil {
		v.hangUp(sh)
		v.say("The program kept running, so its shell was ended. A new one opens with your next command.")
	}
	v.session.Poke()
	return v.ctx.Err()
}

func (v *visit) interrupt(sh *shell) error {
	sh.tap.typing("^C")
	return sh.typist.Interrupt(v.ctx)
}

// prompt is what the learner is asked for the next line with. top says that it is
// for a command rather than for more of one, or for a program that waits.
func (v *visit) prompt() (text string, top bool) {
	sh := v.shells[v.node]
	if sh == nil {
		return v.node + "> ", true
	}
	text, top = sh.tap.prompt(v.node)
	if !strings.HasSuffix(text, " ") {
		text += " "
	}
	return text, top
}
