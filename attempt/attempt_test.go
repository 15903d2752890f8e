package attempt

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"underlay/engine"
)

// lab has four tasks, of which the third asks a question within an all, and waits
// for the second.
func lab() *engine.Lab {
	hints := engine.Hints{Symptom: "See.", Layer: "Think.", Command: "Look.", Solution: "Do."}
	return &engine.Lab{
		ID: "wires", Title: "Wires", Seed: 7,
		Topology: engine.Topology{Nodes: []engine.Node{{Name: "sw"}, {Name: "host", Shell: true}}},
		Tasks: []engine.Task{
			{ID: "bridge", Goal: "There is a bridge.", Hints: hints},
			{ID: "up", Goal: "It is up.", Hints: hints},
			{ID: "mac", Goal: "You know its address.", Hints: engine.Hints{Symptom: "See."},
				Checks: []engine.Check{{All: []engine.Check{{Link: &engine.LinkCheck{Node: "host"}}, {Answer: &engine.AnswerCheck{Prompt: "Which address?\n"}}}}}},
			{ID: "talk", Goal: "They talk."},
		},
		Collateral: []engine.Collateral{{Goal: "host talks to itself."}, {Goal: "sw is silent."}},
		Solution:   engine.Script{Text: "do\n"},
	}
}

// session remembers the answers that it was given.
type session struct {
	lab     *engine.Lab
	status  engine.Status
	answers []string
}

func (s *session) Lab() *engine.Lab         { return s.lab }
func (s *session) Status() engine.Status    { return s.status }
func (s *session) Answer(task, text string) { s.answers = append(s.answers, task+": "+text) }

// visit is an attempt with what it is told.
type visit struct {
	*Attempt
	t       *testing.T
	session *session
	status  engine.Status
	clock   time.Time
}

// open begins an attempt at a lab in which nothing is done.
func open(t *testing.T, l *engine.Lab) *visit {
	t.Helper()
	v := &visit{t: t, clock: time.Unix(1000, 0)}
	v.session = &session{lab: l, status: fails(l)}
	v.status = v.session.status
	a, events := Begin(v.session, func() time.Time { return v.clock })
	if want := []Event{Began{l.ID, l.Seed}}; !reflect.DeepEqual(events, want) {
		t.Fatalf("it began with %#v", events)
	}
	v.Attempt = a
	return v
}

// fails is the first status of a lab: all tasks fail, what must hold does.
func fails(l *engine.Lab) engine.Status {
	st := engine.Status{Evaluation: 1}
	for _, t := range l.Tasks {
		st.Tasks = append(st.Tasks, engine.TaskResult{ID: t.ID, Result: engine.Result{State: engine.Fail, Got: "nothing"}})
	}
	for _, c := range l.Collateral {
		st.Collateral = append(st.Collateral, engine.TaskResult{Goal: c.Goal, Result: engine.Result{State: engine.Pass}})
	}
	return st
}

// change makes the next evaluation's status.
func (v *visit) change(how func(*engine.Status)) engine.Status {
	v.status.Tasks, v.status.Collateral = slices.Clone(v.status.Tasks), slices.Clone(v.status.Collateral)
	v.status.Evaluation++
	how(&v.status)
	return v.status
}

// passes makes a status in which just these tasks pass.
func (v *visit) passes(tasks ...int) engine.Status {
	return v.change(func(st *engine.Status) {
		for i := range st.Tasks {
			st.Tasks[i].State = engine.Fail
			if slices.Contains(tasks, i) {
				st.Tasks[i].State = engine.Pass
			}
		}
		st.Solved = len(tasks) == len(st.Tasks)
	})
}

// says fails the test unless these are the events.
func (v *visit) says(got []Event, want ...Event) {
	v.t.Helper()
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		v.t.Errorf("it said %#v\nnot     %#v", got, want)
	}
}

func done(i int, task string) Event { return TaskDone{Lab: "wires", Task: task, Index: i} }

