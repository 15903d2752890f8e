package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/undo"
)

// history is a Session as engine.History.
type history struct{ s *Session }

var _ engine.History = history{}

// History is where the lab has been since it was opened or reset.
func (s *Session) History() engine.History { return history{s} }

// Checkpoints are all there are, oldest first. It waits for one that is being taken.
func (h history) Checkpoints() []engine.Checkpoint {
	log := h.s.checkpoints
	log.wait()
	log.mu.Lock()
	defer log.mu.Unlock()
	var out []engine.Checkpoint
	for _, r := range log.records {
		c := r.Checkpoint
		c.Tasks = slices.Clone(c.Tasks)
		out = append(out, c)
	}
	return out
}

// Diff says what has changed since a checkpoint.
func (h history) Diff(ctx context.Context, id int) ([]engine.Change, error) {
	r, err := h.s.checkpoints.find(id)
	if err != nil {
		return nil, err
	}
	now, err := h.s.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the lab: %w", err)
	}
	return undo.Compare(r.state, now), nil
}

// Restore leads the lab back to a checkpoint: in place where that is possible,
// else by building it anew and bringing that to the same state.
func (h history) Restore(ctx context.Context, id int) (engine.Restored, error) {
	s := h.s
	s.changing.Lock()
	defer s.changing.Unlock()
	r, err := s.checkpoints.find(id)
	if err != nil {
		return engine.Restored{}, err
	}
	s.cancelEvaluation()
	s.traces.end()
	s.claim()
	s.outdate()
	out, err := s.restore(ctx, &r)
	if err == nil {
		s.judge.Recall(r.memory)
		s.checkpoints.backTo(id)
	}
	s.evalMu.Unlock()
	if err != nil {
		return engine.Restored{}, fmt.Errorf("go back in lab %s: %w", s.lab.ID, err)
	}
	s.evaluate(ctx)
	s.trigger(trigger{poke: true})
	go s.explainAlone(context.Background())
	return out, nil
}

// backTo forgets the checkpoints after one. The next evaluation finds which
// tasks are done now, and takes no checkpoint for them.
func (h *checkpointLog) backTo(id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records = slices.DeleteFunc(h.records, func(r record) bool { return r.ID > id })
	h.turn++
	h.passed = nil
}

// restore does the work of Restore. The caller holds evalMu.
func (s *Session) restore(ctx context.Context, r *record) (engine.Restored, error) {
	var out engine.Restored
	p, err := s.live()
	if err != nil {
		return out, err
	}
	_ = s.refresh(ctx, p) // as in evaluate: what it cannot follow is told by what is read next
	now, err := s.take(ctx, p)
	if err == nil {
		out.Changes = len(undo.Compare(r.state, now))
		out.Why = s.needsRebuild(p, r)
	} else {
		out.Why = []string{"The lab could not be read: " + err.Error() + "."}
	}
	if len(out.Why) == 0 {
		if out.Why, err = s.replay(ctx, p, r); err != nil || len(out.Why) == 0 {
			return out, err
		}
	}
	out.Rebuilt = true
	closeErr := p.close()
	if err := s.build(ctx, func(string) {}); err != nil {
		return out, errors.Join(err, closeErr)
	}
	if p, err = s.live(); err != nil || s.lab.Cluster != nil {
		return out, errors.Join(err, closeErr)
	}
	why, err := s.replay(ctx, p, r)
	for _, w := range why {
		if !slices.Contains(out.Why, w) {
			out.Why = append(out.Why, w)
		}
	}
	return out, errors.Join(err, closeErr)
}

// needsRebuild says, in sentences, what cannot be put back where it was: nodes
// that have become other namespaces, in which neither the shells nor the servers are.
func (s *Session) needsRebuild(p *instance, r *record) []string {
	var why []string
	if s.lab.Cluster != nil {
		return []string{"The objects of a cluster cannot be put back one by one."}
	}
	for _, node := range p.world.Gone(s.lab.Topology.NodeNames()) {
		why = append(why, node+" was deleted.")
	}
	then := r.remade
	if r.instance != p {
		then = nil
	}
	for _, node := range slices.Sorted(maps.Keys(p.remade)) {
		if !then[node] {
			why = append(why, node+" was deleted and made again: its shell and its servers are not in the new one.")
		}
	}
	return why
}

// replay brings an instance to a record's state and says in sentences what did not
// come back.
func (s *Session) replay(ctx context.Context, p *instance, r *record) ([]string, error) {
	take := func(ctx context.Context) (*undo.State, error) { return s.take(ctx, p) }
	left, why, err := undo.Restore(ctx, r.state, take, hand{p}, p.world)
	if err != nil {
		return nil, err
	}
	left = slices.DeleteFunc(left, func(c engine.Change) bool { return c.What == "server" })
	if len(left) == 0 {
		why = nil // what was refused at first has come right
	} else if len(why) == 0 {
		for _, c := range left {
			why = append(why, notBack(c))
		}
	}
	return append(why, s.servers(ctx, p, r)...), nil // they may listen on an address that had gone
}

// notBack says of a change that it is still there.
func notBack(c engine.Change) string {
	where := strings.TrimSpace(c.Node + " " + c.What)
	switch {
	case c.After == "":
		return fmt.Sprintf("%s: %s did not come back.", where, c.Before)
	case c.Before == "":
		return fmt.Sprintf("%s: %s did not go away.", where, c.After)
	}
	return fmt.Sprintf("%s: %s did not become %s again.", where, c.After, c.Before)
}

// servers starts the lab's servers that ran at a checkpoint and have ended, and
// ends those that had ended by then. It says which did not start.
func (s *Session) servers(ctx context.Context, p *instance, r *record) []string {
	pids := p.pids()
	ended, err := p.world.Ended(ctx, pids)
	if err != nil {
		return []string{"Underlay could not tell which servers run: " + err.Error() + "."}
	}
	var why []string
	for i, l := range s.lab.Topology.Workloads {
		runs, ran := !slices.Contains(ended, pids[i]), r.state.Ran(i)
		switch {
		case ran && !runs:
			err = p.serve(ctx, i, l)
		case runs && !ran:
			_, _, err = p.world.Run(ctx, l.Node, "", "sh", "-c", fmt.Sprintf("kill -9 %d", pids[i]))
		default:
			continue
		}
		if err != nil {
			why = append(why, fmt.Sprintf("%s did not start again: %v.", serverName(l), err))
		}
	}
	return why
}
