package tasks

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"underlay/attempt"
	"underlay/tui/internal/fake"
	"underlay/tui/theme"
)

// panel is a panel of the fake lab in which the first done tasks pass.
func panel(t *testing.T, done int, lesson func(*theme.Styles, int) []string) (*Pane, *attempt.Attempt) {
	t.Helper()
	s := fake.NewSession(fake.Lab())
	s.Set(fake.Status(s.TheLab, done))
	visit, _ := attempt.Begin(s, time.Now)
	p := New(visit, lesson, theme.New(theme.Options{NoColor: true}))
	p.Resize(Frame{Width: 60, Height: 30})
	return p, visit
}

// text is what the panel draws.
func text(p *Pane) string { return ansi.Strip(strings.Join(p.Draw(), "\n")) }

func shows(t *testing.T, p *Pane, what string, want bool) {
	t.Helper()
	if strings.Contains(text(p), what) != want {
		t.Errorf("it shows %q: %v; it is\n%s", what, !want, text(p))
	}
}

func TestItFollowsTheTaskThatIsLookedAt(t *testing.T) {
	p, visit := panel(t, 1, nil)
	if p.Looked() != 1 || p.Next() != 2 {
		t.Errorf("it looks at %d, and then at %d", p.Looked(), p.Next())
	}
	shows(t, p, "got   docker0 has no IPv4 address", true)
	p.Look(4)
	shows(t, p, "c1 and c2 reach each other", true)
	shows(t, p, "got ", false)
	p.Done("talk", 4) // looked at no more once it is done
	if p.Looked() != visit.Current() {
		t.Errorf("it looks at %d", p.Looked())
	}
}

func TestARowBelongsToATask(t *testing.T) {
	p, _ := panel(t, 0, nil)
	rows := strings.Split(text(p), "\n")
	for want, goal := range map[int]string{0: "There is a bridge", 2: "The bridge is up", -1: "Tests come from"} {
		row := slices.IndexFunc(rows, func(l string) bool { return strings.Contains(l, goal) })
		if got := p.At(row); row < 0 || got != want {
			t.Errorf("row %d, %q, is task %d", row, goal, got)
		}
	}
	p.Resize(Frame{Width: 60, Height: 6})
	p.Scroll(100)
	shows(t, p, "There is a bridge", false)
	if p.At(0) == 0 || p.At(1000) != -1 {
		t.Error("rows are counted as if nothing was scrolled")
	}
	shows(t, p, "Tests come from ports", true)
}

func TestTheLessonTakesItsPlace(t *testing.T) {
	p, _ := panel(t, 0, func(*theme.Styles, int) []string { return []string{"A lesson."} })
	p.Show(Lesson)
	p.Look(-1) // as after a reset
	shows(t, p, "A lesson.", true)
	if p.At(0) != -1 {
		t.Error("a line of the lesson is a task's")
	}
	other, _ := panel(t, 0, func(*theme.Styles, int) []string { return []string{"Another."} })
	other.Resume(p)
	if other.View() != Lesson {
		t.Error("the next build shows something else")
	}
	p.SetLesson(nil)
	shows(t, p, "There is a bridge", true)
	if p.HasLesson() || p.View() != List {
		t.Error("the lesson is still there")
	}
}

// A panel that is hidden has one line that shows instead.
func TestTheStripIsTheCurrentTask(t *testing.T) {
	p, _ := panel(t, 5, nil)
	p.Resize(Frame{})
	if p.Draw() != nil {
		t.Error("a hidden panel draws")
	}
	for building, want := range map[bool]string{false: "Solved. F10 finishes.", true: "Rebuilding the lab"} {
		if got := ansi.Strip(p.Strip(70, building)); !strings.Contains(got, want) || !strings.Contains(got, "5 of 5") {
			t.Errorf("the strip is %q", got)
		}
	}
}