func TestTasksAreDoneOnceAndTheLabIsSolved(t *testing.T) {
	v := open(t, lab())
	if v.Current() != 0 {
		t.Errorf("task %d is current", v.Current())
	}
	v.says(v.See(v.passes(0), true), done(0, "bridge"))
	v.says(v.See(v.passes(0), true))
	if v.Current() != 1 || !v.Done(0) {
		t.Errorf("task %d is current", v.Current())
	}
	v.clock = v.clock.Add(90 * time.Second)
	v.says(v.See(v.passes(0, 1, 2, 3), true), done(1, "up"), done(2, "mac"), done(3, "talk"), Solved{Lab: "wires", Took: 90 * time.Second})
	v.says(v.See(v.passes(0, 1, 2, 3), true))
	if v.Current() != -1 || !v.Solved() || !v.WasSolved() {
		t.Errorf("task %d is current in a solved lab", v.Current())
	}
	v.clock = v.clock.Add(time.Hour) // to look around
	if got := v.Account(); got != "in 90 seconds, without a hint" {
		t.Errorf("it was solved %s", got)
	}
	v.says(v.Leave(), Left{"wires"})
}

// A task that waits for others is not current, one that could not be looked at is.
func TestWhatIsCurrent(t *testing.T) {
	v := open(t, lab())
	v.See(v.change(func(st *engine.Status) {
		st.Tasks[0].Waiting, st.Tasks[1].State = true, engine.Broken
	}), true)
	if v.Current() != 1 {
		t.Errorf("task %d is current", v.Current())
	}
	a, _ := Begin(&session{lab: lab()}, time.Now)
	if r := a.Result(2); a.Current() != 0 || r.ID != "mac" || r.State != engine.Fail {
		t.Errorf("before anything is judged, %d is current and a task is %+v", a.Current(), r)
	}
}

// What passes when the lab is judged for the first time is not the learner's doing. It
// counts from the first task on that is.
func TestWhatPassesFromTheStartIsFound(t *testing.T) {
	v := open(t, lab())
	v.session.status = engine.Status{Tasks: fails(lab()).Tasks, Checking: true} // nobody has looked
	a, events := Begin(v.session, time.Now)
	v.says(events, Began{"wires", 7})
	v.Attempt = a
	unseen := v.session.status
	unseen.Tasks[0].State = engine.Pass
	v.says(v.See(unseen, true))
	v.says(v.See(v.passes(0, 1), true))
	v.says(v.See(v.passes(0, 1, 2), true), TaskDone{"wires", "bridge", 0, true}, TaskDone{"wires", "up", 1, true}, done(2, "mac"))
}

// What could not be looked at is neither undone nor, when it passes again, done anew.
func TestBrokenChecksAreNotHeldAgainstTheLearner(t *testing.T) {
	v := open(t, lab())
	v.See(v.passes(0), true)
	v.says(v.See(v.change(func(st *engine.Status) { st.Tasks[0].State = engine.Broken }), true))
	v.says(v.See(v.passes(0), true))
}

// What has got worse is believed of a settled status only.
func TestWorseIsBelievedWhenItIsSettled(t *testing.T) {
	v := open(t, lab())
	v.See(v.passes(0), false)
	v.says(v.See(v.passes(), false))
	v.says(v.See(v.passes(0), false))
	v.says(v.See(v.passes(), true), TaskUndone{"bridge", 0})
	v.says(v.See(v.passes(0), false), done(0, "bridge"))
	bad := v.change(func(st *engine.Status) {
		st.Collateral[0].State, st.Collateral[1].State = engine.Fail, engine.Broken
	})
	v.says(v.See(bad, false))
	v.says(v.See(bad, true), Spoiled{bad.Collateral[0]})
	if got := v.Unkept(); len(got) != 2 {
		t.Errorf("not kept: %+v", got)
	}
	good := v.change(func(st *engine.Status) { st.Collateral[0].State = engine.Pass })
	v.says(v.See(good, true), Mended{good.Collateral[0]})
}

func TestMishapsAreSaidOnceEach(t *testing.T) {
	v := open(t, lab())
	health := func(texts ...string) engine.Status {
		return v.change(func(st *engine.Status) { st.Health = texts })
	}
	v.says(v.See(health("a"), false), Mishap{"a"})
	v.says(v.See(health("a", "b"), false), Mishap{"b"})
	v.WentBack(engine.Checkpoint{}, engine.Restored{Rebuilt: true}, health())
	v.says(v.See(health("c"), false), Mishap{"c"}) // of a new world
}

