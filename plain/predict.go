package plain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/predict"
)

// predict asks for a prediction, and lets the kernel say what holds.
func (g *guide) predict(l *lesson.Lesson, p *engine.Prediction) error {
	g.println("", "Prediction")
	g.readMarkdown(p.Question)
	for i, o := range p.Outcomes {
		g.item(fmt.Sprintf("  %s. ", predict.Letter(i)), o.Text)
	}
	chosen, committed, err := g.commit(p)
	if err != nil {
		return err
	}
	if committed {
		lab, err := g.Lab(l.Lab)
		if err != nil {
			return err
		}
		if err := g.findOut(lab, p, chosen); err != nil {
			return err
		}
	}
	g.blank()
	g.readMarkdown(p.Explanation)
	return nil
}

// commit takes the learner's answer. Without one, committed is false.
func (g *guide) commit(p *engine.Prediction) (chosen int, committed bool, err error) {
	for {
		line, err := g.ask("Your prediction, or Enter to go on: ", meanwhile{})
		if err != nil || strings.TrimSpace(line) == "" {
			return 0, false, err
		}
		if i, ok := choice(line, len(p.Outcomes)); ok {
			return i, true, nil
		}
		g.sayf("There is no such answer. Choose one from a to %s.", predict.Letter(len(p.Outcomes)-1))
	}
}

// choice reads a letter from a, or a number from 1, for one of n things.
func choice(text string, n int) (i int, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	i, err := strconv.Atoi(text)
	if err != nil && len(text) == 1 {
		i = int(text[0]-'a') + 1
	}
	return i - 1, i >= 1 && i <= n
}

// findOut has the kernel asked and says what came of it. Only an answer that the
// kernel has marked is remembered.
func (g *guide) findOut(lab *engine.Lab, p *engine.Prediction, chosen int) error {
	if reason, remedy := g.Available(p.Needing(lab).Requires); reason != "" {
		g.noVerdict(engine.Hintf(errors.New("the lab cannot run here: "+reason), "%s", remedy))
		return nil
	}
	g.sayf("You have committed to %s. Underlay now builds the lab and asks the kernel.", predict.Letter(chosen))
	f, err := g.predicted(lab, p)
	if g.ctx.Err() != nil {
		return g.ctx.Err()
	}
	g.readSeen(f)
	switch {
	case err != nil:
		g.noVerdict(err)
		return nil
	case f.Holds < 0:
		g.noVerdict(errors.New(f.Trouble))
		return nil
	}
	right := f.Holds == chosen
	g.journal.record(attempt.QuizMarked{Quiz: p.ID, Right: right})
	g.blank()
	if right {
		g.sayf("Right. The kernel confirms %s.", predict.Letter(f.Holds))
	} else {
		g.sayf("Not so. You said %s, the kernel confirms %s: %s", predict.Letter(chosen), predict.Letter(f.Holds), p.Outcomes[f.Holds].Text)
	}
	g.item("Asked: ", f.Outcomes[f.Holds].Want)
	g.item("Seen: ", f.Outcomes[f.Holds].Got)
	return nil
}

// readSeen reads what was typed and what it printed.
func (g *guide) readSeen(f predict.Finding) {
	node := ""
	for _, s := range f.Steps {
		if s.Node != node {
			node = s.Node
			g.println("", "Typed in "+node+":", "")
		}
		g.readStep(s.Command, s.Output)
	}
	for _, n := range f.Notes {
		g.say(sentenceCase(n))
	}
}

// noVerdict says why the kernel could not be asked.
func (g *guide) noVerdict(err error) {
	g.blank()
	g.say("Underlay could not find out: " + strings.TrimSuffix(err.Error(), ".") + ". This does not count.")
	var hinted *engine.Error
	if errors.As(err, &hinted) && hinted.Hint != "" {
		g.say("What to do: " + hinted.Hint)
	}
}

// predicted asks the kernel; Ctrl-C gives it up.
func (g *guide) predicted(lab *engine.Lab, p *engine.Prediction) (predict.Finding, error) {
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	type outcome struct {
		finding predict.Finding
		err     error
	}
	found := make(chan outcome, 1)
	go func() {
		f, err := predict.Ask(ctx, g.Opener, lab, p, nil)
		found <- outcome{f, err}
	}()
	select {
	case o := <-found:
		return o.finding, o.err
	case <-g.interrupts:
	}
	cancel()
	o := <-found // the lab closes first
	return o.finding, errors.New("asking the kernel was cancelled")
}
