package reader

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/engine/predict"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/prose"
)

// AskKernel asks the kernel about a prediction; say is told of each step.
type AskKernel func(ctx context.Context, p *engine.Prediction, say func(step string)) (predict.Finding, error)

// Asked is news of a lab that a reader has had built for a prediction. It is for
// that reader, which need not be on the screen any more.
type Asked struct {
	Reader *Reader
	of     *prose.Prediction
	step   string // how far it has come; "" at the end
	more   <-chan Asked

	finding predict.Finding
	err     error
}

// maxSteps is how many steps of one lab may wait to be shown.
const maxSteps = 64

// commit takes the learner's answer to the current prediction, which stands, and
// asks the kernel for its own. Where that has failed it may be asked again.
func (r *Reader) commit(i int) tea.Cmd {
	p := r.predictions[r.current]
	switch {
	case i >= len(p.Outcomes):
		return note("This prediction has %d answers to choose from.", len(p.Outcomes))
	case p.Failed() && i != p.Chosen:
		return note("You have committed to %[1]s. Press %[1]s to ask the kernel again.", predict.Letter(p.Chosen))
	}
	for _, other := range r.predictions {
		if other.Asking {
			return note("The kernel is still being asked about another prediction.")
		}
	}
	p.Chosen, p.Finding, p.Steps, p.Trouble, p.Remedy = i, nil, nil, "", ""
	if lab := r.cfg.Lab; lab != nil && lab.Reason != "" {
		p.Trouble, p.Remedy = "the lab cannot run here: "+lab.Reason, lab.Remedy
		return r.show()
	}
	p.Asking = true
	return tea.Batch(r.ask(p), r.show())
}

// predictKey is what the letters do to a prediction as it stands.
func predictKey(b *keys.Binding, p *prose.Prediction) {
	b.Long = "Commit to an answer to the prediction with the bar beside it"
	switch {
	case p.Chosen < 0:
		b.Show, b.Help = "a to "+predict.Letter(len(p.Outcomes)-1), "predict"
	case p.Asking:
		b.Off = fmt.Sprintf("you have committed to %s, and the kernel is being asked", predict.Letter(p.Chosen))
	case p.Marked():
		b.Off = fmt.Sprintf("you have committed to %s, and the kernel has answered", predict.Letter(p.Chosen))
	default:
		b.Show, b.Help = predict.Letter(p.Chosen), "ask again"
	}
}

func note(format string, args ...any) tea.Cmd {
	return intent.Do(intent.Note{Text: fmt.Sprintf(format, args...)})
}

// show draws the current question anew, with what has come of it in view.
func (r *Reader) show() tea.Cmd {
	r.refresh()
	r.reveal()
	return r.settle()
}

// ask has the lab built and the kernel asked, and reports each step.
func (r *Reader) ask(p *prose.Prediction) tea.Cmd {
	news := make(chan Asked, maxSteps)
	ask := func() tea.Msg {
		defer close(news)
		f, err := r.cfg.Foretell(r.ctx, p.Prediction, func(step string) {
			select {
			case news <- Asked{Reader: r, of: p, step: step, more: news}:
			default: // a step more or less does not matter
			}
		})
		return Asked{Reader: r, of: p, finding: f, err: err}
	}
	return tea.Batch(ask, next(news))
}

// next waits for the next step of a lab that is asked.
func next(news <-chan Asked) tea.Cmd {
	return func() tea.Msg {
		if a, ok := <-news; ok {
			return a
		}
		return nil
	}
}

// Hear takes in news of a prediction.
func (r *Reader) Hear(a Asked) tea.Cmd {
	p := a.of
	if r.ctx.Err() != nil || !p.Asking {
		return nil // the lesson was left, or this step comes after the answer
	}
	if a.step != "" {
		p.Steps = append(p.Steps, a.step)
		return tea.Batch(next(a.more), r.follow(p))
	}
	p.Asking = false
	if a.err != nil {
		p.Trouble = a.err.Error()
		var hinted *engine.Error
		if errors.As(a.err, &hinted) {
			p.Remedy = hinted.Hint
		}
		return r.follow(p)
	}
	p.Finding = &a.finding
	if !p.Marked() {
		return r.follow(p)
	}
	return tea.Batch(intent.Record(attempt.QuizMarked{Quiz: p.ID, Right: p.Right()}), r.follow(p))
}

// follow shows what has come of a prediction, unless the learner reads elsewhere.
func (r *Reader) follow(p *prose.Prediction) tea.Cmd {
	if r.predictions[r.current] == p && r.visible(r.current) {
		return r.show()
	}
	top := r.topBlock()
	below := r.offset - r.doc.Blocks[top].First
	r.refresh()
	r.offset = r.doc.Blocks[top].First + below // what is being read stays where it is
	return r.settle()
}

// Leave ends what the reader has started.
func (r *Reader) Leave() { r.cancel() }