func TestHintsGoTierByTierAndAreCountedOnce(t *testing.T) {
	v := open(t, lab())
	for i, text := range []string{"See.", "Think.", "Look.", "Do."} {
		v.says(v.Hint(0), HintGiven{Lab: "wires", Task: "bridge", Tier: i + 1, Of: 4, Text: text})
	}
	v.says(v.Hint(0))
	if given, of := v.Hints(0); len(given) != 4 || of != 4 {
		t.Errorf("%d of %d given", len(given), of)
	}
	v.says(v.Hint(2), HintGiven{Lab: "wires", Task: "mac", Index: 2, Tier: 1, Of: 1, Text: "See."})
	for i, want := range map[int]string{0: "you have seen all hints for this task", 1: "", 3: "this task has no hints", -1: "every task is done"} {
		if got := v.NoHint(i); got != want {
			t.Errorf("no hint for task %d: %q", i, got)
		}
	}
	v.See(v.passes(1), true)
	if got := v.NoHint(1); got != "this task is done" {
		t.Error(got)
	}
	v.says(v.See(v.passes(0, 1, 2, 3), true), done(0, "bridge"), done(2, "mac"), done(3, "talk"), Solved{Lab: "wires", Hints: 5})
	if got := v.NoHint(2); got != "every task is done" {
		t.Error(got)
	}
	if got := v.Account(); got != "in 0 seconds, with 5 hints" {
		t.Error(got)
	}
}

func TestTheSolutionIsAskedForOnce(t *testing.T) {
	v := open(t, lab())
	if v.Peeked() || v.SolutionNode() != "host" {
		t.Errorf("peeked: %v, typed in %s", v.Peeked(), v.SolutionNode())
	}
	v.says(v.ShowSolution(), SolutionShown{"wires"})
	v.See(v.passes(0, 1, 2, 3), true)
	if !v.Peeked() || v.Account() != "in 0 seconds, with the solution in view" {
		t.Error(v.Account())
	}
	none := lab()
	none.Solution = engine.Script{}
	v = open(t, none)
	v.says(v.ShowSolution())
	if v.Peeked() || v.NoSolution() == "" {
		t.Error("a lab without a solution shows it")
	}
}

func TestTheQuestionToAnswer(t *testing.T) {
	v := open(t, lab())
	asked := func(at, index int, no string) {
		t.Helper()
		q, got := v.Asked(at)
		if got != no || no == "" && (q.Index != index || q.Prompt != "Which address?" || q.Options != nil) {
			t.Errorf("with task %d it asks %+v, %q", at, q, got)
		}
	}
	asked(2, 2, "") // within an all
	asked(0, 2, "") // another's
	waits := v.change(func(st *engine.Status) { st.Tasks[2].Waiting = true })
	v.See(waits, true)
	asked(0, 0, "this task is not answered in words")
	asked(2, 2, "") // the learner has asked for it
	v.See(v.change(func(st *engine.Status) { st.Tasks[2].Waiting, st.Tasks[2].State = false, engine.Pass }), true)
	asked(2, 0, "this task is done")
	asked(-1, 0, "no task waits for an answer")
	if _, no := v.Answer(2, "x"); no != "this task is done" || len(v.session.answers) > 0 {
		t.Errorf("an answer to a task that is done: %q", no)
	}
}

func TestTypedAnswersAreMarked(t *testing.T) {
	v := open(t, lab())
	give := func(text string) {
		t.Helper()
		events, no := v.Answer(2, text)
		v.says(events, Answered{"mac", text})
		if no != "" || !v.Pending(2) {
			t.Errorf("%q was not taken: %q", text, no)
		}
	}
	give("a")
	v.says(v.See(v.status, true)) // of before
	bad := func(got, why string) engine.Status {
		return v.change(func(st *engine.Status) { st.Tasks[2].Got, st.Tasks[2].Why = got, why })
	}
	early := bad("nothing", "")
	early.Checking = true
	v.says(v.See(early, true)) // another task's news
	v.says(v.See(bad(`you answered "a"`, "Six pairs."), true), Marked{Task: "mac", Index: 2, Text: "a", Why: "Six pairs."})
	if v.Pending(2) {
		t.Error("it still waits")
	}
	give("a") // the same again, so nothing else is said of it
	v.says(v.See(bad(`you answered "a"`, "Six pairs."), true), Marked{Task: "mac", Index: 2, Text: "a", Why: "Six pairs."})
	give("b")
	v.says(v.See(v.passes(2), true), done(2, "mac"), Marked{Task: "mac", Index: 2, Text: "b", Right: true})
	if want := []string{"mac: a", "mac: a", "mac: b"}; !slices.Equal(v.session.answers, want) {
		t.Errorf("the lab got %q", v.session.answers)
	}
}

