package autopsy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/edit"
)

// spacing is the least time from one comparison with the lab to the next.
const spacing = time.Second

// since is how the lab differed from a checkpoint while a packet was followed.
type since struct {
	checkpoint int
	changes    []engine.Change
}

// The messages of the pane's commands. Pane and run tell them from late ones.
type (
	followed struct {
		pane   *Pane
		run    int
		report *engine.Autopsy
		since  *since // nil where that could not be found out
		err    error
	}
	compared struct {
		pane  *Pane
		since *since // that was compared with
		same  bool
	}
)

// Follow sends a packet and shows what becomes of it.
func (p *Pane) Follow(f engine.Flow) tea.Cmd {
	p.cancel()
	var ctx context.Context
	ctx, p.stop = context.WithCancel(p.ctx)
	p.run++
	p.flow, p.phase = f, following
	run, lab := p.run, p.lab
	return func() tea.Msg {
		msg := followed{pane: p, run: run}
		var looks sync.WaitGroup
		looks.Go(func() { msg.since = look(ctx, lab.History()) })
		msg.report, msg.err = lab.Trace(ctx, f)
		looks.Wait()
		return msg
	}
}

// Again follows the same packet once more.
func (p *Pane) Again() tea.Cmd { return p.Follow(p.flow) }

func (p *Pane) cancel() {
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
}

// take shows a report that has come.
func (p *Pane) take(msg followed) {
	p.cancel()
	if p.err = msg.err; msg.err != nil {
		p.phase = failed
		return
	}
	p.phase, p.report, p.since, p.stale = told, msg.report, msg.since, false
	p.walk = walk{}
	p.tell()
	p.choose(max(p.walk.path.Death, 0))
	p.walk.offset = p.reach(p.walk.offset)
}

// look says how the lab differs from its last checkpoint.
func look(ctx context.Context, h engine.History) *since {
	all := h.Checkpoints()
	if len(all) == 0 {
		return nil
	}
	s := &since{checkpoint: all[len(all)-1].ID}
	var err error
	if s.changes, err = h.Diff(ctx, s.checkpoint); err != nil {
		return nil
	}
	return s
}

// Look says that the lab may have changed. The command that it returns, where a
// report shows that this can make out of date, compares.
func (p *Pane) Look() tea.Cmd {
	switch {
	case p.phase != told && p.phase != closed || p.stale || p.since == nil:
		return nil
	case p.comparing:
		p.again = true
		return nil
	}
	p.comparing, p.again = true, false
	ctx, lab, s := p.ctx, p.lab, p.since
	return func() tea.Msg {
		timer := time.NewTimer(spacing)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		changes, err := lab.History().Diff(ctx, s.checkpoint)
		same := err == nil && slices.Equal(changes, s.changes) ||
			err != nil && !errors.Is(err, engine.ErrNotFound) // it could not be looked at now
		return compared{p, s, same}
	}
}

func (p *Pane) onCompared(msg compared) tea.Cmd {
	p.comparing = false
	if msg.since == p.since && !msg.same {
		p.stale = true
		p.draw()
	}
	if p.again {
		return p.Look()
	}
	return nil
}

// Ask asks which packet to follow. From is the node that a destination alone is
// sent from.
func (p *Pane) Ask(from string) {
	p.cancel()
	p.phase, p.from, p.problem = asking, from, ""
	p.line = edit.Line{}
	if from != "" {
		p.line.Set(from + " ")
	}
}

// parse reads what was typed.
func (p *Pane) parse(text string) (engine.Flow, error) {
	f := strings.Fields(text)
	node := func(name string) bool { return slices.Contains(p.nodes, name) }
	switch {
	case len(f) == 0:
		return engine.Flow{}, errors.New("give a node and a destination")
	case len(f) == 1 && node(f[0]):
		return engine.Flow{}, fmt.Errorf("give a destination: where to from %s?", f[0])
	case len(f) == 1 && p.from != "":
		f = []string{p.from, f[0]}
	case len(f) > 2:
		return engine.Flow{}, errors.New("give only a node and a destination")
	case !node(f[0]):
		return engine.Flow{}, fmt.Errorf("this lab has no node %q; its nodes are %s", f[0], strings.Join(p.nodes, ", "))
	}
	return engine.ParseFlow(f[0], f[1])
}
