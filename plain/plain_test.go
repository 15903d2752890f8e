package plain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"underlay/attempt"
	"underlay/course"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/progress"
)

const lessonText = `---
id: first
title: The first lesson
minutes: 3
objectives: [Read]
lab: wires
covers: [1]
---

# The first lesson

A **bold** word and ` + "`ip -br *`" + `.

## A picture

` + "```figure A wire\n●──●\n```\n\n```quiz\nquestion: Which one?\noptions:\n  - {text: this}\n  - {text: that, right: true}\nexplanation: That is it.\n```\n"

func book(t *testing.T) *lesson.Book {
	t.Helper()
	b, err := lesson.Load(fstest.MapFS{
		"start/module.yaml": {Data: []byte("id: start\ntitle: Start\norder: 1\nsummary: How it begins.\n")},
		"start/1-first.md":  {Data: []byte(lessonText)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func store(t *testing.T, options ...progress.Option) *progress.Store {
	t.Helper()
	s, _, err := progress.Open(t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// tell runs a dialogue in which these lines are typed, and returns what was said.
func tell(t *testing.T, d Deps, lines ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	d.In, d.Out = strings.NewReader(strings.Join(lines, "\n")+"\n"), &out
	if d.Book == nil {
		d.Book = book(t)
	}
	d.Predictions = func(l *lesson.Lesson) ([]*engine.Prediction, error) { return course.Predictions(l, fakeLab()) }
	err := Run(ctx, d)
	if ctx.Err() != nil {
		t.Fatalf("the dialogue did not end; it said:\n%s", out.String())
	}
	if strings.ContainsAny(out.String(), "\x1b\r\b") {
		t.Errorf("control characters in %q", out.String())
	}
	return out.String(), err
}

// inOrder fails unless these texts come one after the other.
func inOrder(t *testing.T, said string, parts ...string) {
	t.Helper()
	rest := said
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Fatalf("not said, or not in this place: %q; it said:\n%s", p, said)
		}
		rest = after
	}
}

// having adds a lab to what a dialogue needs.
func having(d Deps, lab *engine.Lab) Deps {
	d.Labs = []*engine.LabInfo{lab.Info()}
	d.Lab = func(id string) (*engine.Lab, error) {
		if id != lab.ID {
			return nil, engine.ErrNotFound
		}
		return lab, nil
	}
	return d
}

func inLab(s *fakeSession) Deps {
	return having(Deps{Opener: s, Start: Start{Lab: s.lab}}, s.lab)
}

func TestLabIsSolvedAndRecorded(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	d.Progress = store(t)
	said, err := tell(t, d, "say red", ":hint", ":hint", "count", "do bridge", ":answer wrong", ":answer right", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Tasks: 0 of 2 done.", "(now) There is a bridge.", "Wanted: want bridge", "Found: got nothing", "Why: because of bridge",
		"host> say red\nred\n", "Hint 1 of 4: Nothing is there.", "Hint 2 of 4: Look at layer 2.",
		"host> count\n100%\nhost> do bridge\nDone: There is a bridge.\n1 of 2 tasks done.",
		"That does not do it yet.", "Which address has it?", "Done: You know its address.", "Solved: Wires,", "with 2 hints", ":quit", "It is solved.")
	labs, err := d.Progress.Labs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := labs["wires"]; !got.Solved || got.Attempts != 1 || !slices.Equal(got.TasksDone, []string{"bridge", "mac"}) {
		t.Errorf("recorded %+v", got)
	}
	var export bytes.Buffer
	if err := d.Progress.Export(t.Context(), &export); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"seed": 7`, `"tier": 2`} {
		if !strings.Contains(export.String(), want) {
			t.Errorf("the record lacks %s:\n%s", want, export.String())
		}
	}
	if !s.closed {
		t.Error("the lab was left open")
	}
}

// names are what the fake lab and its lesson were called last month.
type names struct{}

func (names) Lab(string) string       { return "wires" }
func (names) Task(_, _ string) string { return "bridge" }
func (names) Lesson(string) string    { return "first" }
func (names) Quiz(id string) string   { return id }

func TestWhatWasDoneBeforeThingsWereRenamedIsSaid(t *testing.T) {
	d := having(Deps{Progress: store(t, progress.WithNames(names{}))}, fakeLab())
	j := attempt.NewJournal(d.Progress)
	for _, e := range []attempt.Event{
		attempt.ReadTo{Lesson: "beginning", Block: 2, Done: true},
		attempt.Began{Lab: "cables"}, attempt.TaskDone{Lab: "cables", Task: "make"},
	} {
		if err := j.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	said, err := tell(t, d, "quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "lesson first: The first lesson. Read.", "lab wires: Wires. 1 of 2 tasks done.")
}

func TestWhatGetsWorseIsSaid(t *testing.T) {
	s := newFakeSession()
	said, err := tell(t, inLab(s), "do bridge", "undo bridge", "spoil yes", "spoil no", "crash", ":tasks")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Done: There is a bridge.", "No longer done: There is a bridge.", "0 of 2 tasks done.",
		"This must still hold, and does not: host talks to itself.", "Found: silence", "Works again: host talks to itself.",
		"Something happened to the lab: Its memory is full. :reset starts it again.", "The lab is closed. 0 of 2 tasks done")
}

// A question is a task's at whatever depth of its checks it stands.
func TestQuestionsWithinOtherChecks(t *testing.T) {
	for name, around := range map[string]func(engine.Check) engine.Check{
		"all": func(c engine.Check) engine.Check { return engine.Check{All: []engine.Check{{}, c}} },
		"any": func(c engine.Check) engine.Check { return engine.Check{Any: []engine.Check{{}, c}} },
		"not": func(c engine.Check) engine.Check { return engine.Check{Not: &c} },
	} {
		s := newFakeSession()
		s.lab.Tasks[1].Checks[0] = around(s.lab.Tasks[1].Checks[0])
		said, err := tell(t, inLab(s), ":answer", ":answer right", ":quit")
		if err != nil {
			t.Fatal(err)
		}
		if want := "Which address has it? Type :answer and your answer."; !strings.Contains(said, want) || !strings.Contains(said, "Done: You know its address.") {
			t.Errorf("in %s: it said\n%s", name, said)
		}
	}
}

func TestColonCommands(t *testing.T) {
	s := newFakeSession()
	said, err := tell(t, inLab(s), ":help", ":node", ":node c9", ":node c1", "say there", ": colon", "", "exit", "say again",
		":solution", "no", ":solution", "yes", ":reset", "yes", ":nonsense", ":lesson", ":hint 9", ":hint 2", ":answer", ":quit", "say never")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, ":node NAME", "You are in host. The nodes are: host, c1.", "There is no node c9.", "You are in c1.",
		"c1> say there\nthere\n", "The shell in c1 has ended.", "again\n", "Type yes to go on: no", "Type yes to go on: yes", "do bridge",
		"as it was at the start", "There is no command :nonsense", "A bold word and `ip -br *`.", "There is no task 9", "Task 2: You know", "Which address has it?")
	if strings.Contains(said, "say never") {
		t.Error("lines after :quit were read")
	}
	if strings.Contains(said, "Which one?") {
		t.Error(":lesson asked the lesson's question")
	}
	if s.resets != 1 {
		t.Errorf("%d resets", s.resets)
	}
	want := []string{"c1: say there", "c1: : colon", "c1: say again"}
	for _, l := range want {
		if !slices.Contains(s.typed, l) {
			t.Errorf("the shells got %q, which lack %q", s.typed, l)
		}
	}
	for _, l := range s.typed {
		if _, line, _ := strings.Cut(l, ": "); strings.HasPrefix(line, ":") && line != ": colon" {
			t.Errorf("the shell got %q", l)
		}
	}
}

func TestLessonAndQuiz(t *testing.T) {
	s := newFakeSession()
	d := having(Deps{Opener: s, Progress: store(t), ASCII: true}, s.lab)
	said, err := tell(t, d, "1", "z", "a", "b", "list", "nothing", "quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "1. lesson first: The first lesson. Not read yet.", "2. lab wires: Wires. Not begun yet.",
		"A bold word and `ip -br *`.", "A picture\n", "Figure: A wire", "o--o", "Which one?", "a. this", "b. that",
		"There is no option", "Not quite.", "Right.", "That is it.", "end of the lesson", "lab wires", "Read.", "There is no lesson or lab")
	quizzes, err := d.Progress.Quizzes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, q := range quizzes {
		if q.Right != 1 || q.Wrong != 1 {
			t.Errorf("%s: %+v", id, q)
		}
	}
	if len(quizzes) != 1 {
		t.Errorf("%d quizzes recorded", len(quizzes))
	}
}

func TestLabFromTheListComesBackToIt(t *testing.T) {
	s := newFakeSession()
	said, err := tell(t, having(Deps{Opener: s}, s.lab), "lab 1", ":quit", "help")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Opening the lab", "host> :quit", "The lab is closed.", "underlay> help", "lab NAME")
}

func TestLabThatCannotBeOpened(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	d.Available = func([]string) (string, string) { return "there is no veth", "load it" }
	var hinted *engine.Error
	if _, err := tell(t, d); !errors.Is(err, engine.ErrCannotRun) || !errors.As(err, &hinted) || hinted.Hint != "load it" {
		t.Errorf("a lab that cannot run: %v", err)
	}
	d.Start.Lab = nil
	said, err := tell(t, d, "lab nothing", "lab wires", "quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "underlay> lab nothing", "There is no lesson or lab of that name or number.", "underlay> lab wires", "annot run here: there is no veth", "What to do: load it", "underlay> quit")
}

// TestLimit: where nobody can press Ctrl-C, a program that does not end is stopped.
func TestLimit(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	d.Limit = 300 * time.Millisecond
	said, err := tell(t, d, "forever", "say next")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "working\n", "was interrupted", "host> say next\nnext\n")
}

// heard is a writer that can be waited at.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{}
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case h.news <- struct{}{}:
	default:
	}
	return h.text.Write(p)
}

func (h *heard) until(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		h.mu.Lock()
		said := h.text.String()
		h.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-h.news:
		case <-deadline:
			t.Fatalf("never said %q; it said:\n%s", text, said)
		}
	}
}

// TestCtrlC: it stops the program in the shell and nothing else; what a person
// types while a program runs goes to that program.
func TestCtrlC(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	in, keys := io.Pipe()
	interrupts := make(chan os.Signal)
	out := &heard{news: make(chan struct{}, 1)}
	d.In, d.Out, d.Interrupts, d.Interactive, d.Book = in, out, interrupts, true, book(t)
	ended := make(chan error, 1)
	go func() { ended <- Run(t.Context(), d) }()
	typeLine := func(l string) {
		if _, err := io.WriteString(keys, l+"\n"); err != nil {
			t.Error(err)
		}
	}
	out.until(t, "host> ")
	interrupts <- os.Interrupt
	out.until(t, "none is running")
	typeLine("forever")
	out.until(t, "working")
	typeLine("psst")
	out.until(t, "heard psst")
	typeLine(":tasks")
	out.until(t, "A program is running.")
	interrupts <- os.Interrupt
	typeLine("say after")
	out.until(t, "after\n")
	s.set("bridge", true) // by something in the background
	out.until(t, "Done: There is a bridge.")
	typeLine("forever")
	typeLine(":quit")
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal(":quit did not leave while a program ran")
	}
}

// brokenLab is the fake lab with a fault in it.
func brokenLab(t *testing.T, s *fakeSession) *engine.Lab {
	t.Helper()
	hints := engine.Hints{Symptom: "See.", Layer: "Think.", Command: "Look.", Solution: "Mend."}
	s.lab.Faults = []engine.Fault{
		{ID: "right", Cause: "The wire is cut.", Symptom: "Nothing works!", Explain: "Somebody cut the wire.", Hints: hints, Repair: engine.Script{Text: "mend\n"}},
		{ID: "wrong", Cause: "The wire is knotted.", Symptom: "It is slow!", Explain: "A knot.", Hints: hints},
	}
	lab, err := engine.Faulted(s.lab, "right")
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

func TestBrokenLab(t *testing.T) {
	s := newFakeSession()
	d := inLab(s)
	d.Progress = store(t)
	lab := brokenLab(t, s)
	whole := s.lab
	d = having(d, whole)
	var asked []string
	d.Faulted = func(id, fault string) (*engine.Lab, error) {
		asked = append(asked, id+" "+fault)
		switch {
		case id != whole.ID:
			return nil, engine.ErrNotFound
		case fault != engine.RandomFault:
			return engine.Faulted(whole, fault)
		}
		s.lab = lab
		return lab, nil
	}
	d.Start.Lab = nil
	letter, other := "a", "b"
	if lab.Task(engine.TaskCause).Choice().Options[1].ID == "right" {
		letter, other = other, letter
	}
	said, err := tell(t, d, "break nothing", "break wires magic", "break wires",
		":cause", ":cause z", ":cause "+other, ":hint", ":hint", ":hint", ":hint", ":lesson", ":solution", "yes", ":cause "+letter, ":cause",
		"do repair", "do whole", ":quit", "list", "quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "There is no lesson or lab", `Lab wires has no fault "magic".`, "What to do: its faults are right, wrong, and random",
		"Something is broken: “Nothing works!”", "What is wrong?", "a. The wire is", "b. The wire is", "There is no cause z.",
		"The wire is knotted.", "That does not do it yet.", "Hint 1 of 3: See.", "Hint 3 of 3: Look.", "Hint 3 of 3: Look.", "A bold word", "mend",
		"The wire is cut.", "Done: Find the cause", "You have named the cause.", "Solved: Wires, broken", "What it was: Somebody cut the wire.", "This lab has 1 fault left to repair. In the list, type: break wires",
		"It is solved.", "lab wires: Wires. Not begun yet. 1 of 2 faults repaired.")
	if !slices.Equal(asked, []string{"nothing random", "wires magic", "wires random"}) {
		t.Errorf("asked for %q", asked)
	}
	labs, err := d.Progress.Labs(t.Context())
	if err != nil || !labs["wires/right"].Solved || labs["wires"].Attempts != 0 {
		t.Errorf("recorded %+v, %v", labs, err)
	}
}

func TestCauseWhereNothingIsBroken(t *testing.T) {
	said, err := tell(t, inLab(newFakeSession()), ":cause", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Nothing is broken in this lab")
}
