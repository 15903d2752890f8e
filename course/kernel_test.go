package course

import (
	"testing"

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
