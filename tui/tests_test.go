package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/internal/fake"
)

// A learner can tell what Underlay sends: the panel says so while it does, and how a
// capture leaves it out while one runs, whatever else it shows.
func TestThePanelSaysWhatIsSent(t *testing.T) {
	d := inLab(t, nil)
	set := func(change func(*engine.Status)) {
		st := fake.Status(d.session.TheLab, 1)
		change(&st)
		d.session.Set(st)
	}
	d.want("Tests come from ports 61000–65535.")
	set(func(st *engine.Status) { st.Testing = true })
	d.want("Testing from ports 61000–65535…")
	set(func(st *engine.Status) { st.Captures = []string{"host"} })
	d.want("A capture runs in host")
	for _, size := range [][2]int{{100, 28}, {100, 30}, {200, 60}} {
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for _, line := range []string{"A capture runs in host", engine.WithoutTests, "and " + engine.WithoutTestEchos} {
			if !strings.Contains(d.text(), line) {
				t.Errorf("%v: %q does not show:\n%s", size, line, d.text())
			}
		}
		d.press("alt+down", "alt+down")
	}
	d.press("f1")
	d.want("What would you like to do?")
	d.press("e")
	d.want("What Underlay sends")
	d.want(engine.WithoutTests + " and " + engine.WithoutTestEchos)
	d.press("esc")
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.want("tests: ports 61000–65535")
	set(func(st *engine.Status) { st.Testing = true })
	d.want("testing 1 of 5")
	set(func(*engine.Status) {})
	d.until("it speaks of tests no more", func() bool { return !d.shows("testing") && !d.shows("tests:") })
}

// Where nothing is sent, nothing is said of it.
func TestThePanelOfALabWithoutTests(t *testing.T) {
	d := inLab(t, nil)
	d.session.TheLab.Tasks[4].Checks = nil
	st := fake.Status(d.session.TheLab, 1)
	st.Captures, st.Testing = []string{"host"}, true
	d.session.Set(st)
	d.want("1 of 5")
	if d.shows("61000") {
		t.Errorf("it speaks of tests:\n%s", d.text())
	}
	d.press("f1")
	d.want("What would you like to do?")
	d.press("e")
	d.want("Nothing. The tasks of this lab are judged without packets.")
}
