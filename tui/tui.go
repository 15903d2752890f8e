// Package tui is the program on the screen: home, lessons and labs. One root
// model routes messages by family to the screen that shows; screens live in
// their own packages, draw into rectangles that layout computes, and ask for
// everything else by returning intents. Nothing here waits for a lab, a file or
// a shell outside a command.
package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/progress"
)

// Deps is what the program needs from outside.
type Deps struct {
	Book        *lesson.Book
	Labs        []*engine.LabInfo
	Lab         func(id string) (*engine.Lab, error)               // reads a lab
	Predictions func(*lesson.Lesson) ([]*engine.Prediction, error) // one for each predict block
	Faulted     func(lab, fault string) (*engine.Lab, error)       // draws a lab with a fault in it, by their ids
	Opener      engine.Opener
	Available   engine.Available // nil means that every lab can run
	Progress    *progress.Store  // nil forgets everything at the end
	Notice      string           // a sentence shown once at the start
	Reloads     <-chan Reload    // content that was read anew; nil if it never is
	Start       Start
	Options     Options
}

// Start says where to begin; the zero value begins at home.
type Start struct {
	Lab    *engine.Lab // to open at once, which may have a fault in it
	Lesson string      // id of a lesson to open at once
}

// Options say how the program looks.
type Options struct {
	ASCII        bool
	NoColor      bool
	HighContrast bool
	Theme        string // auto, dark, light or contrast; "" is auto
	Version      string
}

// Run shows the program until the learner quits or ctx ends. A lab that is open
// then is closed before Run returns.
func Run(ctx context.Context, d Deps) error {
	m := newModel(ctx, d, stored(d.Progress))
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(120)}
	if d.Options.NoColor {
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	}
	p := tea.NewProgram(m, opts...)
	m.pace = newPacer(p)
	_, err := p.Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("run the screen: %w", err)
	}
	return errors.Join(err, m.shutdown())
}
