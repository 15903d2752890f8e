package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"underlay/author/draft"
	"underlay/author/watch"
	"underlay/engine"
	"underlay/engine/cluster"
	"underlay/engine/preflight"
	"underlay/engine/sandbox"
	"underlay/engine/session"
	"underlay/tui"
)

func (p *program) authorWatchCommand() *cobra.Command {
	run := p.inApp(func(cmd *cobra.Command, args []string) error { return p.watch(cmd.Context(), args[0]) })
	return &cobra.Command{
		Use: "watch ID --content DIR", Short: "Open a lab or lesson, and reopen it whenever you save it",
		Long: "Opens a lab or a lesson of --content while you write it in another terminal. Whenever you\n" +
			"save, it rebuilds the lab or shows the lesson again, and reports problems with file, line\n" +
			"and column. It records no progress.",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(p.content) == 0 {
				return engine.Hintf(usageError{errors.New("watch needs the folder that you work in")}, "give it with --content DIR")
			}
			if p.talks() || !onTerminal() {
				return engine.Hintf(usageError{errors.New("watch needs a terminal, and has no plain dialogue")},
					"after each change run `underlay author lint`, and `underlay try` to see what a script does")
			}
			return run(cmd, args)
		},
	}
}

func (p *program) watch(ctx context.Context, id string) error {
	c, err := p.draft()
	if err != nil {
		return err
	}
	if len(c.Problems) > 0 {
		return badContent(errors.New(strings.Join(problems(c), "\n")))
	}
	var start tui.Start
	if lab, err := c.Labs.Lab(id); err == nil {
		start.Lab = lab
		if err := canRun(lab); err != nil {
			return err
		}
	} else if start = (tui.Start{Lesson: id}); c.Lesson(id) == nil {
		return engine.Hintf(fmt.Errorf("lab or lesson %q: %w in %s", id, engine.ErrNotFound, strings.Join(p.content, ", ")), "`underlay author new %s` creates one", id)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changes, err := watch.Changes(ctx, p.content)
	if err != nil {
		return err
	}
	sb, err := sandbox.New()
	if err != nil {
		return err
	}
	return tui.Run(ctx, tui.Deps{
		Book: c.Book, Labs: c.Infos(), Lab: c.Lab, Predictions: c.Predictions,
		Opener: session.Opener{Sandbox: sb, Warm: cluster.NewWarm(sb, cluster.WhileReading)}, Available: preflight.Missing,
		Reloads: p.reloads(ctx, changes), Start: start,
		Options: tui.Options{ASCII: p.ascii, Theme: p.theme, Version: p.version},
	})
}

// reloads reads the content after each change.
func (p *program) reloads(ctx context.Context, changes <-chan struct{}) <-chan tui.Reload {
	out := make(chan tui.Reload)
	go func() {
		defer close(out)
		for range changes {
			select {
			case out <- p.reload():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (p *program) reload() tui.Reload {
	c, err := p.draft()
	if err != nil {
		return tui.Reload{Wrong: strings.Split(err.Error(), "\n")}
	}
	if len(c.Problems) > 0 {
		return tui.Reload{Wrong: problems(c)}
	}
	return tui.Reload{Book: c.Book, Labs: c.Infos(), Lab: c.Lab, Predictions: c.Predictions}
}

// problems are what the loaders refuse, a line each.
func problems(c *draft.Draft) []string {
	var out []string
	for _, p := range c.Problems {
		out = append(out, p.String())
	}
	return out
}
