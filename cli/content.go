package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"underlay/course"
	"underlay/engine"
	"underlay/engine/preflight"
	"underlay/labs"
	"underlay/lessons"
)

// content is what there is to learn: built in, and from --content directories.
type content struct {
	labs *labs.Catalogue
	book *lessons.Book
	seed int64 // the labs' parameters were drawn with
}

// load reads all content, with the labs' parameters drawn by --seed. Labs and
// lessons are read side by side: the first frame waits for both.
func (p *program) load() (*content, error) {
	for _, dir := range p.content {
		if err := checkContent(dir); err != nil {
			return nil, err
		}
	}
	c := content{seed: p.seed}
	var g errgroup.Group
	g.Go(func() (err error) {
		if c.labs, err = labs.Open(p.seed, p.content...); err != nil {
			err = badContent(err)
		}
		return err
	})
	var added []addedBook
	g.Go(func() (err error) {
		c.book, added, err = loadBook(p.content)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, a := range added {
		if err := c.checkPredictions(a); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// addedBook is the lessons of one content directory.
type addedBook struct {
	dir  string
	book *lessons.Book
}

// loadBook reads the built-in lessons and those of content directories.
func loadBook(dirs []string) (*lessons.Book, []addedBook, error) {
	book, err := lessons.Builtin()
	if err != nil {
		return nil, nil, err
	}
	var added []addedBook
	for _, dir := range dirs {
		sub := filepath.Join(dir, "lessons")
		if _, err := os.Stat(sub); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		more, err := lessons.Load(os.DirFS(sub))
		if err != nil {
			return nil, nil, badContent(fmt.Errorf("%s: %w", sub, err))
		}
		if book, err = lessons.Merge(book, more); err != nil {
			return nil, nil, badContent(err)
		}
		added = append(added, addedBook{sub, more})
	}
	return book, added, nil
}

// predictions are those of a lesson. They are made when the lesson is opened, so
// that the first frame does not wait for them.
func (c *content) predictions(l *lessons.Lesson) ([]*engine.Prediction, error) {
	lab, err := c.labs.Lab(l.Lab)
	if err != nil {
		lab = nil // the error of a prediction without a lab has its place in the file
	}
	return course.Predictions(l, lab)
}

// checkPredictions makes all predictions of a content directory, to refuse what
// is wrong at once. Tests do so for the built-in ones.
func (c *content) checkPredictions(a addedBook) error {
	var all labs.Problems
	for _, l := range a.book.Lessons() {
		_, err := c.predictions(l)
		var problems labs.Problems
		errors.As(err, &problems)
		for _, p := range problems {
			p.File = filepath.Join(a.dir, p.File)
			all = append(all, p)
		}
	}
	if len(all) > 0 {
		return badContent(all)
	}
	return nil
}

// checkContent says why a --content directory cannot be used. One that holds
// nothing is a slip, too: a folder too deep, or not deep enough.
func checkContent(dir string) error {
	const hint = "give a folder that holds labs/NAME/lab.yaml, NAME/lab.yaml or lessons/MODULE/LESSON.md"
	if _, err := os.ReadDir(dir); err != nil {
		return engine.Hintf(usageError{fmt.Errorf("--content: %w", err)}, hint)
	}
	for _, pattern := range []string{"*/lab.yaml", "labs/*/lab.yaml", "lessons"} {
		if found, err := fs.Glob(os.DirFS(dir), pattern); err == nil && len(found) > 0 {
			return nil
		}
	}
	return engine.Hintf(usageError{fmt.Errorf("--content %s: no lab or lesson is in there", dir)}, hint)
}

// maxProblems is how many problems of content are told at once.
const maxProblems = 25

// badContent is the error for what is wrong with labs and lessons, in so many
// lines that the first can still be seen.
func badContent(err error) error {
	if lines := strings.Split(err.Error(), "\n"); len(lines) > maxProblems {
		err = fmt.Errorf("%s\n… and %d more", strings.Join(lines[:maxProblems], "\n"), len(lines)-maxProblems)
	}
	return engine.Hintf(usageError{err}, "correct that, or leave its --content out")
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
	for _, l := range c.book.Lessons() {
		r.Lessons = append(r.Lessons, listLesson{l.ID, l.Title, l.Module, l.Lab})
	}
	for _, l := range c.labs.All() {
		reason, remedy := available(l)
		faults := []string{}
		for i := range l.Faults {
			faults = append(faults, l.Faults[i].ID)
		}
		requires := append([]string{}, l.Requires...) // not null, either
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
