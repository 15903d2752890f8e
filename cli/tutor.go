package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"underlay/course"
	"underlay/engine"
	"underlay/engine/cluster"
	"underlay/engine/preflight"
	"underlay/engine/sandbox"
	"underlay/engine/session"
	"underlay/engine/trial"
	"underlay/plain"
	"underlay/progress"
	"underlay/tui"
)

// maxPlainWidth keeps lines readable in a very wide terminal.
const maxPlainWidth = 100

// opensTutor makes a command that opens the tutor, at the lab that is its argument
// if there is one, broken by the fault if that is not "". Without --plain it needs
// a terminal to draw on, which is seen before anything is started.
func (p *program) opensTutor(fault *string) func(*cobra.Command, []string) error {
	run := p.inApp(func(cmd *cobra.Command, args []string) error {
		lab := ""
		if len(args) > 0 {
			lab = args[0]
		}
		return p.tutor(cmd.Context(), lab, *fault)
	})
	return func(cmd *cobra.Command, args []string) error {
		if !p.talks() && !onTerminal() {
			return engine.Hintf(usageError{errors.New("the screens need a terminal, but the input or output is not one")},
				"use --plain for a dialogue in lines, or `underlay try` to run a script in a lab")
		}
		return run(cmd, args)
	}
}

// onTerminal says whether a person sits at both ends of the program.
func onTerminal() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// talks says whether the tutor is a dialogue in lines: when asked for, and on a
// terminal that says it cannot draw.
func (p *program) talks() bool {
	return p.plain || os.Getenv("TERM") == "dumb" && onTerminal()
}

// tutor opens the tutor, on the screen or as a dialogue, at a lab if one is named.
func (p *program) tutor(ctx context.Context, id, fault string) (err error) {
	content, err := p.loadFor(fault)
	if err != nil {
		return err
	}
	var lab *engine.Lab
	if id != "" {
		if lab, err = content.Variant(id, fault); err != nil {
			return err
		}
		if err := canRun(lab); err != nil {
			return err
		}
	}
	store, notice, err := p.openProgress(progress.WithNames(content.Names()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if p.talks() {
		return p.dialogue(ctx, content, store, string(notice), lab)
	}
	sb, err := sandbox.New()
	if err != nil {
		return err
	}
	return tui.Run(ctx, tui.Deps{
		Book: content.Book, Labs: content.Infos(), Lab: content.Lab, Predictions: content.Predictions, Faulted: content.Broken,
		Opener: session.Opener{Sandbox: sb, Warm: cluster.NewWarm(sb, cluster.WhileReading)}, Available: preflight.Missing,
		Progress: store, Notice: string(notice),
		Start:   tui.Start{Lab: lab},
		Options: tui.Options{ASCII: p.ascii, Theme: p.theme, Version: p.version},
	})
}

// dialogue is the tutor in lines of text. Ctrl-C is for the programs in a lab, so
// it does not end this one.
func (p *program) dialogue(ctx context.Context, c *course.Course, store *progress.Store, notice string, lab *engine.Lab) error {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	defer signal.Stop(interrupts)
	if err := os.Setenv("NO_COLOR", "1"); err != nil { // the lab's shells inherit it
		return fmt.Errorf("ask for no colour: %w", err)
	}
	sb, err := sandbox.New()
	if err != nil {
		return err
	}
	d := plain.Deps{
		In: os.Stdin, Out: p.out, Interrupts: interrupts, Interactive: onTerminal(),
		Book: c.Book, Labs: c.Infos(), Lab: c.Lab, Predictions: c.Predictions, Faulted: c.Broken,
		Opener: session.Opener{Sandbox: sb, Warm: cluster.NewWarm(sb, cluster.WhileReading)}, Available: preflight.Missing,
		Progress: store, Notice: notice,
		Start: plain.Start{Lab: lab},
		ASCII: p.ascii || os.Getenv("TERM") == "dumb",
	}
	if !d.Interactive {
		d.Limit = trial.LineLimit // nobody is there to press Ctrl-C
	}
	if cols, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		d.Width = min(cols, maxPlainWidth)
	}
	return plain.Run(ctx, d)
}
