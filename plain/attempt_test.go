package plain

import (
	"slices"
	"strings"
	"testing"

	"underlay/engine"
)

// A question may stand within other checks of a task.
func TestAQuestionWithinAnAllIsAnswered(t *testing.T) {
	s := newFakeSession()
	task := &s.lab.Tasks[1]
	task.Checks = []engine.Check{{All: append([]engine.Check{{Link: &engine.LinkCheck{Node: "host"}}}, task.Checks...)}}
	said, err := tell(t, inLab(s), ":answer", ":answer wrong", ":answer right", ":answer right", "do bridge", ":answer", ":hint", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Which address has it? Type :answer and your answer.", "That does not do it yet. Task 2:", "Found: got nothing",
		"Done: You know its address.", "1 of 2 tasks done.", "This task is not answered in words.",
		"Solved: Wires", ":answer\nNo task waits for an answer.", "Every task is done.")
	if n := strings.Count(said, "That does not do it yet."); n != 1 {
		t.Errorf("%d wrong answers in:\n%s", n, said)
	}
}

// What gives a fault away is asked about once, and a cause that was wrong is said to be.
func TestWhatIsToBeFoundOutIsNotGivenAway(t *testing.T) {
	s := newFakeSession()
	whole := s.lab
	s.lab = brokenLab(t, s)
	s.flow = engine.Flow{From: "c1", To: "10.0.0.7", Proto: "tcp", Port: 666}
	letter, other := "a", "b"
	if s.lab.Task(engine.TaskCause).Choice().Options[1].ID == "right" {
		letter, other = other, letter
	}
	d := inLab(s)
	d.Labs, d.Progress = []*engine.LabInfo{whole.Info()}, store(t)
	said, err := tell(t, d, ":trace", "no", ":trace 10.0.0.2", "yes", ":trace c1 10.0.0.3", ":answer", ":cause "+other, ":cause "+other, ":cause",
		":solution", "yes", ":solution", ":cause "+letter, "do repair", "do whole", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "The autopsy may name the cause", "Type yes to go on: no\nhost> :trace 10.0.0.2\n", "The autopsy may name the cause", "Type yes to go on: yes", "Delivered",
		"host> :trace c1 10.0.0.3\n\nDelivered", "What is wrong?", "That does not do it yet.", "You have already chosen that, and it is wrong.",
		"(You have chosen this; it is wrong.)", "This shows a whole repair.", "The repair, typed in host:", "mend",
		"host> :solution\nThe repair, typed in host:", "That is the cause. Now repair it.", "Solved: Wires, broken, in", "with the solution in view",
		"What it was: Somebody cut the wire.", "This lab has 1 fault left to repair.\n")
	if want := []string{"host → 10.0.0.2/icmp", "c1 → 10.0.0.3/icmp"}; !slices.Equal(s.traced, want) {
		t.Errorf("it traced %q", s.traced)
	}
}

// Whoever has seen all hints hears the last one again, which costs nothing.
func TestHintsAreCountedOnce(t *testing.T) {
	s := newFakeSession()
	said, err := tell(t, inLab(s), ":hint 2", ":hint 2", ":hint 2", ":hint 2", ":hint 2", "do mac", ":hint 2", "do bridge", "undo bridge", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Hint 4 of 4", "You have seen all hints for this task.", "Hint 4 of 4: Type `do bridge`.", "This task is done.",
		"with 4 hints", "No longer done", "The lab is closed. It was solved, and that is recorded; now 1 of 2 tasks\ndone.")
}

// To solve a lab again after going back is said again, and what that does is not.
func TestGoingBackIsNotDoing(t *testing.T) {
	s := travelled()
	s.way = engine.Restored{Changes: 1}
	said, err := tell(t, inLab(s), "do bridge", "do mac", ":undo", "yes", "do bridge", "do mac", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Done: There is a bridge.", "Solved: Wires", "1 change undone. 0 of 2 tasks done.", "Done: There is a bridge.", "Solved: Wires", "It is solved.")
	if strings.Contains(said, "No longer done") {
		t.Errorf("it said:\n%s", said)
	}
}

func TestALabWithoutASolutionShowsNone(t *testing.T) {
	s := newFakeSession()
	s.lab.Solution = engine.Script{}
	said, err := tell(t, inLab(s), ":solution", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, ":solution\nThis lab has no solution.", "host> :quit")
}
