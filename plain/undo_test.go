package plain

import (
	"slices"
	"testing"
	"time"

	"underlay/engine"
)

// travelled is a session that has two checkpoints and has changed since.
func travelled() *fakeSession {
	s := newFakeSession()
	s.past = []engine.Checkpoint{
		{ID: 0, Label: "the start", At: time.Now().Add(-10 * time.Minute)},
		{ID: 1, Label: "There is a bridge", Tasks: []string{"bridge"}, At: time.Now()},
	}
	s.changes = []engine.Change{
		{Node: "host", What: "link", Before: "br0: up", After: "br0: down"},
		{Node: "c1", What: "route", After: "blackhole 10.0.0.0/8"},
	}
	return s
}

func TestGoingBackIsAskedAndSaid(t *testing.T) {
	s := travelled()
	s.way = engine.Restored{Changes: 2}
	said, err := tell(t, inLab(s), "do bridge", ":checkpoints", ":diff", ":diff 0", ":diff 7", ":undo", "no", ":undo", "yes", ":undo 0", "yes", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "1. There is a bridge (0 seconds ago)", "0. the start (10 minutes ago)",
		"Since checkpoint 1 (There is a bridge) this has changed:", "was: host, link: br0: up", "is:  host, link: br0: down", "is:  c1, route: blackhole 10.0.0.0/8",
		"Since checkpoint 0 (the start)", "There is no checkpoint 7.", "Type yes to go on", "Type yes to go on", "2 changes undone. 0 of 2 tasks done.",
		"The lab is closed. 0 of 2 tasks done")
	if !slices.Equal(s.restored, []int{1, 0}) {
		t.Errorf("went back to %v", s.restored)
	}
}

func TestARebuildIsExplained(t *testing.T) {
	s := travelled()
	s.way = engine.Restored{Changes: 2, Rebuilt: true, Why: []string{"c1 was deleted."}}
	said, err := tell(t, inLab(s), ":undo", "yes", "say again", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "The lab was rebuilt and then brought to the checkpoint, because:", "- c1 was deleted.", "The shells are new.", "host> say again\nagain\n")
}

func TestThereMayBeNothingToUndo(t *testing.T) {
	s := travelled()
	s.changes = nil
	said, err := tell(t, inLab(s), ":undo", ":quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "Nothing has changed since checkpoint 1: There is a bridge.")
	if len(s.restored) != 0 {
		t.Errorf("went back to %v", s.restored)
	}
}
