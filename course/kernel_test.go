package course

import (
	"slices"
	"strings"
	"testing"

	"underlay/engine"
	"underlay/engine/foretell"
	"underlay/engine/sandbox"
	"underlay/engine/session"
	"underlay/labs"
	"underlay/lessons"
)

// TestBuiltin opens the lab of every prediction in the built-in lessons: it must
// be just one of its outcomes that the kernel shows.
func TestBuiltin(t *testing.T) {
	book, err := lessons.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := labs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range book.Lessons() {
		lab, err := catalogue.Lab(l.Lab)
		if err != nil {
			t.Fatal(err)
		}
		predictions, err := Predictions(l, lab)
		if err != nil {
			t.Fatal(err)
		}
		if len(predictions) < 2 {
			t.Errorf("%s has %d predictions, want at least 2", l.ID, len(predictions))
		}
		for _, p := range predictions {
			t.Run(p.ID, func(t *testing.T) {
				f, err := foretell.Prove(t.Context(), session.Opener{Sandbox: sb}, lab, p)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s: %s", foretell.Letter(f.Holds), f.Outcomes[f.Holds].Got)
			})
		}
	}
}

// TestProveCanFail takes the right outcome away from a prediction, then puts it
// there twice: neither is proven, and the reason says what was seen.
func TestProveCanFail(t *testing.T) {
	book, err := lessons.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := labs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	lab, err := catalogue.Lab("netns-veth")
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := Predictions(book.Lesson("netns-veth"), lab)
	if err != nil {
		t.Fatal(err)
	}
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	o, good := session.Opener{Sandbox: sb}, predictions[0]
	f, err := foretell.Prove(t.Context(), o, lab, good)
	if err != nil {
		t.Fatal(err)
	}
	right := good.Outcomes[f.Holds]
	for want, outcomes := range map[string][]engine.Outcome{
		"none of the answers is what the kernel shows": slices.Delete(slices.Clone(good.Outcomes), f.Holds, f.Holds+1),
		"fits more than one answer: a, b":              {right, right},
	} {
		bad := *good
		bad.Outcomes = outcomes
		_, err := foretell.Prove(t.Context(), o, lab, &bad)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "host$ ip link set eth0 netns c1") {
			t.Errorf("%v, want %s and what was typed", err, want)
		}
	}
}
