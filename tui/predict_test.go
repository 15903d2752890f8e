package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
)

const predictLesson = `---
id: predicting
title: What will happen
minutes: 5
objectives:
  - Say it before it happens
lab: docker0
---

Some text.

` + "```predict host start\n" + `id: gone
question: You take the *address* of docker0 away. Who still talks?
run: |
  echo away with $((40+2))
  # node: c1
  echo c1 speaks
options:
  - text: The containers
    when:
      - link: {node: c1, name: eth0}
  - text: Nobody
    when:
      - not: {link: {node: c1, name: eth0}}
explanation: A switch needs no address of its own.
` + "```\n\nThe text goes on.\n"

// numbered is text enough for a prediction to scroll away.
func numbered() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "\nParagraph number %d.\n", i)
	}
	return b.String()
}

// predicting opens a lesson with a prediction, in a lab whose shells are real
// and whose judgement is that these outcomes hold.
func predicting(t *testing.T, change func(*Deps), holds ...engine.State) *driver {
	t.Helper()
	dir := t.TempDir()
	d := drive(t, func(p *Deps) {
		book, err := lesson.Load(fstest.MapFS{
			"bridge/module.yaml":     {Data: []byte("id: bridge\ntitle: The bridge\norder: 1\nsummary: Bridges.\n")},
			"bridge/1-predicting.md": {Data: []byte(predictLesson + numbered())},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Book = book
		if change != nil {
			change(p)
		}
	})
	d.session.Open = func(node string, size engine.Size) (engine.Terminal, error) { return fake.NewBash(node, dir, size) }
	var st engine.Status
	for _, s := range holds {
		st.Tasks = append(st.Tasks, engine.TaskResult{Result: engine.Result{State: s, Want: "eth0 is there", Got: "eth0 is seen", Why: "The kernel is silent."}})
	}
	d.session.Set(st)
	d.until("the labs are looked at", func() bool { return d.pending.Load() == 0 })
	d.send(intent.OpenLesson{ID: "predicting"})
	d.idle(0)
	return d
}

func (d *driver) judged() (n int) {
	d.store.has(func(e attempt.Event) bool {
		if q, ok := e.(attempt.QuizMarked); ok && q.Quiz == "predicting/predict/gone" {
			n++
		}
		return false
	})
	return n
}

func TestAPredictionIsMarkedByTheKernel(t *testing.T) {
	d := predicting(t, nil, engine.Pass, engine.Fail)
	d.want("the kernel decides")
	d.want("a to b predict")
	d.press("c")
	d.want("This prediction has 2 answers to choose from.")
	d.press("b")
	d.want("Not so. You said b, the kernel confirms a.")
	for _, want := range []string{
		"$ echo away with $((40+2))", "away with 42", "─ c1 ─", "$ echo c1 speaks", "asked eth0 is there", "seen eth0 is seen",
		"A switch needs no address of its own.", "✓ a The containers", "x b Nobody",
	} {
		d.want(want)
	}
	d.until("it is recorded", d.marked(false))
	if !d.session.Seen().Closed {
		t.Error("the lab is still open")
	}
	d.press("a")
	d.want("You have committed to b, and the kernel has answered.")
	if n := d.judged(); n != 1 {
		t.Errorf("it was recorded %d times", n)
	}
}

func TestAPredictionThatCameTrueIsRemembered(t *testing.T) {
	d := predicting(t, nil, engine.Pass, engine.Fail)
	d.press("a")
	d.want("✓ Right. The kernel confirms a.")
	d.until("it is recorded", d.marked(true))
	d.press("esc")
	d.until("home shows", func() bool { return d.m.screen == screen(d.m.home) })
	d.send(intent.OpenLesson{ID: "predicting"})
	d.want("✓ predicted")
}

func TestAPredictionThatCannotBeDecidedDoesNotCount(t *testing.T) {
	for name, test := range map[string]struct {
		states []engine.State
		says   string
	}{
		"none":   {[]engine.State{engine.Fail, engine.Fail}, "None of the answers is what the kernel shows."},
		"both":   {[]engine.State{engine.Pass, engine.Pass}, "What the kernel shows fits more than one answer: a, b."},
		"broken": {[]engine.State{engine.Pass, engine.Broken}, "The kernel is silent."},
	} {
		t.Run(name, func(t *testing.T) {
			d := predicting(t, nil, test.states...)
			d.press("a")
			d.want("Underlay could not find out")
			d.want(test.says)
			d.want("This does not count. Press a to ask the kernel again.")
			d.want("A switch needs no address of its own.")
			d.press("b")
			d.want("You have committed to a. Press a to ask the kernel again.")
			d.session.Set(engine.Status{Tasks: []engine.TaskResult{{Result: engine.Result{State: engine.Pass}}, {Result: engine.Result{State: engine.Fail}}}})
			if n := d.judged(); n != 0 {
				t.Fatalf("it was recorded %d times", n)
			}
			d.press("a")
			d.want("✓ Right. The kernel confirms a.")
		})
	}
}

func TestAPredictionWithoutItsLabSaysWhy(t *testing.T) {
	d := predicting(t, func(p *Deps) {
		p.Available = func([]string) (string, string) { return "this kernel has no bridges", "load the module bridge" }
	}, engine.Pass, engine.Fail)
	d.press("a")
	d.want("The lab cannot run here: this kernel has no bridges.")
	d.want("What to do: load the module bridge ")
	d.want("A switch needs no address of its own.")
	if d.judged() != 0 || len(d.session.Seen().Shells) != 0 {
		t.Error("it was judged all the same")
	}
}

func TestAPredictionWhoseLabFailsToOpenSaysWhatToDo(t *testing.T) {
	d := predicting(t, func(p *Deps) {
		p.Opener = &fake.Opener{Err: engine.Hintf(errors.New("user namespaces are switched off"), "run it with sudo")}
	})
	d.press("a")
	d.want("User namespaces are switched off.")
	d.want("What to do: run it with sudo ")
	if d.judged() != 0 {
		t.Error("it was recorded")
	}
}

// What was asked for a lesson that was left is neither shown nor recorded.
func TestLeavingALessonEndsItsPrediction(t *testing.T) {
	d := predicting(t, func(p *Deps) {
		p.Opener = &fake.Opener{Steps: []string{"Making the lab's own world", "Laying cables"}, Delay: 1 << 40}
	})
	d.press("a")
	d.want("Making the lab's own world")
	d.press("esc")
	d.until("home shows and nothing runs", func() bool { return d.m.screen == screen(d.m.home) && d.pending.Load() == 0 })
	if d.judged() != 0 || strings.Contains(d.text(), "Making a world") {
		t.Error("it goes on")
	}
}

// The verdict of a prediction that has scrolled away does not move what is read.
func TestAVerdictDoesNotMoveTheText(t *testing.T) {
	d := predicting(t, nil, engine.Pass, engine.Fail)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 18})
	d.press("a", "pgdown", "pgdown", "pgdown")
	read := func() string { return strings.Join(strings.Split(d.text(), "\n")[3:15], "\n") }
	before := read()
	if !strings.Contains(before, "Paragraph number") || strings.Contains(before, "Prediction") {
		t.Fatalf("the prediction has not scrolled away:\n%s", before)
	}
	d.until("it is recorded", d.marked(true))
	if after := read(); after != before {
		t.Errorf("it was read:\n%s\nthen:\n%s", before, after)
	}
	d.press("shift+tab")
	d.want("✓ predicted")
}

func TestAPredictionMayRequireMoreThanItsLab(t *testing.T) {
	lacks := func(requires []string) (string, string) {
		if slices.Contains(requires, "br-netfilter") {
			return "this machine lacks br-netfilter", "sudo modprobe br_netfilter"
		}
		return "", ""
	}
	d := predicting(t, func(p *Deps) {
		p.Available = lacks
		made := p.Predictions
		p.Predictions = func(l *lesson.Lesson) ([]*engine.Prediction, error) {
			ps, err := made(l)
			for _, p := range ps {
				p.Requires = []string{"br-netfilter"}
			}
			return ps, err
		}
	}, engine.Pass, engine.Fail)
	d.press("a")
	d.want("The lab cannot run here: this machine lacks br-netfilter.")
	d.want("What to do: sudo modprobe br_netfilter ")
	if d.judged() != 0 || len(d.session.Seen().Shells) != 0 {
		t.Error("it was judged all the same")
	}
}
