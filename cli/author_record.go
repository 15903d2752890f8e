package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/spf13/cobra"

	"underlay/author/draft"
	"underlay/author/record"
	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/session"
)

func (p *program) authorRecordCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "record [LESSON…]", Short: "Run the commands in lessons and record their output",
		Long: "Runs every run block of the lessons of --content in their labs, and updates a lesson whose\n" +
			"output differs from what the kernel says. What varies from run to run, such as MAC addresses,\n" +
			"does not count. --check writes nothing and exits 1 if a lesson differs; it works for the\n" +
			"built-in lessons, too.",
		RunE: p.inApp(func(cmd *cobra.Command, ids []string) error {
			c, err := p.draft()
			if err != nil {
				return err
			}
			if len(p.content) == 0 && !check {
				return engine.Hintf(usageError{errors.New("the built-in lessons cannot be written to")},
					"give a folder of lessons with --content DIR, or --check to compare only")
			}
			return p.record(cmd.Context(), c, ids, check)
		}),
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; report what differs")
	return cmd
}

// record records the lessons with these ids, or all.
func (p *program) record(ctx context.Context, c *draft.Draft, ids []string, check bool) error {
	if len(c.Problems) > 0 {
		return engine.Hintf(usageError{errors.New("some labs or lessons cannot be read")}, "`underlay author lint` says what is wrong with them")
	}
	ls, err := chosen(c, ids)
	if err != nil {
		return err
	}
	sb, err := sandbox.New()
	if err != nil {
		return err
	}
	differ := false
	for _, l := range ls {
		lab, err := c.Lab(l.Lab)
		if err != nil {
			return err
		}
		if err := canRun(lab); err != nil {
			return err
		}
		steps, err := record.Run(ctx, session.Opener{Sandbox: sb}, lab, l.Lesson)
		if err != nil {
			return fmt.Errorf("record lesson %s: %w", l.ID, err)
		}
		wrong := record.Differences(steps)
		differ = differ || len(wrong) > 0
		if err := printRecord(p.out, l, len(steps), wrong); err != nil {
			return err
		}
		if len(wrong) > 0 && !check {
			if err := os.WriteFile(l.Path, []byte(record.Write(l.Text, steps)), 0o644); err != nil {
				return fmt.Errorf("write the lesson: %w", err)
			}
		}
	}
	if differ && check {
		return exitError(exitNotSolved)
	}
	return nil
}

// chosen returns the lessons with these ids, or all, that have something to run.
func chosen(c *draft.Draft, ids []string) ([]draft.Lesson, error) {
	var out []draft.Lesson
	for _, id := range ids {
		l := c.Lesson(id)
		if l == nil {
			return nil, engine.Hintf(fmt.Errorf("lesson %q: %w", id, engine.ErrNotFound), "`underlay list` lists lessons; --content DIR adds yours")
		}
		out = append(out, *l)
	}
	if len(ids) == 0 {
		for _, l := range c.Lessons {
			if record.Has(l.Lesson) {
				out = append(out, l)
			}
		}
	}
	return out, nil
}

// printRecord says of a lesson what the kernel says otherwise than it.
func printRecord(w io.Writer, l draft.Lesson, steps int, wrong []record.Step) error {
	var b strings.Builder
	for _, s := range wrong {
		fmt.Fprintf(&b, "%s:%d: in %s: $ %s\n", l.Shown, s.Line, s.Node, s.Command)
		for _, side := range []struct{ mark, text string }{{"-", s.Shown}, {"+", s.Printed}} {
			for line := range strings.Lines(side.text) {
				b.WriteString("  " + side.mark + " " + strings.TrimRight(line, "\n") + "\n")
			}
		}
	}
	fmt.Fprintf(&b, "%s: %s run, %d differ\n", l.Shown, english.Plural(steps, "command", ""), len(wrong))
	_, err := io.WriteString(w, b.String())
	return err
}
