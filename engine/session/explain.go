package session

import (
	"context"
	"maps"
	"slices"

	"underlay/engine"
	"underlay/engine/autopsy"
)

// outdate forgets what autopsies found, because something has changed, and cuts
// short the one under way. It returns how much has changed so far.
func (s *Session) outdate() (changes int) {
	s.mu.Lock()
	s.changes++
	changes = s.changes
	had := s.found.forget()
	s.trying.tried = s.trying.tried || s.trying.typed
	s.mu.Unlock()
	s.giveWay()
	if had {
		s.signal()
	}
	return changes
}

// giveWay cuts short the autopsy under way in the background.
func (s *Session) giveWay() {
	s.mu.Lock()
	cut := s.explaining
	s.mu.Unlock()
	if cut != nil {
		cut()
	}
}

// claim takes evalMu for what an autopsy in the background must not hold up.
func (s *Session) claim() {
	s.claims.Add(1)
	defer s.claims.Add(-1)
	s.giveWay()
	s.evalMu.Lock()
}

// explain makes an autopsy of each failure that has had none. It gives way to
// whoever claims the lab, and to what changes it; it reports whether that did
// not happen. In the background it also gives way to commands (see watchedShell) and to
// captures.
func (s *Session) explain(ctx context.Context, background bool) (undisturbed bool) {
	if s.lab.Unwatched {
		return true
	}
	for {
		if more, ok := s.explainNext(ctx, background); !more || !ok {
			return ok
		}
	}
}

// explainNext explains one failure. ok is false if what it found may not hold.
func (s *Session) explainNext(ctx context.Context, background bool) (more, ok bool) {
	s.evalMu.Lock()
	defer s.evalMu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.setExplaining(cancel)
	defer s.setExplaining(nil)
	p, err := s.live()
	if err != nil || !s.fails() {
		return false, true
	}
	if s.claims.Load() > 0 || background && (s.attending() > 0 || s.lookForCaptures(p)) {
		return false, false
	}
	before, err := s.deepState(ctx, p)
	if err != nil {
		return false, ctx.Err() == nil // where nothing can be read nothing can be explained
	}
	about, turn, found := s.unexplained(before)
	if !found {
		return false, true
	}
	var a *engine.Autopsy
	sent := s.judge.Send(func() {
		defer s.send()()
		s.freshen(ctx, p)
		a, err = s.follow(ctx, p, about.flow, autopsy.Trace)
	})
	if sent {
		s.trigger(trigger{soft: true})
	}
	if after, err := s.deepState(ctx, p); err != nil || after != before {
		return false, false
	}
	if err == nil && !about.seen(a) {
		s.trigger(trigger{anew: true}) // it ends otherwise by now
	}
	v := about.verdict(a, err)
	if v.Text != "" {
		v = s.inReach(p, a, v)
	}
	return true, s.note(about, turn, v)
}

func (s *Session) setExplaining(cut context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.explaining = cut
}

// fails reports whether there is anything to explain, or to explain anew.
func (s *Session) fails() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	order, _ := failures(&s.status)
	return len(order) > 0 && !withheld(s.lab, &s.status)
}

// unexplained returns a failure that has had no autopsy in the lab as it is, of
// whose deep state this is the print.
func (s *Session) unexplained(print uint64) (about failure, turn int, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if print != s.found.print {
		if s.found.print != 0 && s.trying.typed {
			s.trying.tried = true
		}
		s.found.print = print
		if s.found.forget() {
			s.signal()
		}
	}
	order, gots := failures(&s.status)
	maps.DeleteFunc(s.found.known, func(f failure, _ finding) bool { return gots[f] == nil })
	for _, f := range order {
		if slices.ContainsFunc(gots[f], func(got string) bool { return !s.found.covers(f, got) }) {
			return f, s.found.turn, true
		}
	}
	return about, s.found.turn, false
}

// note keeps what was found, unless something has changed since, and has it
// told. An autopsy that could not be made is kept as well, so that it is not
// tried again and again.
func (s *Session) note(about failure, turn int, v engine.Verdict) (kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found.turn != turn {
		return false
	}
	_, gots := failures(&s.status)
	s.found.note(about, gots[about], v)
	if v.Text != "" {
		s.signal()
	}
	return true
}
