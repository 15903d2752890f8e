// Package plain is the tutor as a dialogue in lines of text: for screen readers,
// scripts and terminals that cannot draw. It prints no escape sequence, moves no
// cursor and uses no colour. It drives an engine.Session as the screens do, and
// knows nothing of namespaces, of checks, or of the screens.
package plain

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/progress"
)

// DefaultWidth is how many columns text takes where the terminal does not say.
const DefaultWidth = 76

// Deps is what the dialogue needs from outside.
type Deps struct {
	In         io.Reader        // a line each; its end ends the dialogue
	Out        io.Writer        // everything that is said
	Interrupts <-chan os.Signal // Ctrl-C, for the program in the lab's shell; nil for none
	// Interactive says that a person at a terminal types In and reads Out. Then
	// lessons pause at headings, and what is typed while a program runs goes to that
	// program. Otherwise lines wait for their turn, and are repeated in Out.
	Interactive bool

	Book        *lesson.Book
	Labs        []*engine.LabInfo
	Lab         func(id string) (*engine.Lab, error)               // reads a lab
	Predictions func(*lesson.Lesson) ([]*engine.Prediction, error) // one for each predict block
	Faulted     func(lab, fault string) (*engine.Lab, error)       // draws a lab with a fault in it, by their ids
	Opener      engine.Opener
	Available   engine.Available // nil means that every lab can run
	Progress    *progress.Store  // nil forgets everything at the end
	Notice      string           // a sentence said once at the start
	Start       Start
	Width       int           // in columns; 0 is DefaultWidth
	Limit       time.Duration // a command that runs longer is interrupted; 0 lets it run
	ASCII       bool          // figures are drawn with ASCII characters only
}

// Start says where to begin; the zero value begins with the list.
type Start struct {
	Lab    *engine.Lab // to open, which may have a fault in it; the dialogue ends when it is left
	Lesson string      // id of a lesson to read first
}

// errLeft says that the learner has left: it is how a dialogue normally ends.
var errLeft = errors.New("left")

// guide leads through the dialogue.
type guide struct {
	*talk
	Deps
	journal *journal
}

// Run talks until the learner leaves, In ends or ctx ends, of which none is an
// error. A lab that is open then is closed before Run returns. A Read of In that
// is under way when Run returns is not ended.
func Run(ctx context.Context, d Deps) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.Width <= 0 {
		d.Width = DefaultWidth
	}
	if d.Available == nil {
		d.Available = func([]string) (string, string) { return "", "" }
	}
	g := &guide{talk: newTalk(ctx, d), Deps: d}
	g.journal = newJournal(context.WithoutCancel(ctx), d.Progress, func(err error) {
		g.say("Your progress could not be saved: " + err.Error())
	})
	err := g.begin()
	if errors.Is(err, errLeft) || ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, g.failure())
}

func (g *guide) begin() error {
	if g.Notice != "" {
		g.say(g.Notice)
	}
	if g.Start.Lab != nil {
		return g.visit(g.Start.Lab)
	}
	if g.Start.Lesson != "" {
		if err := g.readLesson(g.Start.Lesson); err != nil {
			return err
		}
	}
	return g.home()
}

// findLab is what lists say of a lab, or nil.
func (g *guide) findLab(id string) *engine.LabInfo {
	for _, l := range g.Labs {
		if l.ID == id && id != "" {
			return l
		}
	}
	return nil
}
