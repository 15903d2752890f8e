package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"underlay/course"
	"underlay/course/format"
	"underlay/engine"
	"underlay/engine/preflight"
)

// load reads what there is to learn, with the labs' parameters drawn by --seed.
func (p *program) load() (*course.Course, error) {
	for _, dir := range p.content {
		if err := checkContent(dir); err != nil {
			return nil, err
		}
	}
	built := course.Builtin()
	if p.builtin != "" {
		built = course.Content{Labs: os.DirFS(filepath.Join(p.builtin, "labs")), Lessons: os.DirFS(filepath.Join(p.builtin, "lessons"))}
	}
	c, err := built.Open(p.seed, p.content...)
	if err != nil {
		return nil, badContent(err)
	}
	return c, nil
}

// checkContent says why a --content directory cannot be used. One that holds
// nothing is a slip, too: a folder too deep, or not deep enough.
func checkContent(dir string) error {
	const hint = "give a folder that holds labs/MODULE/NAME/lab.yaml, NAME/lab.yaml or lessons/MODULE/LESSON.md"
	if _, err := os.ReadDir(dir); err != nil {
		return engine.Hintf(usageError{fmt.Errorf("--content: %w", err)}, hint)
	}
	if found, err := format.Find(os.DirFS(dir)); err == nil && len(found) > 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "lessons")); err == nil {
		return nil
	}
	return engine.Hintf(usageError{fmt.Errorf("--content %s: no lab or lesson is in it", dir)}, hint)
}

// maxProblems is how many problems of content are told at once.
const maxProblems = 25

// badContent is the error for what is wrong with labs and lessons, in so many
// lines that the first can still be seen.
func badContent(err error) error {
	if lines := strings.Split(err.Error(), "\n"); len(lines) > maxProblems {
		err = fmt.Errorf("%s\n… and %d more", strings.Join(lines[:maxProblems], "\n"), len(lines)-maxProblems)
	}
	return engine.Hintf(usageError{err}, "fix that, or omit its --content")
}

// canRun says whether this machine can run a lab, as an error if it cannot.
func canRun(lab *engine.Lab) error {
	reason, remedy := preflight.Missing(lab.Requires)
	if reason == "" {
		return nil
	}
	return engine.Hintf(fmt.Errorf("lab %s %w: %s", lab.ID, engine.ErrCannotRun, reason), "%s", remedy)
}

// noWorld puts the reason why the app layer could not be started into the words
// of preflight, which looks closer than the error does.
func noWorld(err error) error {
	if !errors.Is(err, engine.ErrCannotRun) {
		return err
	}
	if reason, remedy := preflight.Missing(nil); reason != "" {
		return engine.Hintf(fmt.Errorf("labs %w: %s", engine.ErrCannotRun, reason), "%s", remedy)
	}
	return err
}

type listResult struct {
	Lessons []listLesson `json:"lessons"`
	Labs    []listLab    `json:"labs"`
}

type listLesson struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Module string `json:"module"`
	Lab    string `json:"lab"`
}

type listLab struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Module    string   `json:"module"`
	Requires  []string `json:"requires"`
	Available bool     `json:"available"`
	Reason    string   `json:"reason"`
	Remedy    string   `json:"remedy"`
	Faults    []string `json:"faults"`
}

func (p *program) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List lessons and labs, and which of them run here", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := p.list(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(r)
			}
			return p.printList(r)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) list(context.Context) (listResult, error) {
	c, err := p.load()
	if err != nil {
		return listResult{}, err
	}
	r := listResult{Lessons: []listLesson{}, Labs: []listLab{}}
	for _, l := range c.Book.Lessons() {
		r.Lessons = append(r.Lessons, listLesson{l.ID, l.Title, l.Module, l.Lab})
	}
	available := engine.Available(preflight.Missing).Once()
	for _, l := range c.Infos() {
		reason, remedy := available(l.Requires)
		faults, requires := append([]string{}, l.Faults...), append([]string{}, l.Requires...) // not null
		r.Labs = append(r.Labs, listLab{l.ID, l.Title, l.Module, requires, reason == "", reason, remedy, faults})
	}
	return r, nil
}

func (p *program) printList(r listResult) error {
	w := tabwriter.NewWriter(p.out, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "LESSON\tMODULE\tTITLE")
	for _, l := range r.Lessons {
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.ID, l.Module, l.Title)
	}
	fmt.Fprintln(w, "\t\t\nLAB\tRUNS HERE\tTITLE")
	for _, l := range r.Labs {
		runs := "yes"
		if !l.Available {
			runs = "no"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.ID, runs, l.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, l := range r.Labs {
		if l.Available {
			continue
		}
		if _, err := fmt.Fprintf(p.out, "\n%s cannot run here: %s\n  what to do: %s\n", l.ID, l.Reason, l.Remedy); err != nil {
			return err
		}
	}
	return nil
}
