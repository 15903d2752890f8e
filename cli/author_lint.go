package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"underlay/author/draft"
	"underlay/author/lint"
	"underlay/engine"
)

// draft reads what authors work on: the content directories, or else what the
// program brings along.
func (p *program) draft() (*draft.Draft, error) {
	for _, dir := range p.content {
		if err := checkContent(dir); err != nil {
			return nil, err
		}
	}
	c, err := draft.Read(p.content)
	if err != nil {
		return nil, badContent(err)
	}
	return c, nil
}

func (p *program) authorLintCommand() *cobra.Command {
	var asJSON bool
	var o lint.Options
	cmd := &cobra.Command{
		Use: "lint [ID…]", Short: "Check how labs and lessons are written",
		Long: "Checks the labs and lessons of --content, or the built-in ones without it: all of them,\n" +
			"or those named. Exits 1 if there are errors; warnings are not errors.",
		RunE: func(_ *cobra.Command, ids []string) error {
			c, err := p.draft()
			if err != nil {
				return err
			}
			if err := known(c, ids); err != nil {
				return err
			}
			o.IDs = ids
			r, err := lint.Run(c, o)
			if err != nil {
				return err
			}
			if asJSON {
				err = p.printJSON(r)
			} else {
				err = printLint(p.out, r)
			}
			if err == nil && r.Errors() > 0 {
				err = exitError(exitNotSolved)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.Strict, "strict", false, "count source items that no lesson covers as errors")
	return cmd
}

// known refuses ids that name no lab and no lesson. One that could not be read
// may be any of them.
func known(c *draft.Draft, ids []string) error {
	for _, id := range ids {
		_, err := c.Labs.Lab(id)
		if err == nil || c.Lesson(id) != nil || len(c.Problems) > 0 {
			continue
		}
		return engine.Hintf(fmt.Errorf("lab or lesson %q: %w", id, engine.ErrNotFound), "`underlay list` lists them; --content DIR adds yours")
	}
	return nil
}

func printLint(w io.Writer, r *lint.Report) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
	}
	errors := r.Errors()
	fmt.Fprintf(&b, "%s and %s: %s, %s\n", english.Plural(r.Labs, "lab", ""), english.Plural(r.Lessons, "lesson", ""),
		english.Plural(errors, "error", ""), english.Plural(len(r.Findings)-errors, "warning", ""))
	_, err := io.WriteString(w, b.String())
	return err
}
