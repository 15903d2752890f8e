package tui

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
)

// builder opens a session for each lab, and remembers them. A lab whose title
// is in slow waits until it may go on.
type builder struct {
	mu       sync.Mutex
	sessions []*fake.Session
	slow     map[string]chan struct{}
	err      error
}

func (b *builder) Open(_ context.Context, lab *engine.Lab, _ func(string)) (engine.Session, error) {
	if gate := b.slow[lab.Title]; gate != nil {
		<-gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	s := fake.NewSession(lab)
	b.sessions = append(b.sessions, s)
	return s, nil
}

// none are the predictions of a lesson without any.
func none(*lesson.Lesson) ([]*engine.Prediction, error) { return nil, nil }

// titled is the lab with another title.
func titled(title string) *engine.Lab {
	lab := fake.Lab()
	lab.Title = title
	return lab
}

// renewed is content with this lab, read again.
func renewed(book *lesson.Book, lab *engine.Lab) Reload {
	r := Reload{Book: book, Predictions: none}
	r.Labs, r.Lab = listed(lab)
	return r
}

// watching opens the lab with a channel of reloads.
func watching(t *testing.T, b *builder) (*driver, chan Reload) {
	t.Helper()
	reloads := make(chan Reload, 4)
	d := drive(t, func(deps *Deps) { deps.Opener, deps.Reloads = b, reloads })
	d.send(intent.OpenLab{ID: "docker0"})
	d.until("the shells are open", func() bool { return len(d.panes) == 3 })
	return d, reloads
}

func TestReloadBuildsAChangedLabAnew(t *testing.T) {
	b := &builder{}
	d, reloads := watching(t, b)
	d.press("alt+2", "f2")
	d.want("Hint 1/4")
	reloads <- renewed(testBook(t), titled("Another title"))
	d.want("Another title")
	d.until("its shells are open", func() bool { return len(d.panes) == 6 })
	d.until("the old one is closed", func() bool { return b.sessions[0].Seen().Closed })
	d.want("Rebuilt.")
	d.want("Hint 1/4")
	if got := d.m.work.Attempt().Account(); b.sessions[1].Seen().Closed || got != "in 2 seconds, with 1 hint" {
		t.Errorf("the new lab is not as the old one was, but done %s:\n%s", got, d.text())
	}
	if n := recorded[attempt.Began](d); n != 1 {
		t.Errorf("it counts as %d attempts", n)
	}
}

func TestReloadKeepsALabThatHasNotChanged(t *testing.T) {
	b := &builder{}
	d, reloads := watching(t, b)
	d.press("f3")
	d.want("A bridge is a switch in the kernel.")
	book, err := lesson.Load(fstest.MapFS{
		"bridge/module.yaml":  {Data: []byte("id: bridge\ntitle: B\norder: 1\nsummary: S.\n")},
		"bridge/1-docker0.md": {Data: []byte("---\nid: docker0\ntitle: D\nminutes: 5\nobjectives: [see]\nlab: docker0\n---\n\nWhat was written since.\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	reloads <- renewed(book, fake.Lab())
	d.want("What was written since.")
	if len(b.sessions) != 1 || b.sessions[0].Seen().Closed {
		t.Error("the lab was built again although only its lesson has changed")
	}
}

func TestReloadShowsALessonAnew(t *testing.T) {
	reloads := make(chan Reload, 4)
	d := drive(t, func(deps *Deps) { deps.Reloads, deps.Start = reloads, Start{Lesson: "docker0"} })
	d.want("Afterwards you can")
	book, err := lesson.Load(fstest.MapFS{
		"bridge/module.yaml":  {Data: []byte("id: bridge\ntitle: B\norder: 1\nsummary: S.\n")},
		"bridge/1-docker0.md": {Data: []byte("---\nid: docker0\ntitle: A new title\nminutes: 5\nobjectives: [see]\n---\n\nNew text.\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	reloads <- Reload{Book: book, Predictions: none}
	d.want("A new title")
	d.want("New text.")
}

func TestReloadSaysWhatIsWrongUntilItIsRight(t *testing.T) {
	b := &builder{}
	d, reloads := watching(t, b)
	reloads <- Reload{Wrong: []string{"labs/x/lab.yaml:3:1: missing field", "labs/x/solve.sh: the file is missing"}}
	d.want("labs/x/lab.yaml:3:1: missing field")
	d.want("labs/x/solve.sh: the file is missing")
	reloads <- Reload{Wrong: []string{"labs/x/solve.sh: the file is missing"}}
	d.until("the first one is gone", func() bool { return !d.shows("missing field") })
	reloads <- renewed(testBook(t), fake.Lab())
	d.until("nothing is wrong", func() bool { return !d.shows("the file is missing") })
	if len(b.sessions) != 1 {
		t.Error("the lab was built again although it is the same")
	}
}

func TestReloadOfALabThatCannotBeBuilt(t *testing.T) {
	b := &builder{}
	d, reloads := watching(t, b)
	b.mu.Lock()
	b.err = errors.New("setup of c1 ended with 1")
	b.mu.Unlock()
	reloads <- renewed(testBook(t), titled("Broken"))
	d.want("setup of c1 ended with 1")
	if b.sessions[0].Seen().Closed || d.shows("Broken") {
		t.Errorf("the last good one is gone:\n%s", d.text())
	}
}

// TestReloadTakesTheNewest saves twice while the first is still being built.
func TestReloadTakesTheNewest(t *testing.T) {
	b := &builder{slow: map[string]chan struct{}{"First": make(chan struct{})}}
	d, reloads := watching(t, b)
	reloads <- renewed(testBook(t), titled("First"))
	d.until("the first is being built", func() bool { return d.m.renewing != nil })
	reloads <- renewed(testBook(t), titled("Second"))
	d.want("Second")
	close(b.slow["First"])
	d.until("the first is closed", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.ContainsFunc(b.sessions, func(s *fake.Session) bool { return s.TheLab.Title == "First" && s.Seen().Closed })
	})
	d.want("Second")
}

// TestReloadAfterLeaving leaves the lab while a new one is being built.
func TestReloadAfterLeaving(t *testing.T) {
	b := &builder{slow: map[string]chan struct{}{"Late": make(chan struct{})}}
	d, reloads := watching(t, b)
	reloads <- renewed(testBook(t), titled("Late"))
	d.until("it is being built", func() bool { return d.m.renewing != nil })
	d.press("f10")
	d.want("Leave the lab?") // nothing else ends: the build is held up
	d.press("y")
	d.until("home", func() bool { return d.m.work == nil })
	close(b.slow["Late"])
	d.until("it is closed", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.sessions) == 2 && b.sessions[1].Seen().Closed
	})
	if d.m.work != nil {
		t.Error("the lab is back")
	}
}
