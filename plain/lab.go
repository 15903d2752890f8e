package plain

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"underlay/attempt"
	"underlay/engine"
)

const (
	// patient is how long a person waits for the lab's judgement after a command;
	// what comes later is said later.
	patient = time.Second
	// thorough is how long a script waits for it.
	thorough = 10 * time.Second
)

// visit is a lab that is open.
type visit struct {
	*guide
	lab     *engine.Lab
	session engine.Session
	attempt *attempt.Attempt
	shells  map[string]*shell
	node    string                // where the learner is
	at      atomic.Pointer[shell] // the shell there
	leaving bool

	captured bool // a capture of the learner's is open
	settled  bool // the last judgement was a final one
}

// visitLab is visit of a lab by its id.
func (g *guide) visitLab(id string) error {
	if g.findLab(id) == nil {
		return engine.Hintf(fmt.Errorf("there is no lab %q: %w", id, engine.ErrNotFound), "`underlay list` lists them")
	}
	lab, err := g.Lab(id)
	if err != nil {
		return err
	}
	return g.visit(lab)
}

// visit opens a lab and stays until the learner leaves it. It returns errLeft only
// at the end of the input, or when the dialogue began with this lab.
func (g *guide) visit(lab *engine.Lab) (err error) {
	if reason, remedy := g.Available(lab.Requires); reason != "" {
		return engine.Hintf(fmt.Errorf("lab %s %w: %s", lab.ID, engine.ErrCannotRun, reason), "%s", remedy)
	}
	g.sayf("Opening the lab “%s”.", lab.Title)
	s, err := g.open(lab)
	if err != nil {
		return err
	}
	began, events := attempt.Begin(s, time.Now)
	v := &visit{
		guide: g, lab: lab, session: s, attempt: began,
		shells: map[string]*shell{}, node: lab.Topology.FirstShell(),
	}
	defer func() {
		v.tell(v.attempt.Leave())
		if closeErr := s.Close(); closeErr != nil {
			err = errors.Join(unlessLeft(err), fmt.Errorf("close the lab: %w", closeErr))
		}
	}()
	v.tell(events)
	v.introduce()
	if _, err := v.shell(); err != nil {
		return err
	}
	err = v.talk()
	v.farewell()
	return err
}

// unlessLeft forgets that the learner has left, where there is something worse.
func unlessLeft(err error) error {
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// open builds the lab; Ctrl-C gives it up.
func (g *guide) open(lab *engine.Lab) (engine.Session, error) {
	ctx, cancel := context.WithCancel(g.ctx)
	type outcome struct {
		session engine.Session
		err     error
	}
	opened := make(chan outcome, 1)
	go func() {
		s, err := g.Opener.Open(ctx, lab, nil)
		opened <- outcome{s, err}
	}()
	select {
	case o := <-opened:
		context.AfterFunc(g.ctx, cancel)
		if o.err != nil {
			cancel()
		}
		return o.session, o.err
	case <-g.interrupts:
	case <-g.ctx.Done():
	}
	cancel()
	o := <-opened
	if o.err == nil {
		o.err = o.session.Close()
	}
	return nil, errors.Join(errors.New("opening the lab was cancelled"), o.err)
}

func (v *visit) introduce() {
	v.blank()
	v.say(v.lab.Summary)
	if v.lab.Fault != nil {
		v.report()
	}
	v.blank()
	v.tasks()
	v.blank()
	v.sayf("You are in the shell of %s. Type commands as in any shell. Lines that begin with a colon go to the tutor: :tasks, :hint, :node, :help, :quit and more.", v.node)
}

// talk takes lines until the learner leaves.
func (v *visit) talk() error {
	for !v.leaving {
		prompt, top := v.prompt()
		m := meanwhile{news: v.session.Changed(), heard: func() bool { return v.announce(v.session.Status(), false) }}
		if !top {
			m.stop = v.stop
		}
		line, err := v.ask(prompt, m)
		if errors.Is(err, errStopped) {
			continue
		}
		if err != nil {
			return err
		}
		switch name, rest := split(line); {
		case name != "":
			err = v.command(name, rest)
		case top && rest == "":
		default:
			err = v.run(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// patience is how long to wait for the lab's judgement.
func (v *visit) patience() time.Duration {
	if v.Interactive {
		return patient
	}
	return thorough
}

// settle waits for the lab's judgement of what has changed, and announces what is
// new. Where nothing has, nothing is judged.
func (v *visit) settle(limit time.Duration) {
	ctx, cancel := context.WithTimeout(v.ctx, limit)
	defer cancel()
	st, err := v.session.Rest(ctx)
	v.settled = err == nil
	v.announce(st, v.settled)
}

// farewell says how the visit went.
func (v *visit) farewell() {
	if v.ctx.Err() != nil {
		return
	}
	if !v.attempt.Solved() && !v.settled {
		v.settle(thorough)
	}
	done := fmt.Sprintf("%d of %s done", v.attempt.Status().Done(), attempt.Count(len(v.lab.Tasks), "task"))
	switch {
	case v.attempt.Solved():
		v.say("The lab is closed. It is solved.")
	case v.attempt.WasSolved():
		v.sayf("The lab is closed. It was solved, and that is recorded; now %s.", done)
	default:
		v.sayf("The lab is closed. %s; what you have done is recorded.", done)
	}
}