// An answer to a task that waits is marked when its turn has come.
func TestAnswersWaitWithTheirTask(t *testing.T) {
	v := open(t, lab())
	v.See(v.change(func(st *engine.Status) { st.Tasks[2].Waiting = true }), true)
	if _, no := v.Answer(2, "a"); no != "" {
		t.Fatal(no)
	}
	v.says(v.See(v.change(func(*engine.Status) {}), true))
	v.says(v.See(v.change(func(st *engine.Status) { st.Tasks[2].Waiting = false }), true), Marked{Task: "mac", Index: 2, Text: "a"})
}

// faulted is the lab with a fault in it.
func faulted(t *testing.T) *engine.Lab {
	t.Helper()
	l := lab()
	hints := engine.Hints{Symptom: "See.", Layer: "Think.", Command: "Look.", Solution: "Mend."}
	for _, id := range []string{"cut", "knot", "rust"} {
		l.Faults = append(l.Faults, engine.Fault{ID: id, Cause: "It is a " + id + ".", Hints: hints, Repair: engine.Script{Text: "mend\n"}})
	}
	out, err := engine.Faulted(l, "cut")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestACauseThatWasWrongIsNotChosenAgain(t *testing.T) {
	v := open(t, faulted(t))
	q, no := v.Asked(1) // the repair is looked at
	if no != "" || q.Index != 0 || len(q.Options) != 3 {
		t.Fatalf("it asks %+v, %q", q, no)
	}
	if _, no := v.Answer(0, "magic"); no != "that is not one of the choices" {
		t.Error(no)
	}
	if _, no := v.Answer(0, "knot"); no != "" {
		t.Fatal(no)
	}
	bad := v.change(func(st *engine.Status) { st.Tasks[0].Got, st.Tasks[0].Why = "you chose a knot", "It is not that." })
	v.says(v.See(bad, true), Marked{Task: "cause", Text: "knot", Why: "It is not that.", Choice: true})
	if _, no := v.Answer(0, "knot"); no != "you have already chosen that, and it is wrong" {
		t.Error(no)
	}
	v.Reset(fails(v.Lab()))
	q, _ = v.Question(0)
	for _, o := range q.Options {
		if o.Wrong != (o.ID == "knot") {
			t.Errorf("%s is known to be wrong: %v", o.ID, o.Wrong)
		}
	}
	if _, no := v.Answer(0, "cut"); no != "" || v.Named() {
		t.Fatal(no)
	}
	v.says(v.See(v.passes(0), true), TaskDone{Lab: "wires/cut", Task: "cause"}, Marked{Task: "cause", Text: "cut", Right: true, Choice: true})
	if !v.Named() || v.GivesAway() {
		t.Error("the cause is not known")
	}
}

func TestFollowingAPacketMayGiveAway(t *testing.T) {
	v := open(t, faulted(t))
	if !v.GivesAway() {
		t.Error("it gives nothing away")
	}
	v.Forewarn()
	if v.GivesAway() {
		t.Error("who was warned is warned again")
	}
	if open(t, lab()).GivesAway() {
		t.Error("nothing is broken, and it gives away what")
	}
}

func TestThePacketToFollow(t *testing.T) {
	v := open(t, lab())
	flow := func(to string) engine.Flow { return engine.Flow{From: "host", To: to, Proto: "icmp"} }
	unmet := func(at int, to string) {
		t.Helper()
		f, ok := v.Unmet(at)
		if ok != (to != "") || f.To != to {
			t.Errorf("with task %d it is %v, %v", at, f, ok)
		}
	}
	unmet(0, "")
	v.See(v.change(func(st *engine.Status) {
		st.Tasks[1].Flow, st.Tasks[1].Waiting = flow("waits"), true
		st.Tasks[2].Flow, st.Tasks[3].Flow = flow("second"), flow("third")
	}), true)
	unmet(0, "second") // the first that fails for traffic
	unmet(3, "third")  // that which is looked at
	v.See(v.change(func(st *engine.Status) {
		st.Tasks[2].State, st.Tasks[3].State = engine.Pass, engine.Broken
		st.Collateral[0].State, st.Collateral[0].Flow = engine.Fail, flow("kept")
	}), true)
	unmet(-1, "kept")
}

// A lab that was reset is begun again, in the same attempt.
func TestResetBeginsAgain(t *testing.T) {
	v := open(t, lab())
	v.Hint(0)
	v.See(v.passes(0, 1, 2, 3), true)
	v.Hold()
	v.says(v.See(v.passes(), true)) // the world goes
	v.says(v.See(v.passes(1), true))
	v.says(v.Reset(v.passes(1)), Reset{"wires"}) // up from the start
	if given, _ := v.Hints(0); v.Held() || len(given) != 1 || !v.WasSolved() || v.Solved() {
		t.Error("it is not the same attempt any more")
	}
	v.says(v.See(v.passes(0, 1), true), done(0, "bridge"))
	v.says(v.See(v.passes(0, 1, 2, 3), true), done(2, "mac"), done(3, "talk"), Solved{Lab: "wires", Hints: 1})
}

// A lab that could not be reset stands as it does.
func TestAFailedResetIsReleased(t *testing.T) {
	v := open(t, lab())
	v.Hold()
	v.Release()
	v.says(v.See(v.passes(0), true), done(0, "bridge"))
}

// What is done again by going back is no news; to solve the lab from there is.
func TestGoingBackIsNoDeed(t *testing.T) {
	v := open(t, lab())
	v.See(v.passes(0, 1, 2, 3), true)
	v.See(v.passes(), true)
	spoiled := v.change(func(st *engine.Status) { st.Collateral[0].State, st.Collateral[1].State = engine.Fail, engine.Fail })
	v.See(spoiled, true)
	v.Hold()
	to, how := engine.Checkpoint{ID: 1, Label: "It is up"}, engine.Restored{Changes: 3}
	back := v.change(func(st *engine.Status) {
		st.Tasks[0].State, st.Tasks[1].State = engine.Pass, engine.Pass
		st.Collateral[0].State = engine.Pass
	})
	v.says(v.WentBack(to, how, back), WentBack{to, how})
	v.says(v.See(back, true))
	mended := v.change(func(st *engine.Status) { st.Collateral[1].State = engine.Pass })
	v.says(v.See(mended, true), Mended{mended.Collateral[1]})
	v.says(v.See(v.passes(0, 1, 2, 3), true), done(2, "mac"), done(3, "talk"), Solved{Lab: "wires"})
	v.says(v.WentBack(to, how, v.passes(0, 1, 2, 3)), WentBack{to, how})
	v.says(v.See(v.status, true)) // it is solved as it was
}

// A lab that is spoiled by hand and solved again was solved before.
func TestSolvedIsSaidOnce(t *testing.T) {
	v := open(t, lab())
	v.See(v.passes(0, 1, 2, 3), true)
	v.says(v.See(v.passes(0, 1, 2), true), TaskUndone{"talk", 3})
	if v.Solved() || !v.WasSolved() {
		t.Error("it is solved as it stands, or was never")
	}
	v.says(v.See(v.passes(0, 1, 2, 3), true), done(3, "talk"))
}

func TestRejoiningKeepsTheHints(t *testing.T) {
	v := open(t, lab())
	v.Hint(0)
	v.Hint(2)
	v.ShowSolution()
	v.clock = v.clock.Add(time.Minute)
	other := lab()
	other.Tasks[0].Hints = engine.Hints{}
	v.says(v.Rejoin(&session{lab: other, status: fails(other)}))
	given, of := v.Hints(0)
	if two, _ := v.Hints(2); len(given) != 0 || of != 0 || len(two) != 1 || !v.Peeked() {
		t.Errorf("%d of %d hints, %d; peeked: %v", len(given), of, len(two), v.Peeked())
	}
	v.says(v.See(v.passes(0, 1, 2, 3), true), done(0, "bridge"), done(1, "up"), done(2, "mac"), done(3, "talk"),
		Solved{Lab: "wires", Took: time.Minute, Hints: 2, Peeked: true})
}

func TestWhatWasDoneIsCounted(t *testing.T) {
	l := lab()
	for recorded, want := range map[int]int{0: 0, 1: 1, len(l.Tasks) + 1: len(l.Tasks)} {
		if n := TasksDone(l.Info(), recorded); n != want {
			t.Errorf("%d recorded: %d tasks done, not %d", recorded, n, want)
		}
	}
	l.Faults = []engine.Fault{{ID: "cut"}, {ID: "knot"}}
	if n := Repaired(l.Info(), func(id string) bool { return id == "wires/knot" || id == "wires" }); n != 1 {
		t.Errorf("%d faults repaired", n)
	}
	for d, want := range map[time.Duration]string{time.Second: "1 second", 99 * time.Second: "99 seconds", 100 * time.Second: "2 minutes", time.Hour: "60 minutes"} {
		if got := Span(d); got != want {
			t.Errorf("%v is %q", d, got)
		}
	}
}
