package prose

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/predict"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Prediction is a question that the kernel answers, and how far it has come.
type Prediction struct {
	*engine.Prediction
	Current bool // the keys a, b, c … answer this one
	Before  bool // it was predicted rightly at an earlier time
	Chosen  int  // what the learner has committed to, -1 for nothing yet

	Steps   []string         // what is being done to find out
	Asking  bool             // the last of them is under way
	Finding *predict.Finding // what the kernel said, once it has been asked
	Trouble string           // why it could not be asked, in a sentence
	Remedy  string           // what to do about that; may be ""
}

// Right reports whether the kernel has confirmed what the learner predicted.
func (p *Prediction) Right() bool { return p.Marked() && p.Finding.Holds == p.Chosen }

// Marked reports whether the kernel has said which outcome holds.
func (p *Prediction) Marked() bool { return p.Finding != nil && p.Finding.Holds >= 0 }

// Failed reports whether it could not be found out which outcome holds.
func (p *Prediction) Failed() bool {
	return p.Chosen >= 0 && !p.Asking && !p.Marked()
}

// Draw draws the prediction.
func (p *Prediction) Draw(st *theme.Styles, w int) []string {
	bar := st.Border
	if p.Current {
		bar = st.Accent
	}
	in := w - 2
	lines := []string{p.head(st, in)}
	lines = append(lines, Markdown(st, p.Question, in)...)
	lines = append(lines, "")
	lines = append(lines, p.options(st, in)...)
	lines = append(append(lines, ""), p.outcome(st, in)...)
	return paint.Indent(bar.Render(st.Sym.Callout)+" ", lines)
}

func (p *Prediction) head(st *theme.Styles, w int) string {
	right := st.Muted.Render("the kernel decides")
	if p.Right() || p.Chosen < 0 && p.Before {
		right = st.Good.Render(st.Sym.Done + " predicted")
	}
	return paint.Spread(st.Title.Render("Prediction"), right, w, "")
}

func (p *Prediction) options(st *theme.Styles, w int) []string {
	var out []string
	for i, o := range p.Outcomes {
		sym, style, key := " ", st.Text, st.Key
		switch {
		case p.Marked() && i == p.Finding.Holds:
			sym, style = st.Good.Render(st.Sym.Done), st.Strong
		case p.Marked() && i == p.Chosen:
			sym = wrong(st)
		case i == p.Chosen:
			sym, style = st.Accent.Render(st.Sym.Pointer), st.Strong
		}
		if !p.Current || p.Chosen >= 0 {
			key = st.Muted
		}
		out = append(out, option(st, sym, key.Render(predict.Letter(i)), style, o.Text, w)...)
	}
	return out
}

// outcome is what has come of it so far.
func (p *Prediction) outcome(st *theme.Styles, w int) []string {
	switch {
	case p.Chosen < 0:
		return paint.Each(paint.Wrap("Choose one. You cannot change it: the lab is built, and the kernel says who is right.", w), st.Muted.Render)
	case p.Asking:
		return p.progress(st, w)
	}
	out := p.seen(st, w)
	if p.Failed() {
		out = append(out, p.trouble(st, w)...)
	} else {
		out = append(out, p.verdict(st, w)...)
	}
	return append(append(out, ""), Markdown(st, p.Explanation, w)...)
}

func (p *Prediction) progress(st *theme.Styles, w int) []string {
	var out []string
	for i, s := range p.Steps {
		mark, text := st.Good.Render(st.Sym.Done), st.Muted
		if i == len(p.Steps)-1 {
			mark, text = st.Accent.Render(st.Sym.Waiting), st.Text
		}
		out = append(out, mark+"  "+text.Render(paint.Cut(st.Sym.Plain(s), w-3, st.Sym.Ellipsis)))
	}
	return out
}

// seen is what was typed and what it printed, shell by shell.
func (p *Prediction) seen(st *theme.Styles, w int) []string {
	if p.Finding == nil {
		return nil
	}
	var out []string
	var run lesson.Run
	show := func() {
		if len(run.Steps) > 0 {
			out = append(append(out, Run(st, &run, w)...), "")
		}
	}
	for _, s := range p.Finding.Steps {
		if s.Node != run.Node {
			show()
			run = lesson.Run{Node: s.Node}
		}
		run.Steps = append(run.Steps, lesson.Step{Command: s.Command, Output: s.Output})
	}
	show()
	for _, n := range p.Finding.Notes {
		out = append(append(out, Sentence(st, st.Warn, paint.Sentence(n), w)...), "")
	}
	return out
}

// verdict says who is right, and by what the kernel shows it.
func (p *Prediction) verdict(st *theme.Styles, w int) []string {
	holds := p.Finding.Holds
	said := st.Good.Bold(true).Render(st.Sym.Done+" Right.") + st.Text.Render(fmt.Sprintf(" The kernel confirms %s.", predict.Letter(holds)))
	if !p.Right() {
		said = st.Warn.Bold(true).Render("Not so.") + st.Text.Render(fmt.Sprintf(" You said %s, the kernel confirms %s.", predict.Letter(p.Chosen), predict.Letter(holds)))
	}
	out := []string{said}
	r := p.Finding.Outcomes[holds]
	out = append(out, fact(st, "asked", r.Want, w)...)
	return append(out, fact(st, "seen", r.Got, w)...)
}

// fact is a line with a name before it.
func fact(st *theme.Styles, name, text string, w int) []string {
	var out []string
	for i, l := range paint.Wrap(st.Sym.Plain(text), w-8) {
		if i > 0 {
			name = ""
		}
		out = append(out, "  "+st.Muted.Render(paint.Fit(name, 6)+l))
	}
	return out
}

// trouble says why there is no verdict.
func (p *Prediction) trouble(st *theme.Styles, w int) []string {
	why := p.Trouble
	if p.Finding != nil {
		why = p.Finding.Trouble
	}
	text := paint.Sentence(why)
	if p.Remedy != "" {
		text += "\nWhat to do: " + p.Remedy // as it is: it may be a command
	}
	out := Callout(st, st.Warn, "Underlay could not find out", text, w)
	again := fmt.Sprintf("This does not count. Press %s to ask the kernel again.", predict.Letter(p.Chosen))
	return append(out, paint.Each(paint.Wrap(again, w), st.Muted.Render)...)
}

// option is one line to choose, with a mark before it and the key that chooses it.
func option(st *theme.Styles, mark, key string, style lipgloss.Style, text string, w int) []string {
	var out []string
	for j, l := range Sentence(st, style, text, w-6) {
		if j == 0 {
			out = append(out, mark+" "+key+"  "+l)
			continue
		}
		out = append(out, strings.Repeat(" ", 5)+l)
	}
	return out
}

// wrong marks what the learner chose and is not so.
func wrong(st *theme.Styles) string {
	if st.Options.ASCII {
		return st.Bad.Render("!")
	}
	return st.Bad.Render("x")
}
