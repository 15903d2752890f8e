package tui

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
)

// still is a program that ends itself with its first message, after it has
// looked for its frame ticker.
type still struct {
	look func()
}

func (s still) Init() tea.Cmd  { return func() tea.Msg { return "now" } }
func (s still) View() tea.View { return tea.NewView("x") }
func (s still) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if msg == "now" {
		s.look()
		return s, tea.Quit
	}
	return s, nil
}

// When Bubble Tea changes so that its ticker is not found, this says so.
func TestTheFrameTickerIsFound(t *testing.T) {
	var p *tea.Program
	var found *time.Ticker
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p = tea.NewProgram(still{func() { found = frameTicker(p) }}, tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(io.Discard),
		tea.WithWindowSize(80, 24), tea.WithoutSignals())
	if _, err := p.Run(); err != nil && !errors.Is(err, tea.ErrProgramKilled) {
		t.Fatal(err)
	}
	if found == nil {
		t.Error("Bubble Tea's frame ticker was not found: an idle program wakes up all the time")
	}
}

func TestThePacerSleepsWhenNothingHappensAndWakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ticker := time.NewTicker(frame)
		defer ticker.Stop()
		p := &pacer{find: func() *time.Ticker { return ticker }}
		p.wake()
		time.Sleep(2 * rest)
		synctest.Wait()
		for len(ticker.C) > 0 {
			<-ticker.C
		}
		began := time.Now()
		p.wake()
		<-ticker.C
		if took := time.Since(began); took > frame {
			t.Errorf("the first frame after a rest came after %v", took)
		}
		time.Sleep(2 * rest)
		synctest.Wait()
		for len(ticker.C) > 0 {
			<-ticker.C
		}
		began = time.Now()
		<-ticker.C
		if took := time.Since(began); took < time.Hour {
			t.Errorf("asleep, it ticked after %v", took)
		}
		(*pacer)(nil).wake() // a model without a program
	})
}
