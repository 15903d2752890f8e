package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"underlay/engine"
	"underlay/engine/preflight"
	"underlay/labs"
	"underlay/lessons"
)

// content is what there is to learn: built in, and from --content directories.
type content struct {
	labs *labs.Catalogue
	book *lessons.Book
}

// load reads all content, with the labs' parameters drawn by --seed. Labs and
// lessons are read side by side: the first frame waits for both.
func (p *program) load() (*content, error) {
	for _, dir := range p.content {
		if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
			return nil, usageError{fmt.Errorf("--content %s: there is no such directory", dir)}
		}
	}
	var c content
	var g errgroup.Group
	g.Go(func() (err error) {
		if c.labs, err = labs.Open(p.seed, p.content...); err != nil {
			err = usageError{err}
		}
		return err
	})
	g.Go(func() (err error) {
		c.book, err = loadBook(p.content)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return &c, nil
}

// loadBook reads the built-in lessons and those of content directories.
func loadBook(dirs []string) (*lessons.Book, error) {
	book, err := lessons.Builtin()
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		sub := filepath.Join(dir, "lessons")
		if _, err := os.Stat(sub); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		more, err := lessons.Load(os.DirFS(sub))
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", sub, err)}
		}
		if book, err = lessons.Merge(book, more); err != nil {
			return nil, usageError{err}
		}
	}
	return book, nil
}

// canRun says whether this machine can run a lab, as an error if it cannot.
func canRun(lab *engine.Lab) error {
	reason, remedy := preflight.Missing(lab.Requires)
	if reason == "" {
		return nil
	}
	return engine.Hintf(fmt.Errorf("lab %s %w: %s", lab.ID, engine.ErrCannotRun, reason), "%s", remedy)
}

// available is canRun in the words of the tutor.
func available(lab *engine.Lab) (reason, remedy string) { return preflight.Missing(lab.Requires) }

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
	for _, l := range c.book.Lessons() {
		r.Lessons = append(r.Lessons, listLesson{l.ID, l.Title, l.Module, l.Lab})
	}
	for _, l := range c.labs.All() {
		reason, _ := available(l)
		requires := l.Requires
		if requires == nil {
			requires = []string{}
		}
		r.Labs = append(r.Labs, listLab{l.ID, l.Title, l.Module, requires, reason == "", reason})
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
			runs = "no: " + l.Reason
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.ID, runs, l.Title)
	}
	return w.Flush()
}
