package main

import (
	"context"
	"errors"

	"underlay/engine"
	"underlay/engine/progress"
	"underlay/engine/sandbox"
	"underlay/engine/session"
	"underlay/tui"
)

// tutor opens the full-screen program, at a lab if one is named.
func (p *program) tutor(ctx context.Context, lab string) (err error) {
	content, err := p.load()
	if err != nil {
		return err
	}
	if lab != "" {
		l, err := content.labs.Lab(lab)
		if err != nil {
			return err
		}
		if err := canRun(l); err != nil {
			return err
		}
	}
	store, notice, err := progress.Open(p.stateDir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	sb, err := sandbox.New()
	if err != nil {
		return err
	}
	return tui.Run(ctx, tui.Deps{
		Book: content.book, Labs: content.labs.All(),
		Opener: session.Opener{Sandbox: sb}, Available: engine.Available(available),
		Progress: store, Notice: string(notice),
		Start:   tui.Start{Lab: lab},
		Options: tui.Options{ASCII: p.ascii, Theme: p.theme, Version: version},
	})
}
