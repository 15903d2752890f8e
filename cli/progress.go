package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"underlay/engine"
	"underlay/progress"
)

func (p *program) progressCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "progress", Short: "Show, export or import what you have done",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var asJSON bool
	show := &cobra.Command{
		Use: "show", Short: "Show what you have done", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			return p.withProgress(func(ctx context.Context, s *progress.Store) error {
				return p.showProgress(ctx, s, asJSON)
			}, progress.WithNames(c.Names()))(cmd, args)
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	var out string
	export := &cobra.Command{
		Use: "export", Short: "Write your progress as JSON", Args: usage(cobra.NoArgs),
		RunE: p.withProgress(func(ctx context.Context, s *progress.Store) error { return p.export(ctx, s, out) }),
	}
	export.Flags().StringVarP(&out, "output", "o", "-", "`file` to write; - is standard output")
	imp := &cobra.Command{
		Use: "import FILE", Short: "Merge progress that export wrote; - is standard input",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withProgress(func(ctx context.Context, s *progress.Store) error { return p.importFrom(ctx, s, args[0]) })(cmd, args)
		},
	}
	cmd.AddCommand(show, export, imp)
	return cmd
}

// openProgress opens the progress file. If that fails for a reason that the user
// can mend, the program cannot run here.
func (p *program) openProgress(options ...progress.Option) (*progress.Store, progress.Notice, error) {
	store, notice, err := progress.Open(p.stateDir(), options...)
	var hinted *engine.Error
	if errors.As(err, &hinted) {
		err = machineError{err}
	}
	return store, notice, err
}

// withProgress opens the progress file around a command and says what was wrong
// with the file, if anything was.
func (p *program) withProgress(run func(context.Context, *progress.Store) error, options ...progress.Option) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) (err error) {
		store, notice, err := p.openProgress(options...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		if notice != "" {
			_, _ = fmt.Fprintln(p.err, "note:", notice)
		}
		return run(cmd.Context(), store)
	}
}

func (p *program) showProgress(ctx context.Context, s *progress.Store, asJSON bool) error {
	o, err := s.Show(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return p.printJSON(o)
	}
	return printOverview(p.out, o)
}

func (p *program) export(ctx context.Context, s *progress.Store, name string) (err error) {
	if name == "-" {
		return s.Export(ctx, p.out)
	}
	f, err := os.Create(name)
	if err != nil {
		return engine.Hintf(usageError{err}, "name a file that you can write, or - for standard output")
	}
	return errors.Join(s.Export(ctx, f), f.Close())
}

func (p *program) importFrom(ctx context.Context, s *progress.Store, name string) error {
	const hint = "give a file that `underlay progress export` wrote, or - for standard input; nothing was changed"
	f, err := readable(name)
	if err != nil {
		return engine.Hintf(usageError{err}, hint)
	}
	defer f.Close() //nolint:errcheck // only read
	sum, err := s.Import(ctx, f)
	var hinted *engine.Error
	switch {
	case errors.As(err, &hinted):
		return usageError{fmt.Errorf("%s: %w", name, err)}
	case err != nil:
		return engine.Hintf(usageError{err}, hint)
	}
	if !sum.Changed() {
		_, err = fmt.Fprintln(p.out, "Nothing new: all of it was here already.")
		return err
	}
	_, err = fmt.Fprintf(p.out, "Imported %d attempts, %d tasks, %d lessons and %d answers that were not here.\n",
		sum.Attempts.New, sum.Tasks.New, sum.Lessons.New, sum.Answers.New)
	return err
}

func printOverview(w io.Writer, o progress.Overview) error {
	if len(o.Labs)+len(o.Lessons)+o.Quiz.Questions == 0 {
		_, err := fmt.Fprintln(w, "Nothing yet. `underlay` opens the tutor.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 3, ' ', 0)
	for _, l := range o.Labs {
		state := fmt.Sprintf("%d tasks done", len(l.TasksDone))
		if l.Solved {
			state = "solved"
		}
		if l.BestSeconds > 0 {
			state += ", best " + (time.Duration(l.BestSeconds) * time.Second).String()
		}
		fmt.Fprintf(t, "lab\t%s\t%s\t%s\n", l.ID, state, l.LastSeen.Local().Format(time.DateTime))
	}
	for _, l := range o.Lessons {
		state := "begun"
		if l.Finished {
			state = "read"
		}
		fmt.Fprintf(t, "lesson\t%s\t%s\t%s\n", l.ID, state, l.LastSeen.Local().Format(time.DateTime))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if o.Quiz.Questions == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nQuiz: %s; %d right and %d wrong answers so far.\n",
		strings.TrimSpace(fmt.Sprintf("%d of %d questions answered right", o.Quiz.Mastered, o.Quiz.Questions)), o.Quiz.Right, o.Quiz.Wrong)
	return err
}
